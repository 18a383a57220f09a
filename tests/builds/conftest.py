"""Small real projects, and a call that proves them."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from swarm.builds.adapter import BuildResult
from swarm.builds.checkout import Checkout
from swarm.builds.registry import choose
from swarm.builds.runner import run_build
from swarm.verify_config import VerifyConfig, VerifyStep

DEFAULTS = VerifyConfig()
Prove = Callable[..., BuildResult]


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


def python_step(script: str, name: str = "step", kind: str = "test", **changed: object) -> VerifyStep:
    return VerifyStep(name, kind, (sys.executable, "-c", script))._replace(**changed)  # type: ignore[arg-type]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    made.mkdir()
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The user's own checkout."""
    made = tmp_path / "root"
    made.mkdir()
    return made


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


@pytest.fixture
def our_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The virtual environment of these tests is the one that `VIRTUAL_ENV` names."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)


@pytest.fixture
def prove(tree: Path, root: Path, logs: Path) -> Prove:
    """`prove({name: content}, config=…)`: write a project, choose its adapter, run the build."""

    def call(
        files: Mapping[str, str], *, config: VerifyConfig = DEFAULTS, named: str | None = None, seconds: float = 60
    ) -> BuildResult:
        write(tree, files)
        return run_build(choose(tree, config, named), tree, Checkout(root), logs, config, seconds=seconds)

    return call


@pytest.fixture
def run_steps(prove: Prove) -> Prove:
    """`run_steps(step, …)`: the same with configured steps."""

    def call(*steps: VerifyStep, seconds: float = 60, environment: tuple[str, ...] = ()) -> BuildResult:
        return prove({}, config=VerifyConfig(steps=steps, environment=environment), seconds=seconds)

    return call

"""`[verify] setup` installs what the steps need, and a step that does not pass shows how it ended."""

import json
from collections.abc import Sequence

import pytest

from tests.conftest import Repo, Swarm

STEP = '\n[[verify.steps]]\nname = "check"\nkind = "test"\nargv = {argv}\n'
PYTHON = "#!/bin/sh\necho '1 passed in 0.1s'\n"


@pytest.fixture
def prove(swarm: Swarm, repo: Repo) -> Swarm:
    """`prove(setup, argv, …)`: run a set-up and a step, as `swarm.toml` names both."""

    def call(setup: Sequence[Sequence[str]], argv: Sequence[str], *words: str, exit: int = 0) -> object:  # noqa: A002
        text = f"[verify]\nsetup = {json.dumps(setup)}\n{STEP.format(argv=json.dumps(argv))}"
        repo.commit({"swarm.toml": text, ".gitignore": "swarms/\n.venv\n"})
        swarm("init", ".")
        return swarm("verify", *words, exit=exit)

    return call  # type: ignore[return-value]


def test_the_set_up_runs_in_the_scratch_tree_before_the_steps(prove: Swarm, repo: Repo) -> None:
    setup = [["sh", "-c", "echo 1 passed in 0.1s > made"], ["test", "-f", "made"]]
    data = prove(setup, ["cat", "made"], "--format", "json").data  # type: ignore[arg-type]
    steps = [(step["name"], step["kind"], step["status"]) for step in data["steps"]]
    assert steps == [("setup-1", "build", "passed"), ("setup-2", "build", "passed"), ("check", "test", "passed")]
    assert data["verdict"] == "pass"
    assert not (repo.root / "made").exists()


def test_an_environment_that_the_set_up_makes_is_the_python_of_the_steps(
    prove: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    script = f"mkdir -p .venv/bin; cat > .venv/bin/python <<'END'\n{PYTHON}END\nchmod +x .venv/bin/python"
    data = prove([["sh", "-c", script]], ["{python}", "x"], "--format", "json").data  # type: ignore[arg-type]
    assert (data["verdict"], data["testCount"], data["note"]) == ("pass", 1, None)


def test_a_set_up_that_fails_fails_the_build_by_its_name_and_shows_its_end(prove: Swarm) -> None:
    broken = "echo '::error::forged'; echo no network >&2; exit 3"
    lines = prove([["sh", "-c", broken]], ["echo", "1 ran"], exit=1).out.splitlines()  # type: ignore[arg-type]
    assert lines[1].startswith("⊘ setup-1: failed in ")
    assert lines[2:5] == ["    │ ::error::forged", "    │ no network", "Build: fail by configured"]


def test_a_missing_module_names_the_set_up_and_a_missing_program_its_installer(prove: Swarm) -> None:
    missing = "echo \"ModuleNotFoundError: No module named 'left'\" >&2; exit 1"
    note = prove([], ["sh", "-c", missing], exit=1).out  # type: ignore[arg-type]
    assert (
        "⚠ the tree under proof lacks module left (`[verify] setup` of swarm.toml installs what the tests need, as in "
        "your checkout `python -m pip install -e .` or `npm ci` does)"
    ) in note
    assert (
        "    pnpm is missing: `npm install --global pnpm` installs it" in prove([], ["pnpm"], exit=1).out.splitlines()
    )  # type: ignore[arg-type]


def test_a_set_up_that_nobody_trusts_is_refused(prove: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWARM_TRUST", raising=False)
    assert "CONFIG_UNTRUSTED" in prove([["sh", "-c", "touch lied"]], ["true"], exit=2).err  # type: ignore[arg-type]

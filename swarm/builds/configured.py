"""Configured: the steps that `swarm.toml` names."""

import re
from pathlib import Path
from typing import Final

from swarm.builds.adapter import BuildStep
from swarm.builds.checkout import Checkout
from swarm.builds.interpreters import interpreter, python_environment, takes_plugins
from swarm.builds.node import takes_reporters
from swarm.builds.node_scripts import package_runner
from swarm.builds.python_commands import interpreter_of, is_managed, python_run
from swarm.builds.recorders import Runner, runner_of
from swarm.verify_config import VerifyConfig, VerifyStep

_PLACEHOLDER: Final = re.compile(r"\{(python|worktree|repository)\}")


class Configured:
    """Proves whatever the user says, by the user's own commands."""

    name = "configured"

    def __init__(self, config: VerifyConfig) -> None:
        self._config = config

    def probe(self, tree: Path) -> int:
        """Return more than any other adapter when there are steps."""
        del tree
        return 100 if self._config.steps else 0

    def steps(self, tree: Path, checkout: Checkout) -> list[BuildStep]:
        """Return the steps with their placeholders filled in."""
        return [_step(step, tree, checkout) for step in self._config.steps]


def setup_steps(config: VerifyConfig, tree: Path, checkout: Checkout) -> list[BuildStep]:
    """Return the set-up of a scratch worktree as steps that run before those of any adapter."""
    variables = python_environment(tree, interpreter(checkout), checkout)
    # An installer of the project must not import the tree's modules in the place of its own.
    del variables["PYTHONPATH"]
    return [
        BuildStep(f"setup-{number}", "build", _filled(argv, tree, checkout), environment=variables)
        for number, argv in enumerate(config.setup, 1)
    ]


def _step(step: VerifyStep, tree: Path, checkout: Checkout) -> BuildStep:
    argv = _filled(step.argv, tree, checkout)
    is_counted = step.kind == "test" and step.count_pattern is None
    variables = python_environment(tree, interpreter(checkout), checkout)
    python: str | None = "python"
    if (run := python_run(argv)) and run.is_script and not run.before:
        python = interpreter_of(argv[0], tree / step.folder, variables.get("PATH", checkout.path()))
    return BuildStep(
        name=step.name,
        kind=step.kind,
        argv=argv,
        folder=step.folder,
        environment=variables,
        count_pattern=step.count_pattern,
        runner=_runner(argv, tree, step.folder, checkout) if is_counted and python else None,
        python=python or "python",
    )


def _runner(argv: tuple[str, ...], tree: Path, folder: str, checkout: Checkout) -> Runner | None:
    runner = runner_of(argv) or package_runner(argv, tree, folder)
    is_of_node = runner is not None and (runner is Runner.NODE or runner.is_package)
    is_old = is_of_node and not takes_reporters(checkout)
    stands_in = runner is Runner.PYTHON and "pytest" in argv and not is_managed(argv) and not takes_plugins(argv[0])
    return None if is_old or stands_in else runner


def _filled(argv: tuple[str, ...], tree: Path, checkout: Checkout) -> tuple[str, ...]:
    values = {"python": interpreter(checkout), "worktree": str(tree), "repository": str(checkout.root)}
    return tuple(_PLACEHOLDER.sub(lambda found: values[found[1]], part) for part in argv)

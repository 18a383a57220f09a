"""Configured: the steps that `swarm.toml` names."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from swarm.builds.adapter import BuildStep
from swarm.builds.checkout import Checkout
from swarm.builds.interpreters import interpreter, python_environment, takes_plugins
from swarm.builds.node import takes_reporters
from swarm.builds.recorders import records
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
        variables = python_environment(tree, interpreter(checkout), checkout)
        return [_step(step, _filled(step.argv, tree, checkout), variables, checkout) for step in self._config.steps]


def setup_steps(config: VerifyConfig, tree: Path, checkout: Checkout) -> list[BuildStep]:
    """Return the set-up of a scratch worktree as steps that run before those of any adapter."""
    variables = python_environment(tree, interpreter(checkout), checkout)
    # An installer of the project must not import the tree's modules in the place of its own.
    del variables["PYTHONPATH"]
    return [
        BuildStep(f"setup-{number}", "build", _filled(argv, tree, checkout), environment=variables)
        for number, argv in enumerate(config.setup, 1)
    ]


def _step(step: VerifyStep, argv: tuple[str, ...], variables: Mapping[str, str], checkout: Checkout) -> BuildStep:
    is_counted = step.kind == "test" and step.count_pattern is None
    return BuildStep(
        name=step.name,
        kind=step.kind,
        argv=argv,
        folder=step.folder,
        environment=variables,
        count_pattern=step.count_pattern,
        is_recorded=is_counted and records(argv) and _takes_recorder(argv, checkout),
    )


def _takes_recorder(argv: tuple[str, ...], checkout: Checkout) -> bool:
    if argv[0] == "node":
        return takes_reporters(checkout)
    return "pytest" not in argv or takes_plugins(argv[0])


def _filled(argv: tuple[str, ...], tree: Path, checkout: Checkout) -> tuple[str, ...]:
    values = {"python": interpreter(checkout), "worktree": str(tree), "repository": str(checkout.root)}
    return tuple(_PLACEHOLDER.sub(lambda found: values[found[1]], part) for part in argv)

"""Configured: the steps that `swarm.toml` names."""

import re
from pathlib import Path
from typing import Final

from swarm.builds.adapter import BuildStep
from swarm.builds.checkout import Checkout
from swarm.builds.interpreters import interpreter, python_environment
from swarm.config import VerifyConfig

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
        python = interpreter(checkout)
        values = {"python": python, "worktree": str(tree), "repository": str(checkout.root)}
        variables = python_environment(tree, python, checkout)
        return [
            BuildStep(
                step.name,
                step.kind,
                tuple(_PLACEHOLDER.sub(lambda found: values[found[1]], part) for part in step.argv),
                folder=step.folder,
                environment=variables,
                count_pattern=step.count_pattern,
            )
            for step in self._config.steps
        ]

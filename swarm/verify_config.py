"""Table `[verify]` of `swarm.toml`: the build of a repository."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from swarm import errors
from swarm.rules.sandbox_policy import Settings, settings_of

VERIFY_SECONDS: Final = 300


class VerifyStep(NamedTuple):
    """A `[[verify.steps]]` table. The only group of `count_pattern` captures the number of tests."""

    name: str
    kind: Literal["lint", "types", "test", "build", "check"]
    argv: tuple[str, ...]
    folder: str = "."
    count_pattern: str | None = None


class VerifyConfig(NamedTuple):
    """The `[verify]` table: the build of the repository, and the time limit of a step.

    `setup` are the argument lists that install what the steps need, before the steps.
    """

    adapter: str | None = None
    timeout_seconds: int = VERIFY_SECONDS
    environment: tuple[str, ...] = ()
    steps: tuple[VerifyStep, ...] = ()
    sandbox: Settings = Settings()
    setup: tuple[tuple[str, ...], ...] = ()


def verify_config(file: Path, table: Mapping[str, Any]) -> VerifyConfig:
    """Return the settings of a table that fits its schema. Raises ConfigInvalid for a pattern that counts nothing."""
    steps = tuple(
        VerifyStep(step["name"], step["kind"], tuple(step["argv"]), step.get("folder", "."), step.get("count_pattern"))
        for step in table.get("steps", ())
    )
    for position, step in enumerate(steps):
        if problem := _pattern_problem(step.count_pattern):
            raise errors.ConfigInvalid(path=str(file), problem=f"$.verify.steps[{position}].count_pattern: {problem}")
    return VerifyConfig(
        table.get("adapter"),
        table.get("timeout_seconds", VERIFY_SECONDS),
        tuple(table.get("environment", ())),
        steps,
        settings_of(table),
        tuple(map(tuple, table.get("setup", ()))),
    )


def _pattern_problem(pattern: str | None) -> str | None:
    try:
        groups = re.compile(pattern or "()").groups
    except re.error as error:
        return f"it is no regular expression: {error}"
    return None if groups == 1 else f"it has {groups} groups, not one that finds the number"

"""`swarm.toml`: runtimes, severities, prompts, limits and proof of a repository or a workspace."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from swarm import errors

FILE_NAME: Final = "swarm.toml"
MOST_BYTES: Final = 1024 * 1024
PROMPT_BYTES: Final = 60 * 1024
ATTEMPT_SECONDS: Final = 1800
VERIFY_SECONDS: Final = 300


class RuntimeConfig(NamedTuple):
    """A `[runtimes.NAME]` table: a command, or a tool that writes SARIF."""

    name: str
    kind: str
    argv: tuple[str, ...]
    version_argv: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()


class VerifyStep(NamedTuple):
    """A `[[verify.steps]]` table. The only group of `count_pattern` captures the number of tests."""

    name: str
    kind: Literal["lint", "types", "test", "build", "check"]
    argv: tuple[str, ...]
    folder: str = "."
    count_pattern: str | None = None


class VerifyConfig(NamedTuple):
    """The `[verify]` table: the build of the repository, and the time limit of a step."""

    adapter: str | None = None
    timeout_seconds: int = VERIFY_SECONDS
    environment: tuple[str, ...] = ()
    steps: tuple[VerifyStep, ...] = ()


class Config(NamedTuple):
    """The settings in force. `source` is their file, `None` for the defaults."""

    source: Path | None = None
    runtimes: Mapping[str, RuntimeConfig] = {}
    severities: Mapping[str, Mapping[str, str]] = {}
    categories: Mapping[str, Mapping[str, str]] = {}
    ruff_select: Mapping[str, tuple[str, ...]] = {}
    ruff_unsafe_fixes: bool = False
    jobs: int | None = None
    attempt_seconds: int = ATTEMPT_SECONDS
    prompt_bytes: int = PROMPT_BYTES
    reads: Mapping[str, tuple[str, ...]] = {}
    verify: VerifyConfig = VerifyConfig()


def load(*folders: Path) -> Config:
    """Return the settings of the first folder with a `swarm.toml`, else the defaults.

    Raises ConfigInvalid, naming the key.
    """
    for folder in folders:
        file = folder / FILE_NAME
        try:
            file.stat()
            document = _parsed(file)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            raise errors.ConfigInvalid(path=str(file), problem=str(error)) from error
        return _read(file, document)
    return Config()


def _parsed(file: Path) -> dict[str, Any]:
    from swarm.documents import parse_toml, read_named

    return parse_toml(read_named(file, MOST_BYTES))


def _read(file: Path, document: dict[str, Any]) -> Config:
    from swarm.documents import check

    if problem := check(document, "swarm-toml"):
        raise errors.ConfigInvalid(path=str(file), problem=problem)
    launch, prompts = document.get("launch", {}), document.get("prompts", {})
    tables: dict[str, Any] = document.get("runtimes", {})
    ruff = tables.get("ruff", {})
    return Config(
        source=file,
        runtimes={name: _runtime(name, table) for name, table in tables.items() if name != "ruff"},
        severities=document.get("severities", {}),
        categories=document.get("categories", {}),
        ruff_select={phase: tuple(rules) for phase, rules in ruff.get("select", {}).items()},
        ruff_unsafe_fixes=ruff.get("unsafe_fixes", False),
        jobs=launch.get("jobs"),
        attempt_seconds=launch.get("timeout_seconds", ATTEMPT_SECONDS),
        prompt_bytes=prompts.get("max_bytes", PROMPT_BYTES),
        reads={domain: tuple(globs) for domain, globs in document.get("reads", {}).items()},
        verify=_verify(file, document.get("verify", {})),
    )


def _runtime(name: str, table: dict[str, Any]) -> RuntimeConfig:
    return RuntimeConfig(
        name,
        table["kind"],
        tuple(table["argv"]),
        tuple(table.get("version_argv", ())),
        tuple(table.get("environment", ())),
    )


def _verify(file: Path, table: dict[str, Any]) -> VerifyConfig:
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
    )


def _pattern_problem(pattern: str | None) -> str | None:
    try:
        groups = re.compile(pattern or "()").groups
    except re.error as error:
        return f"it is no regular expression: {error}"
    return None if groups == 1 else f"it has {groups} groups, not one that finds the number"

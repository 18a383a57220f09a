"""`swarm.toml`: what a repository, or a workspace, says about runtimes, severities, prompts and limits."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors

FILE_NAME: Final = "swarm.toml"
PROMPT_BYTES: Final = 60 * 1024
ATTEMPT_SECONDS: Final = 1800


class RuntimeConfig(NamedTuple):
    """One `[runtimes.NAME]` table: a command, or a tool that writes SARIF."""

    name: str
    kind: str
    argv: tuple[str, ...]
    version_argv: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()


class Config(NamedTuple):
    """The settings in force. `source` is the file they came from, `None` for the defaults."""

    source: Path | None = None
    runtimes: Mapping[str, RuntimeConfig] = {}
    severities: Mapping[str, Mapping[str, str]] = {}
    categories: Mapping[str, Mapping[str, str]] = {}
    ruff_select: Mapping[str, tuple[str, ...]] = {}
    jobs: int | None = None
    attempt_seconds: int = ATTEMPT_SECONDS
    prompt_bytes: int = PROMPT_BYTES


def load(*folders: Path) -> Config:
    """Return the configuration of the first folder that has a `swarm.toml`, else the defaults.

    Raises ConfigInvalid, naming the key.
    """
    for folder in folders:
        file = folder / FILE_NAME
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise errors.ConfigInvalid(path=str(file), problem=str(error)) from error
        return _read(file, document)
    return Config()


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
        jobs=launch.get("jobs"),
        attempt_seconds=launch.get("timeout_seconds", ATTEMPT_SECONDS),
        prompt_bytes=prompts.get("max_bytes", PROMPT_BYTES),
    )


def _runtime(name: str, table: dict[str, Any]) -> RuntimeConfig:
    return RuntimeConfig(
        name,
        table["kind"],
        tuple(table["argv"]),
        tuple(table.get("version_argv", ())),
        tuple(table.get("environment", ())),
    )

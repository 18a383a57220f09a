"""Configuration files of ruff in a tree: what they set, which files they extend, and those that lead outside."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from swarm.config import MOST_BYTES
from swarm.documents import parse_toml, read_named
from swarm.runtimes.own_tree import is_inside

CONFIG_NAMES: Final = ("pyproject.toml", "ruff.toml", ".ruff.toml")
# Ruff follows as many `extend` as there are; a tree that needs more than this is made to be followed for ever.
MOST_EXTENDED: Final = 20
# Ruff expands these before it opens a file, so the path that is written is not the path that is read.
_EXPANDED: Final = ("~", "$", "%")


def ruff_table(file: Path) -> Any:
    """Return what a file configures of ruff, `None` when it does not."""
    try:
        document = parse_toml(read_named(file, MOST_BYTES)) if file.is_file() else None
    except (OSError, ValueError):
        return "unreadable" if file.name != "pyproject.toml" else None
    if document is None or file.name != "pyproject.toml":
        return document
    tool, project = (table if isinstance(table := document.get(name), dict) else {} for name in ("tool", "project"))
    return None if "ruff" not in tool else [tool["ruff"], project.get("requires-python")]


def resolved(tree: Path, names: Sequence[str]) -> dict[str, Any]:
    """Return the ruff tables of some configuration files, and those of every file that they extend, by path."""
    tables: dict[str, Any] = {}
    for name in names:
        for file in _chain(tree, tree / name):
            tables[os.path.relpath(file, tree)] = ruff_table(file)
    return tables


def leads_outside(tree: Path, folder: str) -> str | None:
    """Return why ruff must not read the configuration of a folder of the tree, `None` where it may.

    Ruff prints lines of a file that it cannot parse, so that `extend = "~/.netrc"` would show what is in there.
    """
    for name in CONFIG_NAMES:
        first = tree / folder / name
        if not os.path.lexists(first):
            continue
        shown = f"{folder}/{name}".lstrip("/")
        if not is_inside(tree, first):
            return f"{shown} is a link that leads outside of the repository"
        for file in _chain(tree, first):
            table = _own_table(file)
            for key in ("extend", "src"):
                listed = table.get(key, [])
                for value in listed if isinstance(listed, list) else [listed]:
                    if not _stays(tree, file.parent, value):
                        return f"{os.path.relpath(file, tree)} leads outside of the repository by its `{key}`"
    return None


def _chain(tree: Path, file: Path) -> Iterator[Path]:
    """Yield a configuration file and the files that it extends, as far as they are in the tree."""
    seen: set[Path] = set()
    while file not in seen and len(seen) < MOST_EXTENDED and is_inside(tree, file):
        seen.add(file)
        yield file
        extended = _own_table(file).get("extend")
        if not isinstance(extended, str) or not _stays(tree, file.parent, extended):
            return
        # Made plain, so that a file that extends itself by `./` is known again.
        file = Path(os.path.normpath(file.parent / extended))


def _own_table(file: Path) -> dict[str, Any]:
    table = ruff_table(file)
    table = table[0] if isinstance(table, list) else table
    return table if isinstance(table, dict) else {}


def _stays(tree: Path, folder: Path, value: object) -> bool:
    if not isinstance(value, str):
        return True
    return not any(mark in value for mark in _EXPANDED) and is_inside(tree, folder / value)


def rules_on(settings: bytes) -> list[str]:
    """Read `linter.rules.enabled = [ name (CODE), … ]` of `ruff check --show-settings`."""
    _, _, rest = settings.decode("utf-8", "replace").partition("linter.rules.enabled = [")
    listed = (line.strip().rstrip(",") for line in rest.partition("]")[0].splitlines())
    codes = {line.rpartition("(")[2].rstrip(")") for line in listed if line.endswith(")")}
    return sorted(codes | {"invalid-syntax"})


def is_uniform(settings: bytes) -> bool:
    """Say whether the settings of a root have no `per-file-ignores`, so that a renamed file has the same rules."""
    return b"linter.per_file_ignores = {}" in settings

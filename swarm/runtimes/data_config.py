"""Configuration files of an analyzer in a tree: the one that holds for each file, and those that lead outside."""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from swarm.config import MOST_BYTES
from swarm.documents import parse_bounded, read_named
from swarm.runtimes.analyzer_table import AnalyzerRow
from swarm.runtimes.own_tree import is_inside

MOST_EXTENDED: Final = 20
NONE: Final = ""
# Comments of JSON with comments; a string is matched first, so that `//` within one stays.
# What does not end goes on to the end of the text: tried from each of its quotes, it would cost the square.
_COMMENT: Final = re.compile(r'("(?:[^"\\]|\\.)*+"?)|//[^\n]*|/\*.*?\*/|(/\*.*)', re.DOTALL)
_TRAILING: Final = re.compile(r'("(?:[^"\\]|\\.)*+"?)|,(?=\s*[\]}])', re.DOTALL)


def by_config(row: AnalyzerRow, tree: Path, files: Iterable[str]) -> dict[str, list[str]]:
    """Return files by the configuration that holds for them, `""` where the tree has none for them."""
    rooted = [name.removeprefix("./") for name in row.config if name.startswith("./")]
    whole = next((name for name in rooted if _lies_in(tree / name)), NONE)
    nested = [name for name in row.config if not name.startswith("./")]
    nearest: dict[str, str] = {}

    def config_of(folder: str) -> str:
        if folder not in nearest:
            here = [f"{folder}/{name}".lstrip("/") for name in nested]
            found = next((name for name in here if _lies_in(tree / name)), None)
            nearest[folder] = found or (config_of(folder.rpartition("/")[0]) if folder else whole)
        return nearest[folder]

    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        grouped[config_of(file.rpartition("/")[0])].append(file)
    return dict(sorted(grouped.items()))


def _lies_in(file: Path) -> bool:
    # A link counts: it is refused by name, and not passed over as if there were no configuration.
    return file.is_symlink() or file.is_file()


def leads_outside(row: AnalyzerRow, tree: Path, configs: Iterable[str]) -> str | None:
    """Return why a configuration must not be used: it leads out of the tree or runs a program. `None` where all may."""
    for config in filter(None, configs):
        if not is_inside(tree, config):
            return f"{config} is a link that leads outside of the repository"
        problems = (_problem(row, tree, file, document) for file, document in _chain(row, tree, tree / config))
        if problem := _line_outside(row, tree, config) or next(filter(None, problems), None):
            return problem
    return None


def _line_outside(row: AnalyzerRow, tree: Path, config: str) -> str | None:
    for found in re.finditer(row.leads, _text(tree / config), re.MULTILINE) if row.leads else ():
        if not is_inside(tree, (tree / config).parent / found["path"].strip()):
            return f"{config} leads outside of the repository by its `{found['key']}`"
    return None


def _problem(row: AnalyzerRow, tree: Path, file: Path, document: dict[str, Any] | None) -> str | None:
    name = file.relative_to(tree).as_posix()
    if document is None:
        return f"{name} cannot be read as JSON"
    for key in row.held.get("runs", ()):
        if any(_values(document, key)):
            return f"{name} names programs by its `{key.replace('.*', '')}`"
    for value in _paths(row, document):
        if not is_inside(tree, file.parent / value):
            return f"{name} leads outside of the repository by its `{row.held['paths'][0]}`"
    return None


def digest(row: AnalyzerRow, tree: Path, files: Sequence[str]) -> str:
    """Return a digest over everything of a row and of the tree's configurations that a report depends on."""
    whole = hashlib.sha256(repr((row.argv, row.bare, row.bare_text, row.lists)).encode())
    # What turns an analyzer on is its configuration, too, in whatever folder.
    names = {name.removeprefix("./") for name in (*row.config, *(each.partition(":")[0] for each in row.when))}
    rooted = {name.removeprefix("./") for name in row.config if name.startswith("./")}
    nested = names - rooted
    for file in sorted(files):
        is_config = file in rooted or file.rpartition("/")[2] in nested
        if is_config and is_inside(tree, file):
            for path in dict.fromkeys([tree / file, *(path for path, _ in _chain(row, tree, tree / file))]):
                whole.update(f"\0{path.relative_to(tree).as_posix()}\0".encode("utf-8", "surrogateescape"))
                whole.update(_text(path).encode("utf-8", "surrogateescape"))
    return whole.hexdigest()[:16]


def _chain(row: AnalyzerRow, tree: Path, file: Path) -> Iterator[tuple[Path, dict[str, Any] | None]]:
    """Yield a configuration and the files that it extends, as far as they lie in the tree, with what they say."""
    waiting, seen = [file], set[Path]()
    while waiting and row.held and len(seen) < MOST_EXTENDED:
        here = waiting.pop(0)
        if here in seen or not is_inside(tree, here) or not here.is_file():
            continue
        seen.add(here)
        document = _document(here)
        yield here, document
        named = [here.parent / value for value in _paths(row, document or {})]
        # Made plain, so that a file that extends itself by another path is known again.
        plain = (
            os.path.relpath(os.path.realpath(path), os.path.realpath(tree)) for path in named if is_inside(tree, path)
        )
        waiting += [tree / path for path in plain]


def _paths(row: AnalyzerRow, document: dict[str, Any]) -> list[str]:
    found = []
    for key in row.held.get("paths", ()):
        for listed in _values(document, key):
            found += [value for value in (listed if isinstance(listed, list) else [listed]) if isinstance(value, str)]
    return found


def _values(document: Any, key: str) -> Iterator[Any]:
    """Yield the values of a key such as `overrides.*.extends`, where a star stands for each item of a list."""
    first, _, rest = key.partition(".")
    if first == "*":
        found = list(document) if isinstance(document, list) else []
    else:
        found = [document[first]] if isinstance(document, dict) and first in document else []
    for value in found:
        yield from _values(value, rest) if rest else (value,)


def _document(file: Path) -> dict[str, Any] | None:
    from swarm import errors

    plain = _COMMENT.sub(lambda found: found[1] or found[2] or "", _text(file))
    text = _TRAILING.sub(lambda found: found[1] or "", plain)
    try:
        document = parse_bounded(text.encode(), file.name)
    except errors.SwarmError:
        return None
    return document if isinstance(document, dict) else None


def _text(file: Path) -> str:
    try:
        return read_named(file, MOST_BYTES)
    except (OSError, ValueError):
        return ""

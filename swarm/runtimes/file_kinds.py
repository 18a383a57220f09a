"""Kinds of files, by the table of analyzers: which files of a tree an analyzer reads."""

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import translate
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from swarm.rules.minified import MOST_LOOKED_AT, is_minified
from swarm.runtimes.analyzer_table import AnalyzerRow, Kind, table

OTHER: Final = "other"
# Enough for `#!/usr/bin/env -S interpreter` and far less than a file.
_FIRST_LINE: Final = 200
_LONGEST_SUFFIX: Final = 16


@cache
def _patterns(kind: Kind) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the pattern of base names and the pattern of whole paths of a kind."""
    names = "|".join(translate(pattern) for pattern in kind.patterns if "/" not in pattern)
    paths = "|".join(translate(pattern) for pattern in kind.patterns if "/" in pattern)
    return re.compile(names or r"(?!)"), re.compile(paths or r"(?!)")


# Each analyzer of the table asks for the kind of every file.
@lru_cache(maxsize=1 << 17)
def kind_by_name(path: str) -> Kind | None:
    """Return the kind of a file by its name; `None` where the name says nothing."""
    name = path.rpartition("/")[2]
    # A workflow is YAML as well: the patterns of paths say more than those of names.
    for at in (1, 0):
        for kind in table().kinds:
            if _patterns(kind)[at].match(path if at else name):
                return kind
    return None


def kind_of(path: str, tree: Path | None = None) -> str:
    """Return the kind of a file: by its name, else by its first line in a tree; else its suffix, else "other".

    Minified files are a kind of their own where a tree is given.
    """
    found = kind_by_name(path)
    if found is not None:
        return found.minified if tree and found.minified and _is_minified(tree / path) else found.name
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    if dot and stem and suffix:
        return f".{suffix[:_LONGEST_SUFFIX]}"
    return (tree and _kind_by_shebang(tree / path)) or OTHER


def kinds_of(paths: Iterable[str], tree: Path | None = None) -> dict[str, int]:
    """Count files by kind, the most frequent kind first."""
    counts = Counter(kind_of(path, tree) for path in paths)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def of_kinds(paths: Iterable[str], kinds: Sequence[str], tree: Path) -> list[str]:
    """Return the files of some kinds in a tree."""
    # No file is opened whose name says that it is of another kind.
    named = {kind.name for kind in table().kinds if not {kind.name, kind.minified}.isdisjoint(kinds)}
    return [
        path
        for path in paths
        if ((kind := kind_by_name(path)) is None or kind.name in named) and kind_of(path, tree) in kinds
    ]


def read_by(row: AnalyzerRow, paths: Iterable[str], tree: Path) -> list[str]:
    """Return the files of a tree that an analyzer reads."""
    if not row.by_name:
        return of_kinds(paths, row.kinds, tree)
    return [path for path in paths if (kind := kind_by_name(path)) is not None and kind.name in row.kinds]


def _is_minified(file: Path) -> bool:
    text = _beginning(file, MOST_LOOKED_AT)
    return text is not None and is_minified(text)


def _beginning(file: Path, size: int) -> bytes | None:
    """Return the first bytes of a regular file, `None` where it is none or cannot be read."""
    try:
        # No link is followed and nothing blocks: the tree is a stranger's.
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return os.read(handle, size) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(handle)


def _kind_by_shebang(file: Path) -> str | None:
    first = _beginning(file, _FIRST_LINE) or b""
    if not first.startswith(b"#!"):
        return None
    words = first[2:].split(b"\n")[0].decode("utf-8", "replace").split()
    named = [word.rpartition("/")[2] for word in words if not word.startswith("-")]
    if named[:1] == ["env"]:
        # `env NAME=value interpreter` sets a variable first.
        named = [word for word in named[1:] if "=" not in word]
    interpreter = named[0] if named else ""
    # `python3.12` is a Python.
    names = {interpreter, interpreter.rstrip("0123456789.")}
    return next((kind.name for kind in table().kinds if not names.isdisjoint(kind.shebangs)), None)

"""Paths as a program names them, relative to the tree that the program was given."""

import os
import re
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

_FILE_URI: Final = re.compile(r"file:/", re.IGNORECASE)
_HOSTS: Final = frozenset({"", "localhost"})


def inside(tree: Path, name: str) -> str:
    """Return a file's name relative to a tree, and any other name as it is.

    A program knows its tree by the real path, by a link that leads to it, or as a `file:` URI. Below the tree no link
    is followed.
    """
    path = path_of_uri(name)
    if not path.startswith("/"):
        return name.removeprefix("./")
    steps = [step for step in path.split("/") if step not in {"", "."}]
    # Where `..` leads depends on the links before it.
    if ".." in steps or "\0" in path:
        return name
    plain = "/" + "/".join(steps)
    if plain.startswith(f"{tree}/"):
        return plain[len(f"{tree}/") :]
    for above in PurePosixPath(plain).parents:
        # The file system may ignore case; `stat` answers that, and this spares it every other folder.
        if above.name.casefold() == tree.name.casefold() and _is_same(str(above), tree):
            return plain[len(f"{above}/") :]
    real = os.path.realpath(tree)
    return plain[len(f"{real}/") :] if plain.startswith(f"{real}/") else name


def path_of_uri(name: str) -> str:
    """Return the path of a `file:` URI of this machine, and any other name as it is."""
    if not _FILE_URI.match(name):
        return name
    try:
        parts = urlsplit(name)
    except ValueError:
        return name
    return unquote(parts.path) if parts.netloc.lower() in _HOSTS else name


def _is_same(folder: str, tree: Path) -> bool:
    try:
        return os.path.samefile(folder, tree)  # noqa: PTH121
    except (OSError, ValueError):
        return False

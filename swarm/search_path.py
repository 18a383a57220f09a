"""PATH without what a repository could have put there: relative entries, and folders of the repositories at hand."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from swarm.workspace import checkout_around

_LEFT_OUT: Final[set[str]] = set()


def absolute_path() -> str:
    """Return PATH without its relative entries, which would lead into whatever folder a child is started in."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    # Not an empty text, by which `exec` would search the current folder.
    return os.pathsep.join(filter(os.path.isabs, entries)) or os.defpath


def path_outside(*places: Path) -> str:
    """Return the absolute entries of PATH outside of the checkouts around the current folder and around some places.

    An entry that was left out stays out for this process: git also works in scratch folders outside of the repository.
    """
    try:
        here = os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        here = os.sep
    path = absolute_path()
    for folder in (here, *map(os.fspath, places)):
        _LEFT_OUT.update(_inside(path, folder))
    if not _LEFT_OUT:
        return path
    return os.pathsep.join(entry for entry in path.split(os.pathsep) if entry not in _LEFT_OUT) or os.defpath


def plain_environment(folder: Path) -> dict[str, str]:
    """Return our environment for git, or a program that runs git, in a folder: without `GIT_*`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # A `git` that lies in the repository, or in the folder that git is started in, is the repository's own program.
    return {**kept, "PATH": path_outside(folder)}


@lru_cache(maxsize=1024)
def _inside(path: str, folder: str) -> frozenset[str]:
    """Return the entries of PATH that lie in a checkout around a folder."""
    root = checkout_around(Path(folder))
    # A checkout that holds the user's home, of dotfiles or of the whole disk, holds the user's own programs.
    if root is None or Path(os.path.realpath(os.path.expanduser("~"))).is_relative_to(root):  # noqa: PTH111
        return frozenset()
    return frozenset(entry for entry in path.split(os.pathsep) if _lies_in(entry, root))


def _lies_in(entry: str, root: Path) -> bool:
    """Say whether a folder lies in a checkout, by its own path or by the path that its links lead to."""
    return Path(os.path.normpath(entry)).is_relative_to(root) or Path(os.path.realpath(entry)).is_relative_to(root)

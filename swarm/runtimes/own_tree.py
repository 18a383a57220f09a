"""Paths as a program names them, relative to the tree that the program was given."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from swarm.files import is_in_place

_FILE_URI: Final = re.compile(r"file:/", re.IGNORECASE)
_HOSTS: Final = frozenset({"", "localhost"})
# A tree of a control plane, by the names that `workspace.py` gives.
_WORKTREE: Final = re.compile(r"(?:^|/)swarm-\d+-[0-9a-f]+/worktrees/[^/]+/(?P<file>.+)", re.ASCII | re.DOTALL)


class TreeFiles:
    """The files of some trees; a path means the first tree that has it."""

    def __init__(self, trees: Sequence[Path]) -> None:
        self._trees = trees
        self._in_place: dict[Path, bool] = {}

    def inside(self, path: str) -> str | None:
        """Return an absolute path relative to the tree that it is in, `None` where it is in none."""
        found = (inside(tree, path) for tree in self._trees)
        name = next((name for name in found if not name.startswith("/")), None)
        plain = self.of_worktree(path if name is None else name)
        return plain if plain is not None else name

    def of_worktree(self, path: str) -> str | None:
        """Return the file of the commit that a path in a worktree of a control plane means, `None` for another path.

        A report can be older than the tree that its tool ran in.
        """
        found = _WORKTREE.search(path)
        return found["file"] if found and self.holds(found["file"]) else None

    def holds(self, path: str) -> bool:
        """Say whether a tree has a file of this path."""
        return self._tree_of(path) is not None

    def content(self, path: str) -> bytes | None:
        """Return the content of a file, `None` where it is no regular file or cannot be read."""
        from swarm import errors
        from swarm.documents import read_bounded

        tree = self._tree_of(path)
        try:
            if tree is None or not self._is_in_place(tree, (tree / path).parent):
                return None
            return read_bounded(tree / path)
        except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit, OSError):
            return None

    def _is_in_place(self, tree: Path, folder: Path) -> bool:
        # A folder of an agent's tree can be a link to any place. A folder holds many files, and is looked at once.
        if folder not in self._in_place:
            self._in_place[folder] = is_in_place(folder, tree)
        return self._in_place[folder]

    def _tree_of(self, path: str) -> Path | None:
        if not path or "\0" in path or path.startswith("/"):
            return None
        for tree in self._trees:
            try:
                if (tree / path).lstat() and not (tree / path).is_dir():
                    return tree
            # Too long, or a file in the place of a folder.
            except (OSError, ValueError):
                continue
        return None


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
    own = tree.name.casefold()
    for depth in range(len(steps) - 1, 0, -1):
        # The file system may ignore case; `stat` answers that, and this spares it every other folder.
        if steps[depth - 1].casefold() == own and _is_same("/" + "/".join(steps[:depth]), tree):
            return "/".join(steps[depth:])
    real = os.path.realpath(tree)
    return plain[len(f"{real}/") :] if plain.startswith(f"{real}/") else name


def is_inside(tree: Path, name: str | Path) -> bool:
    """Say whether a file, absolute or named as in the tree, lies in the tree, whatever links lead to it."""
    try:
        # Not `Path.resolve`, which fails at a link to itself.
        return Path(os.path.realpath(tree / name)).is_relative_to(os.path.realpath(tree))
    except ValueError:
        # A name with a NUL is that of no file.
        return False


class RealPaths:
    """Real paths of files, found as `os.path.realpath` does; each folder is looked up once."""

    def __init__(self, tree: Path) -> None:
        self.root = os.path.realpath(tree)
        self._folders: dict[str, str] = {}

    def of(self, name: str) -> str:
        """Return the real path of a file, absolute or named as in the tree."""
        path = name if name.startswith("/") else f"{self.root}/{name}"
        folder, _, own = path.rpartition("/")
        if own in {"", ".", ".."}:
            return os.path.realpath(path)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(f"{folder}/")
        real = f"{self._folders[folder].rstrip('/')}/{own}"
        return os.path.realpath(real) if Path(real).is_symlink() else real

    def is_inside(self, path: str) -> bool:
        """Say whether a real path lies below the tree."""
        return path.startswith(f"{self.root.rstrip('/')}/")

    def holds(self, name: str) -> bool:
        """Say whether a file, absolute or named as in the tree, lies in the tree, whatever links lead to it."""
        # A name with a NUL is that of no file.
        return "\0" not in name and self.is_inside(self.of(name))


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

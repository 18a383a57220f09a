"""Files of a tree that keep git waiting.

Git opens pipes and devices in the place of files that it reads on its way through a tree. A file of 100 GiB can be
made without any disk, and git reads all of it; so large files are found by their size before git sees them.
"""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import AnyStr, Final, NamedTuple

from swarm import errors
from swarm.git.path_text import path_bytes, path_text
from swarm.git.worktree_list import WORKTREES

_READ_BY_GIT: Final = (".gitattributes", ".gitignore", ".gitmodules")
_POINTER: Final = "gitdir: "
_LONGEST_POINTER: Final = 4200
LARGEST_FILE: Final = "SWARM_LARGEST_FILE"
# GitHub's own limit for a file, in MiB.
LARGEST_MIB: Final = 100
# Times the largest file that all new and edited files of a tree may hold together.
MOST_TOGETHER: Final = 20


class Blocking(NamedTuple):
    """Paths in a tree at which git would wait without end, and the sizes of files above the limit."""

    endless: tuple[str, ...]
    large: dict[str, int]


def largest_file() -> int:
    """Return the limit for a file that an agent leaves, in bytes. Raises ConfigInvalid."""
    named = os.environ.get(LARGEST_FILE, str(LARGEST_MIB))
    if not (named.isascii() and named.isdecimal() and len(named) < 10 and int(named)):  # noqa: PLR2004
        raise errors.ConfigInvalid(path=LARGEST_FILE, problem=f"'{named[:40]}' is no number of MiB")
    return int(named) << 20


def traps(tree: Path, common_dir: Path) -> tuple[str, ...]:
    """Return the paths in a tree at which git would wait without end."""
    return blocking_files(tree, common_dir, sys.maxsize).endless


def blocking_files(tree: Path, common_dir: Path, largest: int) -> Blocking:
    """Return the files of a tree that keep git waiting.

    Worktrees inside the tree are passed over, as git passes over them.
    """
    found: list[Path] = []
    large: dict[str, int] = {}
    for folder, folders, names in os.walk(tree):
        here = Path(folder)
        if here != tree and ".git" in names and _is_worktree(here, common_dir):
            folders.clear()
            continue
        folders[:] = [name for name in folders if name != ".git"]
        found += [place for name in _READ_BY_GIT if name in names and _is_endless(place := here / name)]
        large |= {_path(tree, here / name): size for name in names if (size := _size(folder, name)) > largest}
    return Blocking(tuple(sorted(_path(tree, place) for place in found)), large)


def too_large(tree: Path, paths: Iterable[str], largest: int) -> set[str]:
    """Return the files of a tree that are larger than the limit, and those that no longer fit with the files before."""
    left = MOST_TOGETHER * largest
    found = set()
    for path in paths:
        size = _size(os.fsencode(tree), path_bytes(path))
        if size > min(largest, left):
            found.add(path)
        else:
            left -= size
    return found


def _path(tree: Path, place: Path) -> str:
    return path_text(os.fsencode(place.relative_to(tree)))


def _size(folder: AnyStr, name: AnyStr) -> int:
    try:
        # Plain calls: a `Path` for each of 50,000 files takes longer than git does.
        facts = os.lstat(os.path.join(folder, name))  # noqa: PTH118
    except OSError:
        return 0
    return facts.st_size if stat.S_ISREG(facts.st_mode) else 0


def _is_endless(place: Path) -> bool:
    mode = place.lstat().st_mode
    # Links are not followed by git here.
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode))


def _is_worktree(folder: Path, common_dir: Path) -> bool:
    pointer = folder / ".git"
    facts = pointer.lstat()
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LONGEST_POINTER:
        return False
    admin = Path(pointer.read_text(encoding="utf-8", errors="surrogateescape").strip().removeprefix(_POINTER))
    return admin.parent == common_dir / WORKTREES and admin.is_dir()

"""Pipes and devices in the place of files that git reads on its way through a tree: git opens them, and waits."""

import os
import stat
from pathlib import Path
from typing import Final

from swarm.git.path_text import path_text
from swarm.git.worktree_list import WORKTREES

_READ_BY_GIT: Final = (".gitattributes", ".gitignore", ".gitmodules")
_POINTER: Final = "gitdir: "
_LONGEST_POINTER: Final = 4200


def traps(tree: Path, common_dir: Path) -> tuple[str, ...]:
    """Return the paths in a tree at which git would wait without end.

    Worktrees inside the tree are passed over, as git passes over them.
    """
    found = []
    for folder, folders, names in os.walk(tree):
        here = Path(folder)
        if here != tree and ".git" in names and _is_worktree(here, common_dir):
            folders.clear()
            continue
        folders[:] = [name for name in folders if name != ".git"]
        found += [place for name in _READ_BY_GIT if name in names and _is_endless(place := here / name)]
    return tuple(sorted(path_text(os.fsencode(place.relative_to(tree))) for place in found))


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

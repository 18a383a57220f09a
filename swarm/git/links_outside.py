"""Traps in the git folder of an archive: links through which git would write, and pipes at which it would wait."""

import os
import shlex
import stat
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.rules.ref_names import OWN_FOLDERS

# Where a first audit writes, by git or by swarm, each with the folders above it.
_WRITTEN: Final = (
    *("info", "info/exclude", "refs", "refs/heads", "refs/tags", *OWN_FOLDERS, "packed-refs"),
    *("logs", "logs/HEAD", "logs/refs", "logs/refs/heads", "logs/refs/tags", *(f"logs/{name}" for name in OWN_FOLDERS)),
    *("objects", "index", "worktrees", "config"),
)
# What git opens and reads to its end before it does anything, with the files of a linked worktree.
_READ: Final = (
    *("HEAD", "config", "config.worktree", "commondir", "packed-refs", "shallow", "index"),
    *("info/exclude", "info/attributes", "info/grafts", "info/sparse-checkout", "objects/info/alternates"),
)


def refuse_endless(git_folder: Path) -> None:
    """Refuse a `.git` with a pipe or a device in the place of a file, before git opens it. Raises GitBlocked."""
    for place in (git_folder, *(git_folder / name for name in _READ)):
        try:
            mode = place.stat().st_mode
        except OSError:
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise errors.GitBlocked(
                verb="rev-parse",
                problem=f"{place} is no regular file, and git would wait for its end",
                path=str(git_folder),
                remedy=f"remove it, if it is not yours: `rm {shlex.quote(str(place))}`",
            )


def refuse_links_outside(root: Path, common: Path) -> None:
    """Refuse a checkout whose `.git` is that of another checkout, and a git folder with links that lead outside.

    Links into another git folder are those of `git-new-workdir` and of Android's `repo`, and stay. Raises
    LedOutside.
    """
    own = root / ".git"
    # Without a link, only a `commondir` in it or a bare repository in a folder of the checkout leads elsewhere.
    is_elsewhere = common != own if own.is_dir() and not own.is_symlink() else common == common.parent / ".git" != own
    if is_elsewhere and not _is_linked_worktree(own):
        raise errors.LedOutside(path=str(own), target=str(common))
    for name in (*_WRITTEN, *_below(common, "objects"), *_below(common, OWN_FOLDERS[0])):
        place = common / name
        if place.is_symlink():
            target = Path(os.path.realpath(place))
            if not target.is_relative_to(common) and not _lies_in_git_folder(target, name):
                raise errors.LedOutside(path=str(place), target=str(target))


def _below(common: Path, folder: str) -> list[str]:
    """Return the places directly below a folder in which new files are written."""
    try:
        return [f"{folder}/{name}" for name in os.listdir(common / folder)]  # noqa: PTH208
    except OSError:
        return []


def _is_linked_worktree(own: Path) -> bool:
    """Say whether a `.git` file leads to the state of a linked worktree, which names the common folder itself."""
    # Whether that leads back to the file is not asked: in a copied worktree, runs are refused with RUN_ELSEWHERE.
    try:
        words = own.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    return (own.parent / words.removeprefix("gitdir:").strip() / "commondir").is_file()


def _lies_in_git_folder(target: Path, name: str) -> bool:
    """Say whether a place is the one of that name in another git folder."""
    folder = Path(str(target).removesuffix(f"/{name}"))
    return folder != target and (folder / "HEAD").is_file() and (folder / "objects").is_dir()

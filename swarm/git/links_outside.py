"""Traps in the git folder of an archive: links through which git would write, and pipes at which it would wait."""

import os
import shlex
import stat
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.git.runner import Git
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
# A settings file that includes more files than that has more than a person wrote.
_MOST_INCLUDED: Final = 50
_MOST_BYTES: Final = 1 << 20


def refuse_endless(git_folder: Path) -> None:
    """Refuse a `.git` with a pipe or a device in the place of a file, before git opens it. Raises GitBlocked."""
    for place in (git_folder, *(git_folder / name for name in _READ)):
        _hold_to_file(place, git_folder)
    seen: set[str] = set()
    for name in ("config", "config.worktree"):
        _hold_included(git_folder / name, git_folder, seen)


def _hold_included(file: Path, git_folder: Path, seen: set[str]) -> None:
    """Hold the files that a configuration includes, and those that they include, to regular files."""
    place = os.path.realpath(file)
    # Each file is asked about a single time: it may include itself many times.
    if place in seen or len(seen) > _MOST_INCLUDED or not file.is_file():
        return
    seen.add(place)
    with file.open("rb") as stream:
        if b"[include" not in stream.read(_MOST_BYTES).lower():
            return
    asked = ("config", "--file", str(file), "--no-includes", "-z", "--get-regexp", r"^include.*\.path$")
    _, listed = Git(Path("/")).answer(*asked, expect=(0, 1, 128))
    for entry in filter(None, listed.split(b"\0")):
        named = os.fsdecode(entry.partition(b"\n")[2])
        included = file.parent / os.path.expanduser(named)  # noqa: PTH111
        _hold_to_file(included, git_folder)
        _hold_included(included, git_folder, seen)


def _hold_to_file(place: Path, git_folder: Path) -> None:
    try:
        mode = place.stat().st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        is_inside = place.is_relative_to(git_folder)
        remedy = f"`rm {shlex.quote(str(place))}`" if is_inside else f"remove its include from {git_folder}/config"
        problem = f"{place} is no regular file, and git would wait for its end"
        raise errors.GitBlocked(verb="rev-parse", problem=problem, path=str(git_folder), remedy=remedy)


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

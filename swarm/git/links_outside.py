"""Links of a git folder that lead outside: an archive can bring them, and git and swarm would write through them."""

import os
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.rules.ref_names import OWN_FOLDERS

# Where a first audit writes, by git or by swarm, each with the folders above it.
_WRITTEN: Final = (
    *("info", "info/exclude", "refs", "refs/heads", "refs/tags", *OWN_FOLDERS, "packed-refs"),
    *("logs", "logs/HEAD", "logs/refs", "logs/refs/heads", "objects", "index", "worktrees"),
)


def refuse_links_outside(root: Path, common: Path) -> None:
    """Refuse a checkout whose `.git` is that of another checkout, and a git folder with links that lead outside.

    Links into another git folder are those of `git-new-workdir` and of Android's `repo`, and stay. Raises
    LedOutside.
    """
    own = root / ".git"
    if common.name == ".git" and common.parent != root and not _is_linked_worktree(own):
        raise errors.LedOutside(path=str(own), target=str(common))
    for name in (*_WRITTEN, *_object_folders(common)):
        place = common / name
        if place.is_symlink():
            target = Path(os.path.realpath(place))
            if not target.is_relative_to(common) and not _lies_in_git_folder(target, name):
                raise errors.LedOutside(path=str(place), target=str(target))


def _object_folders(common: Path) -> list[str]:
    """Return the folders directly below `objects`, in which new objects are written."""
    try:
        return [f"objects/{name}" for name in os.listdir(common / "objects")]  # noqa: PTH208
    except OSError:
        return []


def _is_linked_worktree(own: Path) -> bool:
    """Say whether a `.git` file leads to the state of a linked worktree, which names the common folder itself."""
    try:
        words = own.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    return (own.parent / words.removeprefix("gitdir:").strip() / "commondir").is_file()


def _lies_in_git_folder(target: Path, name: str) -> bool:
    """Say whether a place is the one of that name in another git folder."""
    folder = Path(str(target).removesuffix(f"/{name}"))
    return folder != target and (folder / "HEAD").is_file() and (folder / "objects").is_dir()

"""List of a repository's worktrees as git records them, and removal of a record."""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git.path_text import path_text
from swarm.git.runner import Git, GitError
from swarm.rules.ref_names import HEADS

# The folder of git in which each worktree has its own state.
WORKTREES: Final = "worktrees"


class Placement(NamedTuple):
    """A worktree as git lists it. `branch` is a name without `refs/heads/`; `locked` the reason, `""` without one."""

    path: Path
    head: str | None
    branch: str | None
    locked: str | None


def placements(git: Git) -> list[Placement]:
    """Return every worktree that git records, those without a folder included."""
    found: list[Placement] = []
    for field in git.run("worktree", "list", "--porcelain", "-z").split(b"\0"):
        word, _, rest = field.partition(b" ")
        value = path_text(rest)
        match word:
            case b"worktree":
                path = Path(os.fsdecode(rest))
                found.append(Placement(path if found else _main(git, path), None, None, None))
            case b"HEAD":
                found[-1] = found[-1]._replace(head=value if value.strip("0") else None)
            case b"branch":
                found[-1] = found[-1]._replace(branch=value.removeprefix(HEADS))
            case b"locked":
                found[-1] = found[-1]._replace(locked=value)
    return found


def _main(git: Git, listed: Path) -> Path:
    """Return the folder of the main checkout; where its git folder lies elsewhere, git lists that folder instead."""
    if os.path.lexists(listed / ".git") or not (listed / "HEAD").is_file():
        return listed
    own, common = (_asked(git, what) for what in ("--absolute-git-dir", "--git-common-dir"))
    if own == common:
        return _asked(git, "--show-toplevel")
    # In a linked worktree only a submodule's main checkout is recorded, as `core.worktree`.
    code, place = git.answer("config", "--null", "core.worktree", expect=(0, 1))
    return listed if code else Path(os.path.normpath(common / os.fsdecode(place.removesuffix(b"\0"))))


def _asked(git: Git, what: str) -> Path:
    return Path(os.fsdecode(git.run("rev-parse", "--path-format=absolute", what).removesuffix(b"\n")))


def real_place(path: Path) -> Path:
    """Return the real path of a worktree; a link in the tree's own place is not followed: agents can make links."""
    return Path(os.path.realpath(path.parent), path.name)


def admin_of(common_dir: Path, tree: Path) -> Path | None:
    """Return the folder that git made for a worktree, by the place recorded there: the tree's own `.git` may lie."""
    folder = common_dir / WORKTREES
    if not folder.is_dir() or folder.is_symlink():
        return None
    pointed = real_place(tree) / ".git"
    for admin in sorted(folder.iterdir()):
        pointer = admin / "gitdir"
        if admin.is_symlink() or pointer.is_symlink() or not pointer.is_file():
            continue
        # The user's own git may remove a worktree of theirs meanwhile.
        with contextlib.suppress(FileNotFoundError):
            back = Path(pointer.read_text(encoding="utf-8", errors="surrogateescape").removesuffix("\n"))
            if back.name == pointed.name and real_place(back.parent) == pointed.parent:
                return admin
    return None


def stages_nothing(git: Git, admin: Path, commit: str) -> bool:
    """Say whether the index in a worktree's admin folder is that of a commit, or missing."""
    index = admin / "index"
    if not index.exists():
        return True
    try:
        here = Git(git.folder, index=index)
        return here.answer("diff-index", "--cached", "--quiet", commit, "--", expect=(0, 1))[0] == 0
    except GitError:
        return False


def forget(git: Git, tree: Path) -> None:
    """Remove git's record of a worktree, with its folder if any. Raises GitError for a locked worktree."""
    git.run("worktree", "remove", "--force", str(tree))


def delete_folder(folder: Path) -> None:
    """Delete a folder and its content; links are removed and not followed, a link in the folder's own place too."""
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink()
        return
    for place, _, _ in os.walk(folder):
        # An agent may have taken the rights from a folder of its own, which then cannot be emptied.
        here = Path(place)
        if not here.is_symlink():
            here.chmod(0o700)
    shutil.rmtree(folder)

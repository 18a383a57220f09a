"""Places of the git folder that a sandboxed process reads, and those that it may write to commit."""

import os
from collections.abc import Iterator
from pathlib import Path

from swarm.git.worktree_list import WORKTREES, admin_of
from swarm.rules.ref_names import ALL_RUNS
from swarm.rules.sandbox_policy import Right

_LARGEST: int = 64 * 1024


def git_places(common_dir: Path, tree: Path | None, *, commit: bool) -> Iterator[tuple[Path, Right]]:
    """Yield the git folder of a tree to read, without the records of other trees; without a tree, of all of them.

    With `commit`, objects, the tree's own record and its own branch may be written, if the branch is of ours.
    """
    admin = admin_of(common_dir, tree) if tree else None
    yield common_dir, Right.READABLE
    yield common_dir / WORKTREES, Right.HIDDEN
    yield from ((place, Right.READABLE) for place in _borrowed(common_dir / "objects"))
    if admin is None:
        return
    yield admin, Right.WRITABLE if commit else Right.READABLE
    if commit:
        yield common_dir / "objects", Right.WRITABLE
        yield from _own_branch(common_dir, admin)


def _own_branch(common_dir: Path, admin: Path) -> Iterator[tuple[Path, Right]]:
    """Yield the folder in which git renames a branch's file; the other files in the folder stay read-only."""
    branch = _read(admin / "HEAD").removeprefix("ref: ").strip()
    # An agent may have led HEAD to a branch of the user.
    if not branch.startswith(ALL_RUNS) or ".." in branch:
        return
    for ref in (common_dir / branch, common_dir / "logs" / branch):
        if ref.parent.is_dir() and not ref.parent.is_symlink():
            yield ref.parent, Right.WRITABLE
            yield from ((other, Right.READABLE) for other in ref.parent.iterdir() if other != ref)


def _borrowed(objects: Path) -> Iterator[Path]:
    """Yield the folders of objects that a repository shares with others (`git clone --shared`)."""
    for line in _read(objects / "info" / "alternates").splitlines():
        if line and not line.startswith("#"):
            yield Path(os.path.normpath(objects / line))


def _read(file: Path) -> str:
    try:
        with file.open(encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read(_LARGEST)
    except OSError:
        return ""

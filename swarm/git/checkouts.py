"""Checkouts of a branch, brought forward to a new commit without losing the user's files."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from swarm import errors
from swarm.git import sparse, work_tree
from swarm.git.diff import Change, changes
from swarm.git.edits import edits_of
from swarm.git.path_text import path_bytes, path_text
from swarm.git.refs import move_branch
from swarm.git.repository import LINK_MODE, SUBMODULE_MODE, Repository, status_entries
from swarm.git.runner import Git, GitError
from swarm.git.worktree_list import WORKTREES, placements
from swarm.git.worktrees import admin_dir
from swarm.rules.ref_names import head_ref


def checkouts_of(git: Git, branch: str) -> list[Path]:
    """Return the worktrees that have a branch checked out: those that are locked and not there now, then those here."""
    found = [one for one in placements(git) if one.branch == branch]
    away = [one.path for one in found if one.locked is not None and not one.path.is_dir()]
    return away + [one.path for one in found if one.path.is_dir()]


def forward_checkout(folder: Path, branch: str, old: str, new: str) -> None:
    """Fast-forward a branch that is checked out, with its files.

    Continues a call that was killed between the files and the branch. Raises PublishTargetDirty for a missing or edited
    checkout, with nothing changed; PublishRaced when the branch has moved, with the files as they were.
    """
    forward_files(folder, branch, old, new)
    git = Git(folder)
    try:
        move_branch(git, branch, old, new)
    except (errors.PublishRaced, GitError):
        with contextlib.suppress(GitError):
            git.run("read-tree", "-m", "-u", new, old, filters=True, sparse=is_sparse(git))
        raise


def forward_files(folder: Path, branch: str, old: str, new: str) -> None:
    """Bring index and files of a clean checkout from one commit to another, wherever its branch is.

    Raises PublishTargetDirty with nothing changed.
    """
    if not folder.is_dir():
        raise errors.PublishTargetDirty(path=str(folder), branch=branch)
    work_tree.hold(folder)
    git = Git(folder)
    if _stands_at(git, old, new, new):
        return
    if not can_forward(folder, old, new):
        raise errors.PublishTargetDirty(path=str(folder), branch=branch)
    # Without a refresh, a file with a new time and the same content counts as edited.
    # Not with `-q`, which would hide a lock in git's way.
    git.run("update-index", "--refresh", expect=(0, 1), filters=True)
    try:
        git.run("read-tree", "-m", "-u", old, new, filters=True, sparse=is_sparse(git))
    except GitError as error:
        if error.is_of_disk:
            with contextlib.suppress(GitError, OSError):
                _take_files_back(git, folder, old, new)
        if error.is_of_disk or error.lock is not None:
            raise
        # An edit that the index hides is in the way; git checks every file before it writes the first.
        raise errors.PublishTargetDirty(path=str(folder), branch=branch) from error


def _take_files_back(git: Git, folder: Path, old: str, new: str) -> None:
    """Restore the files of the commit that a checkout was at, after git failed to write all files of the next.

    The index is still that of the old commit. Only missing files and files that git wrote are replaced.
    """
    skipped = {path for flag, path in sparse.flags(git) if flag.upper() == b"S"}
    touched = [one for one in changes(git, old, new, renames=False) if one.new_mode != SUBMODULE_MODE]
    # Remove every new file first: the old files need the room on the disk, and the places.
    for change in touched:
        if change.letter != "D" and _is_written(git, folder, change):
            _remove(folder, change.new_path)
    gone = [one.old_path for one in touched if one.letter != "A" and not stands(folder, one.old_path)]
    wanted = [raw + b"\0" for raw in map(path_bytes, gone) if raw not in skipped]
    git.run("checkout-index", "--force", "--index", "-z", "--stdin", stdin=b"".join(wanted), filters=True)


def _is_written(git: Git, folder: Path, change: Change) -> bool:
    """Say whether a file of a checkout holds what git wrote or began to write for a change."""
    place = os.path.join(os.fsencode(folder), path_bytes(change.new_path))  # noqa: PTH118
    if change.new_mode == LINK_MODE:
        return os.path.islink(place) and os.readlink(place) == git.run("cat-file", "blob", change.new_blob)  # noqa: PTH114, PTH115
    if os.path.islink(place) or not os.path.isfile(place):  # noqa: PTH113, PTH114
        return False
    path = b"--path=" + path_bytes(change.new_path)
    whole = git.run("cat-file", "--filters", path, change.new_blob, filters=True)
    return whole.startswith(Path(os.fsdecode(place)).read_bytes())


def _remove(folder: Path, path: str) -> None:
    """Remove a file and the folders above that become empty."""
    place = Path(os.fsdecode(os.path.join(os.fsencode(folder), path_bytes(path))))  # noqa: PTH118
    place.unlink()
    with contextlib.suppress(OSError):
        while (place := place.parent) != folder:
            place.rmdir()


def is_sparse(git: Git) -> bool:
    """Say whether a checkout lacks files on purpose, so that new commits must not fill the gaps."""
    return any(flag.upper() == b"S" for flag, _ in sparse.flags(git))


def can_forward(folder: Path, old: str, new: str) -> bool:
    """Say whether a checkout is clean at one of two commits, with nothing in the way of the second."""
    git = Git(folder)
    return _stands_at(git, old, new, new) or (_stands_at(git, old, new, old) and not in_the_way(git, folder, old, new))


def _stands_at(git: Git, old: str, new: str, commit: str) -> bool:
    """Say whether index and tracked files are those of a commit, which is the old or the new; a pure read.

    Filtered files do not count where the two commits agree: publishing leaves them as they are.
    """
    quiet = ("--quiet", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
    if git.answer("diff-index", "--cached", *quiet, commit, "--", expect=(0, 1), filters=True)[0]:
        return False
    # Not by `diff-files`, which believes the times of files until the index is written.
    asked = ("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=no", "--ignore-submodules=dirty")
    edited = [path for letters, path in status_entries(git.run(*asked, filters=True)) if letters[1] != " "]
    if not edited:
        return True
    seen = edits_of(git)
    moved = {path for change in changes(git, old, new, renames=False) for path in (change.old_path, change.new_path)}
    return not seen.changed and moved.isdisjoint(seen.filtered)


def in_the_way(git: Git, folder: Path, old: str, new: str) -> list[str]:
    """Return the files in the way that git does not track; `read-tree` would not spare those that are ignored."""
    fields = git.run("diff-tree", "-r", "-z", "--no-renames", "--name-status", old, new).split(b"\0")
    letters = dict(zip(fields[1::2], fields[::2], strict=False))
    gone = {name for name, letter in letters.items() if letter == b"D"}
    root = os.fsencode(folder)
    added = (name for name, letter in letters.items() if letter == b"A")
    standing = {name for place in added for name in _standing_at(root, place)}
    return sorted(path_text(name) for name in standing - gone)


def stands(folder: Path, path: str) -> bool:
    """Say whether there is a file, a link or a submodule's folder at a path of a checkout."""
    return os.path.lexists(os.path.join(os.fsencode(folder), path_bytes(path)))  # noqa: PTH118


def _standing_at(root: bytes, name: bytes) -> Iterator[bytes]:
    """Yield the files at, above or below the place of a file that git would write."""
    parts = name.split(b"/")
    for place in (b"/".join(parts[:count]) for count in range(1, len(parts) + 1)):
        whole = os.path.join(root, place)  # noqa: PTH118
        if os.path.islink(whole) or os.path.isfile(whole):  # noqa: PTH113, PTH114
            yield place
            return
    for folder, _, files in os.walk(os.path.join(root, name)):  # noqa: PTH118
        yield from (os.path.relpath(os.path.join(folder, file), root) for file in files)  # noqa: PTH118


def take_into_tree(
    repository: Repository, tree: Path, branch: str, old: str, new: str, *, with_files: bool = False
) -> None:
    """Update a worktree's own index to its branch, which has moved to a commit with the same files.

    `with_files` writes the files of the new commit as well. Skipped where something else is staged, another branch is
    checked out, or the tree's `.git` leads anywhere but to the folder that git made for the tree: the index of another
    checkout would be written.
    """
    with contextlib.suppress(GitError, OSError):
        admin = admin_dir(tree)
        mine = (admin / "gitdir").read_text(encoding="utf-8", errors="surrogateescape").removesuffix("\n")
        head = (admin / "HEAD").read_text(encoding="utf-8", errors="surrogateescape").strip()
        is_own = admin.parent == repository.common_dir / WORKTREES and Path(mine) == tree / ".git"
        if is_own and not admin.is_symlink() and head == f"ref: {head_ref(branch)}":
            git = Git(tree, git_dir=admin, view=repository.view if with_files else None)
            git.run("read-tree", "-u" if with_files else "-i", "-m", old, new, filters=True)

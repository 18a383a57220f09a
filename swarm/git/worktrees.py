"""Worktrees of agents: made at a wave's commit, reused when untouched, removed when they hold nothing."""

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git import sparse, work_tree
from swarm.git.agent_work import touched_files
from swarm.git.path_text import path_bytes
from swarm.git.refs import delete_branch, tip_of
from swarm.git.repository import common_dir_of, filled_submodules
from swarm.git.runner import Git, GitError
from swarm.git.worktree_list import WORKTREES
from swarm.rules.ref_names import head_ref, tree_branch
from swarm.scratch import scratch_folder
from swarm.workspace import SCRATCH, answer_in, wave_of_tree

# While git makes a worktree it is locked with this word, and has no index yet.
_BEGUN: Final = "initializing"
# git names the folder of a worktree's state like the worktree, with a number after it where that name is taken.
_OF_SCRATCH: Final = re.compile(SCRATCH + r"[0-9]+-[0-9a-f]+", re.ASCII)
_STATUS: Final = ("status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=dirty")


class Tree(NamedTuple):
    """A worktree: where it is, its branch, `None` for a detached one, and the files to check out, `None` for all."""

    path: Path
    branch: str | None
    only: tuple[str, ...] | None = None

    @classmethod
    def of_agent(cls, run_hex: str, place: Path, only: tuple[str, ...] | None) -> "Tree":
        """Return the worktree of an agent at a place, on the branch of the place's name."""
        return cls(place, tree_branch(run_hex, place.name), only)


def add(git: Git, tree: Tree, commit: str) -> Tree | None:
    """Make a worktree at a commit, still without its files, and return what is new of it.

    A branch that existed is not new. An untouched tree at the commit is reused, and nothing is new. A tree that a dead
    dispatch left without all of its files is completed, and counts as new. Raises GitError.

    Never call this twice at once: git reads all other worktrees, half-made ones too, while it makes the next.
    """
    if tree.path.exists():
        if _is_as_new(git, tree, commit):
            if not lacks_files(tree):
                return None
            (admin_dir(tree.path) / "index").unlink()
        if is_unfilled(git, tree, commit):
            # The lock's owner is dead: this call holds the lock of worktrees, and no agent was started in the tree.
            (admin_dir(tree.path) / "index.lock").unlink(missing_ok=True)
            return tree
    tip = tip_of(git, tree.branch) if tree.branch else None
    begin = ("worktree", "add", "--quiet", "--no-checkout")
    if tree.branch is None:
        git.run(*begin, "--detach", str(tree.path), commit)
    elif tip is None:
        # Not by `-b`: a failed call leaves the branch behind, and the runner's next attempt would stumble over it.
        _drop_lock(git, tree.branch)
        git.run("update-ref", head_ref(tree.branch), commit, "0" * len(commit))
        try:
            git.run(*begin, str(tree.path), tree.branch)
        except GitError:
            _drop_branch(git, tree.branch, commit)
            raise
    elif tip == commit:
        git.run(*begin, str(tree.path), tree.branch)
        return tree._replace(branch=None)
    else:
        raise GitError(("worktree",), 1, f"branch {tree.branch} holds other work ({tip[:12]})", git.folder)
    return tree


def clear_debris(common_dir: Path, folder: Path) -> None:
    """Remove the records of worktrees below a folder that a killed git had begun or half removed; they hold no work.

    The caller holds the lock of worktrees.
    """
    for admin in debris(common_dir, folder):
        pointer = _read(admin / "gitdir")
        place = None if pointer is None else Path(pointer).parent
        if place is not None and holds_no_file(place):
            (place / ".git").unlink(missing_ok=True)
            place.rmdir()
        shutil.rmtree(admin, ignore_errors=True)


def debris(common_dir: Path, folder: Path) -> list[Path]:
    """Return git's records of worktrees that were never finished, or whose removal was not."""
    admins = common_dir / WORKTREES
    if not admins.is_dir() or admins.is_symlink():
        return []
    return [admin for admin in sorted(admins.iterdir()) if not admin.is_symlink() and _is_debris(admin, folder)]


def _is_debris(admin: Path, folder: Path) -> bool:
    pointer, locked = _read(admin / "gitdir"), _read(admin / "locked")
    if pointer is None:
        # Without a place only the name shows that a record is ours. A record that a person locked, or with an index,
        # may hold work.
        is_bare = locked in {None, _BEGUN} and not (admin / "index").exists()
        return _OF_SCRATCH.fullmatch(admin.name) is not None or (wave_of_tree(admin.name) is not None and is_bare)
    place = Path(pointer).parent
    if place.parent != folder:
        return False
    is_gone = place.name.startswith(SCRATCH) and not os.path.lexists(place)
    return is_gone or (locked == _BEGUN and not (admin / "index").exists())


def holds_no_file(tree: Path) -> bool:
    """Say whether a worktree's folder holds nothing but its `.git` file."""
    return tree.is_dir() and not tree.is_symlink() and set(os.listdir(tree)) <= {".git"}  # noqa: PTH208


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape").strip()
    except OSError:
        return None


def fill(tree: Tree) -> None:
    """Check out the files of a new worktree; may be run for several at once.

    Raises GitError, OSError, and WorkTreeElsewhere before a file is written.
    """
    work_tree.pin(tree.path, admin_dir(tree.path))
    if tree.only is not None:
        sparse.fill(tree.path, admin_dir(tree.path), tree.only)
        return
    sparse.drop_half_made(admin_dir(tree.path))
    Git(tree.path).run("reset", "--hard", "--quiet", "--no-recurse-submodules", filters=True)


def remove(git: Git, tree: Tree, commit: str, kept_index: Path | None = None) -> bool:
    """Remove a clean worktree that is at its commit, with its branch; say whether it was removed.

    The files are compared by the index kept at dispatch: an agent could make its own index hide edits.
    """
    if not tree.path.exists() or not _is_as_new(git, tree, commit):
        return False
    if touched_files(common_dir_of(git), tree.path, commit, kept_index or admin_dir(tree.path) / "index", tree.branch):
        return False
    # `--force` is for ignored files, such as caches; tracked and new files were compared above.
    with contextlib.suppress(GitError):
        git.run("worktree", "remove", "--force", str(tree.path))
        if tree.branch:
            delete_branch(git, tree.branch, commit)
        return True
    return False


def remove_compared(git: Git, tree: Tree, commit: str) -> bool:
    """Remove a detached worktree at its commit that this command has just compared as `remove` does.

    Git refuses an edit made since then. Say whether the worktree was removed.
    """
    with contextlib.suppress(GitError):
        if _stands_at(git, tree, commit):
            git.run("worktree", "remove", str(tree.path), filters=True)
            return True
    return False


def discard_unfinished(git: Git, tree: Tree, commit: str) -> None:
    """Remove a worktree that the present call made, before any agent was started there."""
    remove = ("worktree", "remove", "--force", "--force", str(tree.path))
    with contextlib.suppress(GitError):
        git.run(*remove)
    shutil.rmtree(tree.path, ignore_errors=True)
    # Again for a half-made worktree, which git removes only without its folder. Not `prune`, which would forget the
    # user's own worktrees on a disk that is not mounted.
    with contextlib.suppress(GitError):
        git.run(*remove)
    if tree.branch:
        _drop_branch(git, tree.branch, commit)


def is_as_made(git: Git, tree: Tree, commit: str) -> bool:
    """Say whether a worktree exists, at its commit, on its branch, without a change and without an answer."""
    # An answer of the agent before would be taken for an answer of the next.
    is_answered = os.path.lexists(answer_in(tree.path))
    return tree.path.is_dir() and not tree.path.is_symlink() and not is_answered and _is_as_new(git, tree, commit)


def admin_dir(tree: Path) -> Path:
    """Return the folder in which git keeps a worktree's own state, as its `.git` file says right now."""
    words = (tree / ".git").read_text(encoding="utf-8", errors="surrogateescape")
    return Path(words.removeprefix("gitdir:").strip())


def keep_index(git_dir: Path, target: Path) -> None:
    """Copy a new worktree's index, whose file times spare us reading every file later."""
    # With its time: git reads again what is not older than its index.
    shutil.copy2(git_dir / "index", target)


def _is_as_new(git: Git, tree: Tree, commit: str) -> bool:
    try:
        if not _stands_at(git, tree, commit) or filled_submodules(git, tree.path, commit):
            return False
        here = Git(tree.path)
        return not here.run(*_STATUS, filters=True) and sparse.skipped_files(here) is not None
    except GitError:
        return False


def is_unfilled(git: Git, tree: Tree, commit: str) -> bool:
    """Say whether git died while it checked a tree out: no index, and only files of the commit, whole or begun."""
    try:
        if not _stands_at(git, tree, commit) or (admin_dir(tree.path) / "index").exists():
            return False
        with scratch_folder() as folder:
            here = Git(tree.path, index=folder / "index")
            here.run("read-tree", commit)
            status = here.run(*_STATUS, "--no-renames", filters=True)
            entries = [(entry[:3], entry[3:]) for entry in status.split(b"\0") if entry]
            return all(_is_unwritten(here, tree, commit, *entry) for entry in entries)
    except (GitError, OSError):
        return False


def _is_unwritten(git: Git, tree: Tree, commit: str, letters: bytes, path: bytes) -> bool:
    """Say whether a file differs from its commit only because git had not written all of it."""
    if letters != b" M ":
        return letters == b" D "
    place = os.path.join(os.fsencode(tree.path), path)  # noqa: PTH118
    if os.path.islink(place) or not os.path.isfile(place):  # noqa: PTH113, PTH114
        return False
    with open(place, "rb") as file:  # noqa: PTH123
        return git.run("cat-file", "blob", commit.encode() + b":" + path).startswith(file.read())


def lacks_files(tree: Tree) -> bool:
    """Say whether an existing tree lacks a file that it should hold: an earlier sparse tree may hold fewer."""
    skipped = sparse.skipped_files(Git(tree.path)) or []
    return bool(skipped) and (tree.only is None or not {path_bytes(path) for path in tree.only}.isdisjoint(skipped))


def _stands_at(git: Git, tree: Tree, commit: str) -> bool:
    here = Git(tree.path)
    if common_dir_of(here) != common_dir_of(git) or here.text("rev-parse", "HEAD") != commit:
        return False
    if not work_tree.is_own(tree.path):
        # A comparison would read another folder, and find nothing touched.
        return False
    return not tree.branch or here.text("symbolic-ref", "--quiet", "HEAD") == head_ref(tree.branch)


def _drop_branch(git: Git, branch: str, commit: str) -> None:
    """Delete a branch that still is at a commit."""
    with contextlib.suppress(GitError):
        delete_branch(git, branch, commit)


def _drop_lock(git: Git, branch: str) -> None:
    """Remove the lock of a branch of swarm's that does not exist: its maker is dead, for this call holds our lock."""
    (common_dir_of(git) / head_ref(f"{branch}.lock")).unlink(missing_ok=True)

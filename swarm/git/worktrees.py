"""The worktrees of agents: made at a wave's commit, reused when they are as new, removed when they hold nothing."""

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git import sparse
from swarm.git.names import path_bytes
from swarm.git.repository import filled_submodules
from swarm.git.runner import Git, GitError
from swarm.git.touched import touched_files

_STATUS: Final = ("status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=dirty")


class Tree(NamedTuple):
    """A worktree: where it is, its branch, `None` for a detached one, and the files to check out, `None` for all."""

    path: Path
    branch: str | None
    only: tuple[str, ...] | None = None


def add(git: Git, tree: Tree, commit: str) -> Tree | None:
    """Make a worktree at a commit, still without its files, and return what is new of it.

    A branch that was there before is not new. A tree that is there, at the commit and untouched, is reused, and
    nothing is new; one that a dispatch which died left without all the files it shall have is ours. Raises GitError.

    Not to be run twice at once: git reads the other worktrees while it makes one, half-made ones too.
    """
    if tree.path.exists():
        if _is_as_new(git, tree, commit):
            if not _lacks_files(tree):
                return None
            (admin_dir(tree.path) / "index").unlink()
        if _is_unfilled(git, tree, commit):
            return tree
    tip = _tip(git, tree.branch) if tree.branch else None
    begin = ("worktree", "add", "--quiet", "--no-checkout")
    if tree.branch is None:
        git.run(*begin, "--detach", str(tree.path), commit)
    elif tip is None:
        try:
            git.run(*begin, "--no-track", "-b", tree.branch, str(tree.path), commit)
        except GitError:
            # git makes the branch first, and leaves it when the tree cannot be made.
            _drop_branch(git, tree.branch, commit)
            raise
    elif tip == commit:
        git.run(*begin, str(tree.path), tree.branch)
        return tree._replace(branch=None)
    else:
        raise GitError(("worktree",), 1, f"branch {tree.branch} holds other work ({tip[:12]})", git.folder)
    return tree


def fill(tree: Tree) -> None:
    """Check out the files of a new worktree; may be run for several at once. Raises GitError, OSError."""
    if tree.only is not None:
        sparse.fill(tree.path, admin_dir(tree.path), tree.only)
        return
    sparse.drop_half_made(admin_dir(tree.path))
    Git(tree.path).run("reset", "--hard", "--quiet", "--no-recurse-submodules", filters=True)


def remove(git: Git, tree: Tree, commit: str, kept_index: Path | None = None) -> bool:
    """Remove a worktree that still is at its commit and clean, with its branch; say whether it went.

    Its own index could be made to say so: its files are compared by the index that was kept when it was made.
    """
    if not tree.path.exists() or not _is_as_new(git, tree, commit):
        return False
    common = Path(git.text("rev-parse", "--path-format=absolute", "--git-common-dir"))
    if touched_files(common, tree.path, commit, kept_index or admin_dir(tree.path) / "index", tree.branch):
        return False
    # --force is for files that git ignores, such as caches; tracked and new files were looked at above.
    with contextlib.suppress(GitError):
        git.run("worktree", "remove", "--force", str(tree.path))
        if tree.branch:
            git.run("update-ref", "-d", f"refs/heads/{tree.branch}", commit)
        return True
    return False


def discard_unfinished(git: Git, tree: Tree, commit: str) -> None:
    """Take back a worktree that the present call made and nobody has seen."""
    with contextlib.suppress(GitError):
        git.run("worktree", "remove", "--force", "--force", str(tree.path))
    shutil.rmtree(tree.path, ignore_errors=True)
    with contextlib.suppress(GitError):
        git.run("worktree", "prune")
    if tree.branch:
        _drop_branch(git, tree.branch, commit)


def is_as_made(git: Git, tree: Tree, commit: str) -> bool:
    """Say whether a worktree is there, at its commit, on its branch and without a change."""
    return tree.path.is_dir() and not tree.path.is_symlink() and _is_as_new(git, tree, commit)


def holds_nothing(git: Git, tree: Tree, commit: str) -> bool:
    """Say whether a worktree is as it was made, or half-made: there is nothing in it that its commit does not have."""
    return is_as_made(git, tree, commit) or (not tree.path.is_symlink() and _is_unfilled(git, tree, commit))


def admin_dir(tree: Path) -> Path:
    """Return the folder in which git keeps a worktree's own state, as its `.git` file says right now."""
    words = (tree / ".git").read_text(encoding="utf-8", errors="surrogateescape")
    return Path(words.removeprefix("gitdir:").strip())


def _is_as_new(git: Git, tree: Tree, commit: str) -> bool:
    try:
        if not _stands_at(git, tree, commit) or filled_submodules(git, tree.path, commit):
            return False
        here = Git(tree.path)
        return not here.run(*_STATUS, filters=True) and sparse.skipped_files(here) is not None
    except GitError:
        return False


def _is_unfilled(git: Git, tree: Tree, commit: str) -> bool:
    """Say whether a tree lacks an index, and holds nothing but files as they are in the commit."""
    try:
        if not _stands_at(git, tree, commit) or (admin_dir(tree.path) / "index").exists():
            return False
        with tempfile.TemporaryDirectory(prefix="swarm-index-") as folder:
            here = Git(tree.path, index=Path(folder) / "index")
            here.run("read-tree", commit)
            entries = here.run(*_STATUS, "--no-renames", filters=True)
    except (GitError, OSError):
        return False
    return all(entry.startswith(b" D ") for entry in entries.split(b"\0") if entry)


def _lacks_files(tree: Tree) -> bool:
    """Say whether a file that a tree shall have is left out of it, as a sparse one that was made before may do."""
    skipped = sparse.skipped_files(Git(tree.path)) or []
    return bool(skipped) and (tree.only is None or not {path_bytes(path) for path in tree.only}.isdisjoint(skipped))


def _stands_at(git: Git, tree: Tree, commit: str) -> bool:
    here = Git(tree.path)
    common = ("rev-parse", "--path-format=absolute", "--git-common-dir")
    if here.text(*common) != git.text(*common) or here.text("rev-parse", "HEAD") != commit:
        return False
    return not tree.branch or here.text("symbolic-ref", "--quiet", "HEAD") == f"refs/heads/{tree.branch}"


def _drop_branch(git: Git, branch: str, commit: str) -> None:
    """Delete a branch that still is at a commit."""
    with contextlib.suppress(GitError):
        git.run("update-ref", "-d", f"refs/heads/{branch}", commit)


def _tip(git: Git, branch: str) -> str | None:
    code, sha = git.answer("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", expect=(0, 1, 128))
    return None if code else sha.decode().strip()

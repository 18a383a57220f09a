"""The worktrees of agents: made at a wave's commit, reused when they are as new, removed when they hold nothing."""

import contextlib
import shutil
from pathlib import Path
from typing import NamedTuple

from swarm.git.runner import Git, GitError


class Tree(NamedTuple):
    """A worktree: where it is, and its branch, `None` for a detached one."""

    path: Path
    branch: str | None


def add(git: Git, tree: Tree, commit: str) -> None:
    """Make a worktree at a commit. One that is there, at the commit and untouched, is reused. Raises GitError."""
    if tree.path.exists() and _is_as_new(git, tree, commit):
        return
    tip = _tip(git, tree.branch) if tree.branch else None
    if tree.branch is None:
        git.run("worktree", "add", "--quiet", "--detach", str(tree.path), commit, filters=True)
    elif tip is None:
        git.run(
            "worktree",
            "add",
            "--quiet",
            "--no-track",
            "-b",
            tree.branch,
            str(tree.path),
            commit,
            filters=True,
        )
    elif tip == commit:
        git.run("worktree", "add", "--quiet", str(tree.path), tree.branch, filters=True)
    else:
        raise GitError(("worktree",), 1, f"branch {tree.branch} holds other work ({tip[:12]})", git.folder)


def remove(git: Git, tree: Tree, commit: str) -> bool:
    """Remove a worktree that still is at its commit and clean, with its branch; say whether it went."""
    if not tree.path.exists() or not _is_as_new(git, tree, commit):
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
        with contextlib.suppress(GitError):
            git.run("update-ref", "-d", f"refs/heads/{tree.branch}", commit)


def admin_dir(tree: Path) -> Path:
    """Return the folder in which git keeps a worktree's own state, as its `.git` file says right now."""
    words = (tree / ".git").read_text(encoding="utf-8", errors="surrogateescape")
    return Path(words.removeprefix("gitdir:").strip())


def _is_as_new(git: Git, tree: Tree, commit: str) -> bool:
    here = Git(tree.path)
    try:
        if here.text("rev-parse", "--path-format=absolute", "--git-common-dir") != git.text(
            "rev-parse", "--path-format=absolute", "--git-common-dir"
        ):
            return False
        if here.text("rev-parse", "HEAD") != commit:
            return False
        if tree.branch and here.text("symbolic-ref", "--quiet", "HEAD") != f"refs/heads/{tree.branch}":
            return False
        return not here.run("status", "--porcelain", "-z", "--untracked-files=all", filters=True)
    except GitError:
        return False


def _tip(git: Git, branch: str) -> str | None:
    code, sha = git.answer("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", expect=(0, 1, 128))
    return None if code else sha.decode().strip()

"""Worktrees of a repository that only swarm's workers use: made, compared and removed by few calls of git.

Nothing of a user's is in such a repository, so that nothing there has to be spared or saved.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from swarm.git import sparse, worktrees
from swarm.git.agent_work import keep_index
from swarm.git.apart import Apart
from swarm.git.blocking_files import blocking_files, largest_file
from swarm.git.repository import common_dir_of, status_entries
from swarm.git.runner import Git
from swarm.git.worktree_list import WORKTREES
from swarm.git.worktrees import Tree
from swarm.rules.ref_names import head_ref

# The mode of a submodule as an index holds it. Bytes that happen to be the same cost the longer way, and nothing else.
_SUBMODULE: Final = (0o160000).to_bytes(4, "big")
_STATUS: Final = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")


def add(git: Git, tree: Tree, commit: str) -> Path:
    """Make a worktree on a new branch of its own, still without its files; return the folder of git's state of it.

    The folder is written as gitrepository-layout(5) describes it: `git worktree add` is three processes, and reads
    all other worktrees of the repository. Raises GitError, OSError.
    """
    git.run("update-ref", head_ref(f"{tree.branch}"), commit)
    # Called like the branch, which no other worktree has.
    admin = common_dir_of(git) / WORKTREES / f"{tree.branch}".rpartition("/")[2]
    admin.mkdir(parents=True)
    (admin / "commondir").write_text("../..\n")
    (admin / "HEAD").write_text(f"ref: {head_ref(f'{tree.branch}')}\n")
    (admin / "gitdir").write_bytes(os.fsencode(tree.path / ".git") + b"\n")
    tree.path.mkdir()
    (tree.path / ".git").write_bytes(b"gitdir: " + os.fsencode(admin) + b"\n")
    return admin


def fill(tree: Tree, admin: Path, kept_index: Path) -> None:
    """Check out the files of a new worktree, and keep its index. Raises GitError, OSError, WorkTreeElsewhere."""
    worktrees.fill(tree)
    keep_index(admin, kept_index)


def is_untouched(common_dir: Path, tree: Tree, admin: Path, kept_index: Path, commit: str, apart: Apart) -> bool:
    """Say whether a worktree is as it was filled, besides what is apart; a tree in doubt is not.

    Its agent committed nothing and staged nothing, and git finds no file that is changed or new. Raises GitError.
    """
    branch = common_dir / head_ref(f"{tree.branch}")
    if not (_holds(branch, f"{commit}\n".encode()) and _holds(admin / "index", kept := kept_index.read_bytes())):
        return False
    endless, large = blocking_files(tree.path, common_dir, largest_file())
    # git passes over what lies in the folder of a submodule.
    if endless or large or _SUBMODULE in kept:
        return False
    # The git folder that is believed is not the one that the agent's tree names.
    git = Git(tree.path, git_dir=common_dir, index=kept_index)
    # git passes over what lies in the place of a file that a sparse tree was made without.
    if tree.only is not None and sparse.skipped_files(git) is None:
        return False
    listed = git.run(*_STATUS, filters=True)
    return all(apart.holds(path) for _, path in status_entries(listed))


def _holds(file: Path, body: bytes) -> bool:
    if not file.is_file() or file.is_symlink() or file.stat().st_size != len(body):
        return False
    return file.read_bytes() == body


def remove(git: Git, tree: Tree, admin: Path) -> None:
    """Remove git's state of a worktree whose files are removed already, and its branch. Raises GitError."""
    shutil.rmtree(admin, ignore_errors=True)
    git.run("update-ref", "-d", head_ref(f"{tree.branch}"))

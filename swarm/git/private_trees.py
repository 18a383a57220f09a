"""Worktrees of a repository that only swarm's workers use: made, compared and removed by few calls of git.

Nothing of a user's is in such a repository, so that nothing there has to be spared or saved.
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git import sparse
from swarm.git.apart import Apart
from swarm.git.blocking_files import blocking_files, largest_file
from swarm.git.path_text import path_bytes
from swarm.git.repository import common_dir_of, status_entries
from swarm.git.runner import Git
from swarm.git.worktree_list import WORKTREES
from swarm.git.worktrees import Tree, keep_index
from swarm.rules.ref_names import head_ref

# The mode of a submodule as an index holds it. Bytes that happen to be the same cost the longer way, and nothing else.
_SUBMODULE: Final = (0o160000).to_bytes(4, "big")
_STATUS: Final = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all")


class Part(NamedTuple):
    """The part of a commit that a sparse worktree holds: the index of all files, and the files that it is without."""

    whole: bytes
    without: Sequence[str]


def whole_index(git: Git, commit: str, file: Path) -> bytes:
    """Return the index of a commit with all of its files, which git writes to a new file. Raises GitError, OSError."""
    Git(git.folder, git_dir=common_dir_of(git), index=file).run("read-tree", commit)
    return file.read_bytes()


def add(git: Git, tree: Tree, commit: str) -> Path:
    """Make a worktree on a new branch of its own, still without its files; return the folder of git's state of it.

    Branch and folder are written as gitrepository-layout(5) describes them: `git worktree add` is three processes, and
    reads all other worktrees of the repository. Raises OSError.
    """
    common, ref = common_dir_of(git), head_ref(f"{tree.branch}")
    (common / ref).parent.mkdir(parents=True, exist_ok=True)
    with (common / ref).open("x") as stream:
        stream.write(f"{commit}\n")
    # Called like the branch, which no other worktree has.
    admin = common / WORKTREES / f"{tree.branch}".rpartition("/")[2]
    admin.mkdir(parents=True)
    (admin / "commondir").write_text("../..\n")
    (admin / "HEAD").write_text(f"ref: {ref}\n")
    (admin / "gitdir").write_bytes(os.fsencode(tree.path / ".git") + b"\n")
    tree.path.mkdir()
    (tree.path / ".git").write_bytes(b"gitdir: " + os.fsencode(admin) + b"\n")
    return admin


def fill(tree: Tree, admin: Path, kept_index: Path, part: Part | None = None) -> None:
    """Check out the files of a new worktree, all or a part of them, and keep its index. Raises GitError, OSError."""
    # With the folder named: no setting of the repository leads git into another.
    git = Git(tree.path, git_dir=admin)
    if part is None:
        git.run("reset", "--hard", "--quiet", "--no-recurse-submodules", filters=True)
    else:
        (admin / "index").write_bytes(part.whole)
        git.run("update-index", "--skip-worktree", "-z", "--stdin", stdin=_lines(part.without))
        git.run("checkout-index", "--force", "--index", "-z", "--stdin", stdin=_lines(tree.only or ()), filters=True)
    keep_index(admin, kept_index)


def is_untouched(
    common_dir: Path, tree: Tree, admin: Path, kept_index: Path, commit: str, apart: Apart, part: Part | None = None
) -> bool:
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
    if part is not None and sparse.not_absent(tree.path, map(path_bytes, part.without)):
        return False
    listed = git.run(*_STATUS, filters=True)
    return all(apart.holds(path) for _, path in status_entries(listed))


def _holds(file: Path, body: bytes) -> bool:
    if not file.is_file() or file.is_symlink() or file.stat().st_size != len(body):
        return False
    return file.read_bytes() == body


def remove(git: Git, tree: Tree, admin: Path) -> None:
    """Remove git's state of a worktree whose files are removed already, and its branch. Raises GitError, OSError."""
    common, ref = common_dir_of(git), head_ref(f"{tree.branch}")
    shutil.rmtree(admin, ignore_errors=True)
    if (common / "packed-refs").exists():
        # Its agent has packed the refs.
        git.run("update-ref", "-d", ref)
    for file in (common / ref, common / "logs" / ref):
        file.unlink(missing_ok=True)


def _lines(paths: Iterable[str]) -> bytes:
    return b"".join(path_bytes(path) + b"\0" for path in paths)

"""Bringing a checkout back to an earlier commit: what would be lost of it, and moving branch, index and files."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.git import merging, salvage
from swarm.git.merging import Identity
from swarm.git.names import path_bytes, path_text
from swarm.git.repository import Repository, tracked_changes
from swarm.git.runner import Git, GitError
from swarm.git.salvage import Standing
from swarm.scratch import scratch_folder

_UNFINISHED: Final = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "BISECT_LOG": "a bisection",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}
_READ_BY_GIT: Final = (".gitattributes", ".gitignore", ".gitmodules")


class Lost(NamedTuple):
    """What a checkout holds that neither its commit nor the one that it is brought to holds, by path.

    `in_the_way` are files that git does not track, at the places of files of that commit; `staged` is in the index
    alone; `untakable` cannot be kept.
    """

    present: tuple[str, ...]
    gone: tuple[str, ...]
    in_the_way: tuple[str, ...]
    staged: tuple[str, ...]
    untakable: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Every file of it."""
        return tuple(sorted({*self.present, *self.gone, *self.in_the_way, *self.staged}))


def git_dir(repository: Repository) -> Path:
    """Return the folder in which git keeps the state of a checkout, a linked worktree's own too."""
    return Path(repository.git.text("rev-parse", "--absolute-git-dir"))


def unfinished(repository: Repository) -> str | None:
    """Return what the user is in the middle of: a merge, a rebase and the like."""
    folder = git_dir(repository)
    return next((told for name, told in _UNFINISHED.items() if (folder / name).exists()), None)


def is_tracked(git: Git, commit: str, path: str) -> bool:
    """Say whether a commit has a file."""
    return bool(git.run("ls-tree", "-z", "--full-tree", commit, "--", path_bytes(path)))


def lost(repository: Repository, target: str) -> Lost:
    """Return what would be lost if the checkout were brought to a commit; a pure read."""
    git, root, head = repository.git, repository.root, repository.head
    with _standing(repository) as here:
        to_head = salvage.dirt_of(here, with_submodules=False)
        to_target = salvage.dirt_of(here._replace(commit=target), with_submodules=False)
        staged = salvage.staged_alone(here, git_dir(repository) / "index")
    in_head, in_target = _names(git, head), _names(git, target)
    suspects = sorted({*to_head.changed, *to_head.gone, *tracked_changes(git)})
    differs = {*to_target.changed, *to_target.gone}
    present, gone = [], []
    for path in suspects:
        is_there = merging.stands(root, path)
        if is_there and (path not in in_target or path in differs):
            present.append(path)
        elif not is_there and path in in_head and path in differs:
            gone.append(path)
    blocking = [
        path for path in merging.in_the_way(git, root, head, target) if path not in in_target or path in differs
    ]
    untakable = [path for path in to_head.untakable if path in in_head or path.rpartition("/")[2] in _READ_BY_GIT]
    return Lost(
        tuple(present),
        tuple(gone),
        tuple(path for path in blocking if path not in present),
        staged,
        tuple(untakable),
    )


def save(repository: Repository, run_id: str, found: Lost, moment: str, run_created: str) -> str:
    """Keep what would be lost as a commit on top of HEAD, or HEAD itself where nothing would; return the ref.

    Raises Unsavable, GitError for an index with a conflict in it.
    """
    git = repository.git
    tree, parents = merging.tree_of(git, repository.head), [repository.head]
    wanted = {*found.present, *found.gone}
    with _standing(repository) as here:
        if wanted or found.in_the_way:
            also = [*found.present, *found.in_the_way]
            tree = salvage.tree_with_dirt(here, wanted, also)
        if found.staged:
            staged = salvage.staged_tree(here, git_dir(repository) / "index")
            message = f"Staged before a rewind\n\nSwarm-Run: {run_id}\n"
            parents.append(merging.commit_tree(git, staged, [repository.head], message, Identity(run_created)))
    message = f"Uncommitted work, saved by swarm rewind\n\nSwarm-Run: {run_id}\n"
    return salvage.keep(git, run_id, "rewind", tree, parents, message, moment)


def bring_to(repository: Repository, branch: str, target: str) -> None:
    """Bring files, index and branch to a commit; what would be lost has been saved. Raises StateConflict.

    Files first: killed in between, they are those of the target, which nobody takes for work.
    """
    git, head = repository.git, repository.head
    is_sparse = merging.is_sparse(git)
    git.run("read-tree", "--reset", "-u", target, filters=True, sparse=is_sparse)
    try:
        merging.move_branch(git, branch, head, target)
    except (errors.PublishRaced, GitError) as error:
        with suppress(GitError):
            git.run("read-tree", "-m", "-u", target, head, filters=True, sparse=is_sparse)
        if isinstance(error, GitError):
            raise
        raise errors.StateConflict(subject=f"Branch {branch}", expected=head[:12], run_id="") from error


@contextmanager
def _standing(repository: Repository) -> Iterator[Standing]:
    """Give how the checkout's files are to be compared: by an index of ours, which knows what a sparse one lacks."""
    index, head = git_dir(repository) / "index", repository.head
    if not index.is_file():
        yield Standing(repository.common_dir, repository.root, head, None, head)
        return
    with scratch_folder() as folder:
        kept = folder / "index"
        shutil.copy2(index, kept)
        git = Git(repository.root, index=kept)
        if merging.is_sparse(git):
            # What is staged must not make `own_index` begin with an index that lacks nothing.
            git.run("read-tree", "--reset", head, filters=True, sparse=True)
        yield Standing(repository.common_dir, repository.root, head, kept, head)


def _names(git: Git, commit: str) -> set[str]:
    listed = git.run("ls-tree", "-r", "--name-only", "-z", "--full-tree", commit)
    return {path_text(name) for name in listed.split(b"\0") if name}

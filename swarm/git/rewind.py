"""Return of a checkout to an earlier commit: losses found and saved, then branch, index and files moved."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.git import checkouts, history, merging, salvage
from swarm.git import refs as refs_of_git
from swarm.git.merging import Identity
from swarm.git.path_text import path_bytes, path_text
from swarm.git.repository import Repository, repository_at, tracked_changes
from swarm.git.runner import Git, GitError
from swarm.git.salvage import Unsavable, checkout_of

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
    """Paths of a checkout whose content neither its commit nor the target commit holds.

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
        """All paths that would be lost."""
        return tuple(sorted({*self.present, *self.gone, *self.in_the_way, *self.staged}))


class Saved(NamedTuple):
    """Losses of a run's rewind as found before anything is touched, and the commits that keep them, by ref."""

    run_id: str
    run_created: str
    found: Lost
    refs: Mapping[str, str]


def git_dir(repository: Repository) -> Path:
    """Return the folder in which git keeps the state of a checkout, a linked worktree's own too."""
    return Path(repository.git.text("rev-parse", "--absolute-git-dir"))


def unfinished(repository: Repository) -> str | None:
    """Return the unfinished operation of the user: a merge, a rebase and the like."""
    folder = git_dir(repository)
    return next((told for name, told in _UNFINISHED.items() if (folder / name).exists()), None)


def is_tracked(git: Git, commit: str, path: str) -> bool:
    """Say whether a commit has a file."""
    return bool(git.run("ls-tree", "-z", "--full-tree", commit, "--", path_bytes(path)))


def lost(repository: Repository, target: str) -> Lost:
    """Return what would be lost if the checkout were brought to a commit; a pure read."""
    git, root, head = repository.git, repository.root, repository.head
    with checkout_of(repository) as here:
        to_head = salvage.dirt_of(here, with_submodules=False)
        to_target = salvage.dirt_of(here._replace(commit=target), with_submodules=False)
        staged = salvage.staged_alone(here, git_dir(repository) / "index")
    in_head, in_target = _names(git, head), _names(git, target)
    suspects = sorted({*to_head.changed, *to_head.gone, *tracked_changes(git)})
    differs = {*to_target.changed, *to_target.gone}
    present, gone = [], []
    for path in suspects:
        is_there = checkouts.stands(root, path)
        if is_there and (path not in in_target or path in differs):
            present.append(path)
        elif not is_there and path in in_head and path in differs:
            gone.append(path)
    blocking = [
        path for path in checkouts.in_the_way(git, root, head, target) if path not in in_target or path in differs
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
    """Keep the losses as a commit on top of HEAD, or HEAD itself without losses; return the ref.

    Raises Unsavable, GitError for an index with a conflict in it.
    """
    tree, parents = _to_keep(repository, run_id, found, run_created)
    message = f"Uncommitted work, saved by swarm rewind\n\nSwarm-Run: {run_id}\n"
    return salvage.keep(repository.git, run_id, "rewind", tree, parents, message, moment)


def _to_keep(repository: Repository, run_id: str, found: Lost, run_created: str) -> tuple[str, list[str]]:
    """Return the tree and the parents of the commit that keeps what would be lost."""
    git = repository.git
    tree, parents = history.tree_of(git, repository.head), [repository.head]
    wanted = {*found.present, *found.gone}
    with checkout_of(repository) as here:
        if wanted or found.in_the_way:
            also = [*found.present, *found.in_the_way]
            tree = salvage.tree_with_dirt(here, wanted, also)
        if found.staged:
            staged = salvage.staged_tree(here, git_dir(repository) / "index")
            message = f"Staged before a rewind\n\nSwarm-Run: {run_id}\n"
            parents.append(merging.commit_tree(git, staged, [repository.head], message, Identity(run_created)))
    return tree, parents


def bring_to(repository: Repository, branch: str, target: str, saved: Saved) -> None:
    """Bring files, index and branch to a commit. Raises StateConflict.

    Nothing is touched where the checkout has changed since it was saved. Files move before the branch: after a kill in
    between they are files of the target commit, which cannot be mistaken for unsaved work.
    """
    git, head = repository.git, repository.head
    ref = _hold_to_saved(repository, branch, target, saved)
    is_sparse = checkouts.is_sparse(git)
    _bring_files(repository, target, saved, is_sparse=is_sparse)
    try:
        refs_of_git.move_branch(git, branch, head, target)
    except (errors.PublishRaced, GitError) as error:
        with suppress(GitError):
            git.run("read-tree", "-m", "-u", target, head, filters=True, sparse=is_sparse)
            if ref is not None:
                git.run("read-tree", "-m", "-u", head, ref, filters=True, sparse=is_sparse)
                # The files stay as they were saved, and untracked files become untracked again.
                git.run("read-tree", "-m", ref, head, filters=True, sparse=is_sparse)
        if isinstance(error, GitError):
            raise
        told = head[:12] if ref is None else f"{head[:12]} (what was not committed is saved as {ref})"
        raise errors.StateConflict(subject=f"Branch {branch}", expected=told, run_id=saved.run_id) from error


def _bring_files(repository: Repository, target: str, saved: Saved, *, is_sparse: bool) -> None:
    git = repository.git
    if not saved.found.files:
        # Without a refresh, a file with a new time and the same content counts as edited.
        git.run("update-index", "--refresh", expect=(0, 1), filters=True)
        try:
            git.run("read-tree", "-m", "-u", repository.head, target, filters=True, sparse=is_sparse)
        except GitError as error:
            if error.is_of_disk or error.lock is not None:
                raise
            # A file in the way was written by a call that died, or was edited just now: only an edit is a loss.
            if lost(repository, target).files:
                raise _moved_on(repository, saved) from error
        else:
            return
    git.run("read-tree", "--reset", "-u", target, filters=True, sparse=is_sparse)


def _hold_to_saved(repository: Repository, branch: str, target: str, saved: Saved) -> str | None:
    """Return the ref that keeps all that would be lost by now, `None` where nothing would. Raises StateConflict."""
    git, now = repository.git, repository_at(repository.root)
    if (now.head, now.branch) != (repository.head, branch):
        raise errors.StateConflict(subject=f"Branch {branch}", expected=repository.head[:12], run_id=saved.run_id)
    found = lost(repository, target)
    if found != saved.found:
        raise _moved_on(repository, saved)
    if not found.files:
        return None
    try:
        kept = _to_keep(repository, saved.run_id, found, saved.run_created)
    except Unsavable as error:
        raise _moved_on(repository, saved) from error
    for ref, commit in saved.refs.items():
        if (history.tree_of(git, commit), history.parents_of(git, commit)) == kept:
            return ref
    raise _moved_on(repository, saved)


def _moved_on(repository: Repository, saved: Saved) -> "errors.StateConflict":
    told = f"Checkout {repository.root}"
    return errors.StateConflict(subject=told, expected="as it was looked at", run_id=saved.run_id)


def _names(git: Git, commit: str) -> set[str]:
    listed = git.run("ls-tree", "-r", "--name-only", "-z", "--full-tree", commit)
    return {path_text(name) for name in listed.split(b"\0") if name}

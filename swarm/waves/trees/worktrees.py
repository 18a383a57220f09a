"""Worktrees of a wave: made in a row under a lock, all or none; the locks of worktrees and of merges."""

import os
import shlex
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.ahead import begun
from swarm.files import make_folder
from swarm.git import checkouts, missing_objects, orphans, refs, worktrees
from swarm.git.repository import Repository, common_dir_of
from swarm.git.runner import Git, GitError
from swarm.git.worktrees import Tree
from swarm.interruption import postponed
from swarm.rules.ref_names import snapshot_ref
from swarm.store import waves
from swarm.store.runs import Run
from swarm.waves.trees import kept_index
from swarm.workspace import Workspace, run_of_tree, wave_folder_of

AT_ONCE: Final = 2
LOCK_SECONDS: Final = 600.0
# In the git folder that all worktrees share: runs of several workspaces may lie over one repository.
WORKTREE_LOCK: Final = "swarm-worktrees.lock"


@contextmanager
def worktree_lock(repository: Repository, verb: str) -> Iterator[None]:
    """Hold the lock of a git common folder while worktrees come and go. Raises ControlPlaneBusy."""
    lock = worktree_lock_file(repository)
    with _queue(lock, verb):
        try:
            # A git whose command was killed may still write worktrees, and holds no lock of ours.
            with orphans.awaited(repository.common_dir, LOCK_SECONDS):
                yield
        except orphans.StillAtWork as error:
            holder = " by a git of a command that was killed"
            raise errors.ControlPlaneBusy(path=str(lock), waited=LOCK_SECONDS, holder=holder) from error


def worktree_lock_file(repository: Repository) -> Path:
    """Return the lock file to hold while worktrees are made, removed or moved."""
    return repository.common_dir / WORKTREE_LOCK


@contextmanager
def merge_lock(workspace: Workspace, run: Run, verb: str) -> Iterator[None]:
    """Hold the lock of a run's merges, from the first look at its branches to the last row. Raises ControlPlaneBusy.

    The holder may take the lock of worktrees; the other order could deadlock.
    """
    lock = workspace.merge_lock(run.id)
    make_folder(lock.parent)
    with _queue(lock, verb):
        yield


@contextmanager
def _queue(path: Path, verb: str) -> Iterator[None]:
    from swarm.locks import LockTaken, locked

    try:
        with locked(path, verb, timeout=LOCK_SECONDS):
            yield
    except LockTaken as taken:
        raise errors.ControlPlaneBusy(path=str(path), waited=LOCK_SECONDS, holder=f" by {taken.holder}") from taken


def make_trees(git: Git, trees: Sequence[tuple[str, Tree]], commit: str) -> list[Tree]:
    """Make the worktree of each (domain, tree), and return the trees and branches that this call made, for `take_back`.

    An existing branch is not among them. Raises IsolationError, after removing everything that this call made.
    """
    _hold(git, trees, commit)
    places = {tree.path.parent for _, tree in trees}
    # Folders from before this call stay on a failure, also empty ones.
    had = {place for place in places if place.is_dir()}
    common = common_dir_of(git)
    for place in places:
        make_folder(place)
        worktrees.clear_debris(common, place.resolve())
    made: list[Tree] = []
    new: list[tuple[str, Tree]] = []
    domain = ""
    try:
        for domain, tree in trees:
            # An interrupt between making and noting a tree would leave a tree that nobody takes back.
            with postponed():
                # Registered in a row, which is quick; only the filling below runs side by side.
                if (fresh := worktrees.add(git, tree, commit)) is not None:
                    made.append(fresh)
                    new.append((domain, tree))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            filling = [(domain, pool.submit(worktrees.fill, tree)) for domain, tree in new]
            wait([done for _, done in filling], return_when=FIRST_EXCEPTION)
            # After a first failure the other trees would be filled in vain.
            pool.shutdown(cancel_futures=True)
        for name, done in filling:
            domain = name
            if not done.cancelled():
                done.result()
    except (GitError, errors.SwarmError, OSError) as error:
        take_back(git, made, commit)
        remove_empty(places - had)
        raise _refused(git, domain, dict(trees)[domain], error) from error
    except BaseException:
        take_back(git, made, commit)
        remove_empty(places - had)
        raise
    return made


def _hold(git: Git, trees: Sequence[tuple[str, Tree]], commit: str) -> None:
    """Raise IsolationBlocked where a branch or missing files would keep git from making a tree; makes nothing."""
    new = [(domain, tree) for domain, tree in trees if not tree.path.exists()]
    missing = missing_objects.missing_files(git, commit) if new else []
    in_the_way = refs.branches_in_the_way(git, [tree.branch for _, tree in new if tree.branch])
    for domain, tree in new:
        lacking = [path for path in missing if tree.only is None or path in tree.only]
        standing = in_the_way.get(tree.branch or "")
        # Without a cause: git was not called, and a cause would read as its words.
        if lacking:
            blocked = missing_objects.refusal(git, commit, lacking)
            # The tree that several share has no branch.
            kind = errors.IsolationBlocked if tree.branch else errors.SharedTreeBlocked
            raise kind(domain=domain, problem=blocked.problem, remedy=blocked.remedy)
        if standing is not None:
            problem = f"git cannot make the branch {tree.branch} beside the branch {standing}"
            remedy = f"rename that branch: `git branch -m {shlex.quote(standing)} NEWNAME`"
            raise errors.IsolationBlocked(domain=domain, problem=problem, remedy=remedy)


def _refused(git: Git, domain: str, tree: Tree, error: Exception) -> "errors.IsolationError":
    if isinstance(error, errors.WorkTreeElsewhere):
        remedy = f"run `{error.remedy}`"
        return errors.IsolationBlocked(domain=domain, problem=error.message, remedy=remedy)
    words = error.stderr if isinstance(error, GitError) else str(error)
    if _can_be_cleaned(git, tree):
        return errors.IsolationInTheWay(domain=domain, problem=words, run_id=run_of_tree(tree.path))
    return errors.IsolationError(domain=domain, problem=words)


def _can_be_cleaned(git: Git, tree: Tree) -> bool:
    """Say whether `clean` can remove the obstacle of a tree: a worktree, or a branch without a checkout."""
    if os.path.lexists(tree.path):
        # A folder without this file is not git's, and `clean` would leave the folder alone.
        return (tree.path / ".git").is_file() and not tree.path.is_symlink()
    if tree.branch is None:
        return False
    try:
        return refs.tip_of(git, tree.branch) is not None and not checkouts.checkouts_of(git, tree.branch)
    except GitError:
        return False


def make_tree(git: Git, tree: Tree, commit: str) -> None:
    """Make a worktree that belongs to no agent. Raises GitError, SwarmError or OSError, and no IsolationError."""
    try:
        make_trees(git, [("", tree)], commit)
    except errors.IsolationError as error:
        # The advice of an isolation error, a dispatch without isolation, would not help here.
        cause = error.__cause__ or error
        raise cause from cause.__cause__


def take_back(git: Git, trees: Sequence[Tree], commit: str) -> None:
    """Remove trees that the present call made."""
    for tree in trees:
        worktrees.discard_unfinished(git, tree, commit)


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove empty folders, and the run's folder above them if that becomes empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
        with suppress(OSError):
            folder.parent.rmdir()


def tidy(conn: sqlite3.Connection, run: Run, repository: Repository) -> None:
    """Remove the clean shared trees of waves that have ended."""
    tidying(conn, run, repository)()


def tidying(
    conn: sqlite3.Connection, run: Run, repository: Repository, compared: str | None = None
) -> Callable[[], None]:
    """Begin to remove the clean shared trees of waves that have ended; return a function that waits for the end.

    `compared` is the tree in which this command has just found no touched file.
    """
    return begun(partial(_remove_shared, repository, waves.left_shared_trees(conn, run.id), compared))


def _remove_shared(repository: Repository, left: Sequence[tuple[str, str]], compared: str | None) -> None:
    for path, commit in left:
        if Path(path).exists():
            place = Path(path)
            if path == compared and worktrees.remove_compared(repository.git, Tree(place, None), commit):
                continue
            kept = kept_index.kept_index(wave_folder_of(place), place)
            worktrees.remove(repository.git, Tree(place, None), commit, kept if kept.exists() else None)


@contextmanager
def snapshot_kept(git: Git, commit: str | None) -> Iterator[None]:
    """Keep a commit of working files from git's garbage collection; drop the ref where the block fails.

    `None` keeps nothing. The caller holds the lock of worktrees: no other call relies on a ref that the block made.
    """
    if commit is None:
        yield
        return
    ref = snapshot_ref(commit)
    was_kept = refs.tip(git, ref) is not None
    refs.keep(git, ref, commit)
    try:
        yield
    except BaseException:
        if not was_kept:
            refs.drop(git, ref, commit)
        raise

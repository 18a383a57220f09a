"""The worktrees of a wave: made in a row under one lock, all or none."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.files import make_folder
from swarm.git import touched, worktrees
from swarm.git.repository import Repository
from swarm.git.runner import Git, GitError
from swarm.git.worktrees import Tree

AT_ONCE: Final = 2
LOCK_SECONDS: Final = 600.0


@contextmanager
def worktree_lock(repository: Repository, verb: str) -> Iterator[None]:
    """Hold the lock of a git common folder while worktrees come and go. Raises StateConflict, WorkspaceNotWritable."""
    from swarm.store.locks import LockTaken, locked

    path = repository.common_dir / "swarm-worktrees.lock"
    try:
        with locked(path, verb, timeout=LOCK_SECONDS):
            yield
    except LockTaken as taken:
        raise errors.ControlPlaneBusy(path=str(path), waited=LOCK_SECONDS, holder=f" by {taken.holder}") from taken


def branch_name(run_hex: str, number: int, domain: str) -> str:
    """Return the branch of a domain's worktree."""
    return f"swarm/{run_hex}/w{number}-{domain}"


def make_trees(git: Git, trees: Sequence[tuple[str, Tree]], commit: str) -> None:
    """Make the worktree of each (domain, tree). Raises IsolationError, after taking back what this call made."""
    for _, tree in trees:
        make_folder(tree.path.parent)
    present = {tree.path for _, tree in trees if tree.path.exists()}
    made: list[Tree] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pending = [(domain, tree, pool.submit(worktrees.add, git, tree, commit)) for domain, tree in trees]
        failure: errors.IsolationError | None = None
        cause: BaseException | None = None
        for domain, tree, done in pending:
            try:
                done.result()
                made += [] if tree.path in present else [tree]
            except (GitError, errors.SwarmError, OSError) as error:
                for _, _, later in pending:
                    later.cancel()
                words = error.stderr if isinstance(error, GitError) else str(error)
                failure = failure or errors.IsolationError(domain=domain, problem=words)
                cause = cause or error
    if failure is not None:
        take_back(git, made, commit)
        raise failure from cause


def take_back(git: Git, trees: Sequence[Tree], commit: str) -> None:
    """Remove trees that the present call made."""
    for tree in trees:
        worktrees.discard_unfinished(git, tree, commit)


def keep_indexes(trees: Sequence[Tree], folder: Path) -> None:
    """Copy each new tree's index aside, where `collect` compares the tree with it."""
    make_folder(folder)
    for tree in trees:
        touched.keep_index(worktrees.admin_dir(tree.path), kept_index(folder, tree.path))


def kept_index(folder: Path, tree: Path) -> Path:
    """Return where the index of a tree is kept."""
    return folder / f"{tree.name}.index"

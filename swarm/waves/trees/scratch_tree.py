"""Scratch worktrees, in which a commit is built and then removed."""

import errno
import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from swarm.git import worktrees
from swarm.git.repository import Repository
from swarm.git.worktrees import Tree
from swarm.store.runs import Run
from swarm.waves.trees import worktrees as agent_trees
from swarm.workspace import SCRATCH, Workspace

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@contextmanager
def scratch_tree(repository: Repository, workspace: Workspace, run: Run, commit: str) -> Iterator[Path]:
    """Give a detached worktree of a commit, and remove the worktree however the block ends. Raises GitError."""
    git = repository.git
    folder = workspace.trees_folder(run.id)
    tree: Tree | None = None
    with ExitStack() as held:
        try:
            with agent_trees.worktree_lock(repository, "verify"):
                _sweep(repository, folder)
                tree = Tree(_free_place(folder, commit), None)
                agent_trees.make_tree(git, tree, commit)
                # Only now: git makes the folder anew. Until here the lock of worktrees kept other processes away.
                held.enter_context(_held(tree.path))
            yield tree.path
        finally:
            if tree is not None:
                with agent_trees.worktree_lock(repository, "verify"):
                    worktrees.discard_unfinished(git, tree, commit)
                agent_trees.remove_empty([folder])


def _free_place(folder: Path, commit: str) -> Path:
    """Return a place of our own: in another container a process may have our id, and prove the same commit."""
    for number in itertools.count(1):
        place = folder / f"{SCRATCH}{os.getpid()}-{commit[:12]}{'' if number == 1 else f'.{number}'}"
        if not is_in_use(place):
            return place
    raise AssertionError


@contextmanager
def _held(place: Path) -> Iterator[None]:
    """Hold a lock on a scratch tree's folder, which no child inherits, where its file system has locks."""
    handle = os.open(place, _FOLDER)
    try:
        with suppress(OSError):
            # A short wait: `is_in_use` of another process holds the lock for a moment.
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(repository: Repository, folder: Path) -> None:
    """Remove the scratch trees of dead processes."""
    for place in folder.glob(f"{SCRATCH}*"):
        if not place.is_symlink() and not is_in_use(place):
            with suppress(OSError):
                worktrees.discard_unfinished(repository.git, Tree(place, None), "HEAD")


def is_in_use(place: Path) -> bool:
    """Say whether a scratch tree belongs to a living process; `False` for every other tree.

    The process holds a lock on the folder. Its id would not do: containers may share the folder and not the ids.
    """
    pid = place.name.removeprefix(SCRATCH).partition("-")[0]
    if not place.name.startswith(SCRATCH) or not pid.isdecimal():
        return False
    try:
        handle = os.open(place, _FOLDER)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        # A build may have closed its folder; a link is no tree of anybody.
        return error.errno != errno.ELOOP and _lives(int(pid))
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        # This file system has no locks.
        return _lives(int(pid))
    finally:
        os.close(handle)
    return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process of another user lives; an id out of range is no reason to delete a tree.
    except (PermissionError, OverflowError):
        pass
    return True

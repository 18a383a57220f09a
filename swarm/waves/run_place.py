"""The repository of a run on this machine: the folder that the caller stands in wins over the recorded path."""

import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

from swarm import errors
from swarm.git.repository import (
    Repository,
    held_commits,
    holds_commit,
    is_whole,
    own_git_dir,
    repository_at,
)
from swarm.git.runner import Git, GitError
from swarm.store import agent_runs, runs, waves
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.workspace import Workspace, checkout_around, workspace_above


def located(conn: sqlite3.Connection, run: Run, repo_path: Path | None, folder: Path) -> Run:
    """Return a run with the `local_path` of its repository on this machine.

    `--repo-path`, else the checkout around `folder` if it holds the run's commit, else the recorded path. Another
    repository at the recorded path does not count. Raises RepoNotFound, and RunElsewhere where a wave in flight has
    its work in another checkout.
    """
    if repo_path is None:
        if (here := _checkout_here(run, folder)) is not None:
            hold_to_checkout(conn, run, here.root)
            return run._replace(local_path=str(here.root))
        if _is_there(run):
            hold_to_checkout(conn, run, Path(run.local_path).resolve())
            return run
    try:
        repository = repository_at(repo_path or folder)
        if holds_commit(repository.git, run.commit_sha):
            return run._replace(local_path=str(repository.root))
    except (errors.RepoNotFound, errors.RepoNotGit, errors.RepoUnborn) as error:
        raise errors.RepoNotFound(path=str(repo_path or run.local_path)) from error
    raise errors.RepoNotFound(path=str(repo_path or run.local_path))


def placed(run: Run, folder: Path) -> Run:
    """Return a run with the checkout around a folder as its place, for reading: no wave keeps a reader out."""
    try:
        here = _checkout_here(run, folder)
    except (errors.SwarmError, GitError):
        return run
    return run if here is None else run._replace(local_path=str(here.root))


def open_run_of(
    conn: sqlite3.Connection, workspace: Workspace, repository: Repository, apart: Collection[str] = ()
) -> Run | None:
    """Return the newest run of a repository, with its place, `None` where that run is complete or aborted.

    Runs whose ids are in `apart` do not count. A run recorded at another path counts where its control plane lies in
    this checkout (a copy, a clone of a committed control plane, a shallow one too), or where the recorded path is
    missing. Raises RunElsewhere.
    """
    every = [run for run in runs.every(conn) if run.id not in apart]
    found = next((run for run in every if run.local_path == str(repository.root)), None)
    if found is None:
        is_inside = workspace.folder.resolve().is_relative_to(repository.root)
        movable = [run for run in every if is_inside or not Path(run.local_path).is_dir()]
        found = _held(repository.git, movable)
        # A shallow clone, which is what CI makes, lacks the run's commit; the control plane inside shows the run.
        if found is None and is_inside and movable and not is_whole(repository.git):
            found = movable[0]
    if found is None or found.is_over:
        return None
    hold_to_checkout(conn, found, repository.root)
    return found._replace(local_path=str(repository.root))


def _held(git: Git, every: Sequence[Run]) -> Run | None:
    """Return the first of some runs whose commit a repository holds."""
    held = held_commits(git, [run.commit_sha for run in every]) if every else set()
    return next((run for run in every if run.commit_sha in held), None)


def is_copy(run: Run, here: Repository) -> bool:
    """Say whether a checkout and the recorded one hold a run in two repositories: a copied project, another clone."""
    try:
        recorded = repository_at(Path(run.local_path))
    except errors.SwarmError:
        return False
    return recorded.common_dir != here.common_dir and holds_commit(here.git, run.commit_sha)


def run_by_history(conn: sqlite3.Connection, folder: Path) -> Run | None:
    """Return the newest run whose commit the checkout around a folder holds."""
    place = checkout_around(folder)
    if place is None:
        return None
    try:
        return _held(Git(place), runs.every(conn))
    except (errors.SwarmError, GitError):
        return None


def hold_to_checkout(conn: sqlite3.Connection, run: Run, here: Path) -> None:
    """Raise RunElsewhere where a wave in flight was dispatched in another checkout, or two share a git folder."""
    recorded = Path(run.local_path)
    if recorded.is_dir() and recorded.resolve() != here and own_git_dir(Git(recorded)) == own_git_dir(Git(here)):
        why = "has the same git folder, index and HEAD"
        raise errors.RunElsewhere(run_id=run.id, here=str(here), path=str(recorded), why=why)
    wave = waves.in_flight(conn, run.id)
    if wave is not None and (other := _checkout_of(wave, run, here)) is not None:
        why = f"has wave {wave.number} in flight"
        raise errors.RunElsewhere(run_id=run.id, here=str(here), path=str(other), why=why)


def hold_to_trees(conn: sqlite3.Connection, workspace: Workspace, run: Run) -> None:
    """Raise RunElsewhere where worktrees of a run's newest wave stand below another workspace than this."""
    wave = waves.newest(conn, run.id)
    own = workspace.trees_folder(run.id).resolve()
    places = agent_runs.recorded_places(conn, wave.id) if wave is not None else []
    for tree in (Path(recorded) for _, recorded in places if recorded):
        if tree.is_dir() and tree.parent.resolve() != own:
            folder = workspace_above(tree)
            why = f"has the worktree {tree.name} of the newest wave"
            place = checkout_around(folder) or folder
            raise errors.RunElsewhere(run_id=run.id, here=run.local_path, path=str(place), why=why)


def hold_to_place(conn: sqlite3.Connection, workspace: Workspace, run: Run) -> None:
    """Raise WorkspaceMoved where a run's folder was moved: prompts and worktrees hold absolute paths.

    A command that went on would write at the old place.
    """
    wave = waves.newest(conn, run.id)
    places = agent_runs.recorded_places(conn, wave.id) if wave is not None else []
    now = workspace.run_folder(run.id)
    was = next((folder for prompt, _ in places for folder in Path(prompt).parents if folder.name == run.id), now)
    if was.exists() or not now.exists():
        return
    old, new = was, now
    # The common end is cut off: the message names the folder that was moved, not a file deep inside.
    while old.name == new.name and old.name:
        old, new = old.parent, new.parent
    raise errors.WorkspaceMoved(path=str(was), now=str(now), old=str(old), new=str(new), run_id=run.id)


def _checkout_here(run: Run, folder: Path) -> Repository | None:
    """Return the checkout around a folder where it holds the run's commit and is not at the recorded path."""
    place = checkout_around(folder)
    # The common case asks the disk alone: no git is started for it.
    if place is None or place == Path(run.local_path).resolve():
        return None
    try:
        repository = repository_at(place)
    except (errors.RepoNotFound, errors.RepoUnborn):
        return None
    except errors.RepoNotGit as error:
        if isinstance(error, errors.WorkTreeElsewhere):
            raise
        return None
    is_meant = repository.root != Path(run.local_path).resolve() and holds_commit(repository.git, run.commit_sha)
    return repository if is_meant else None


def _is_there(run: Run) -> bool:
    """Say whether the recorded path holds the run's repository, and not one with a whole history that lacks the run."""
    root = Path(run.local_path)
    if not root.is_dir():
        return False
    git = Git(root)
    # A shallow clone may lack the commit and still be the run's repository.
    return holds_commit(git, run.commit_sha) or not is_whole(git)


def _checkout_of(wave: Wave, run: Run, here: Path) -> Path | None:
    """Return the checkout that a wave was dispatched in, `None` where that is here, or is no checkout any more."""
    was = Path(wave.sentinel.checkout or run.local_path)
    return was if was.resolve() != here and (was / ".git").exists() else None

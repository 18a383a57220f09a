"""Target of a `rewind`: a save point, a run, or any commit that the caller names."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.git.repository import Repository, commit_of, holds_commit
from swarm.rules.ref_names import run_of_save_point, tag_ref
from swarm.store import runs
from swarm.store.runs import Run
from swarm.waves import run_place, selection


class SavePoint(NamedTuple):
    """Commit that a run is rewound to: its save point, or a commit that the caller names."""

    run: Run
    name: str
    commit: str


def save_point(conn: sqlite3.Connection, word: str, repository: Repository, *, arbitrary: bool) -> SavePoint:
    """Return the commit that a word names: a save point's tag, a run, or with `arbitrary` any commit of the newest run.

    Raises SavePointUnknown, RunAmbiguous, RewindRefused for a run of another repository or a tag that was moved.
    """
    git, run = repository.git, _run_of(conn, word)
    if run is None:
        commit = commit_of(git, word) if arbitrary else None
        newest = runs.newest_around(conn, repository.root)
        if commit is None or newest is None:
            where = " in this repository" if arbitrary else ""
            raise errors.SavePointUnknown(received=errors.shortened(word), told=where)
        return SavePoint(_of_this_repository(conn, newest, repository), word, commit)
    run = _of_this_repository(conn, run, repository)
    tagged = commit_of(git, tag_ref(run.save_point_tag))
    # A moved tag is refused: whoever moved the tag chose where the branch would go.
    if tagged not in {None, run.commit_sha}:
        raise errors.RewindRefused(
            problem=f"tag {run.save_point_tag} was moved from {run.commit_sha[:12]} to {(tagged or '')[:12]}",
            remedy=f"name the commit that you mean: `swarm rewind {run.commit_sha} --force-arbitrary-ref`",
            run_id=run.id,
        )
    if not holds_commit(git, run.commit_sha):
        why = f": commit {run.commit_sha[:12]} is not in this repository"
        raise errors.SavePointUnknown(received=errors.shortened(word), told=why)
    return SavePoint(run, run.save_point_tag, run.commit_sha)


def _run_of(conn: sqlite3.Connection, word: str) -> Run | None:
    if (run_id := run_of_save_point(word)) is not None:
        return runs.find(conn, run_id)
    try:
        # A word is given, so the folder, which stands in for a missing word, plays no part.
        return selection.select_run(conn, word, Path("/"))
    except errors.RunNotFound:
        return None


def _of_this_repository(conn: sqlite3.Connection, run: Run, repository: Repository) -> Run:
    if Path(run.local_path).resolve() == repository.root:
        return run
    if run_place.is_copy(run, repository):
        run_place.hold_to_checkout(conn, run, repository.root)
        return run._replace(local_path=str(repository.root))
    # Worktrees and locks are bound to the recorded path, so another worktree of the repository will not do.
    is_moved = not Path(run.local_path).exists()
    lead = f"if this is it and was moved, lead its old place here: `ln -s '{repository.root}' '{run.local_path}'`"
    raise errors.RewindRefused(
        problem=f"run {run.id} belongs to {run.local_path}, and this is {repository.root}",
        remedy=lead if is_moved else "call it in the run's own checkout",
        run_id=run.id,
    )

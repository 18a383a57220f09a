"""Choose the commit of a verification, and relate the commit to the run and its newest wave."""

import sqlite3
from typing import Final

from swarm import errors
from swarm.git import history
from swarm.git.repository import Repository, commit_of
from swarm.rules.phases import is_audit
from swarm.rules.states import WaveStatus
from swarm.store import merges, waves
from swarm.store.file_claims import has_changes
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.trees.integration import unpublished

_VERIFIABLE: Final = (WaveStatus.COLLECTED, WaveStatus.VERIFIED, WaveStatus.ADVANCED)


def commit_to_prove(conn: sqlite3.Connection, run: Run, repository: Repository, revision: str | None) -> str:
    """Return the commit that a revision names, else the integration branch that HEAD does not have yet, else HEAD.

    Raises CliUsage where the revision names no commit.
    """
    if revision is None:
        return unpublished(conn, run, repository) or repository.head
    commit = commit_of(repository.git, revision)
    if commit is None:
        problem = f"--commit: '{errors.shortened(revision)}' names no commit of {repository.root}"
        raise errors.CliUsage(problem=problem, command="swarm verify")
    return commit


def is_current(conn: sqlite3.Connection, run: Run, repository: Repository, commit: str) -> bool:
    """Say whether a commit is HEAD or the unpublished tip of the run's integration branch."""
    return commit in {repository.head, unpublished(conn, run, repository)}


def belongs_to_run(conn: sqlite3.Connection, run: Run, repository: Repository, commit: str) -> bool:
    """Say whether HEAD or the integration branch contains a commit; an unmerged branch proves nothing of the run."""
    tips = (repository.head, unpublished(conn, run, repository))
    return any(tip is not None and history.is_ancestor(repository.git, commit, tip) for tip in tips)


def proved_wave(
    conn: sqlite3.Connection, run: Run, repository: Repository, commit: str
) -> tuple[Wave | None, str | None]:
    """Return the newest wave when a commit can prove it; else a note, where the commit does not hold its work."""
    newest = waves.newest(conn, run.id)
    if newest is None or newest.status not in _VERIFIABLE:
        return None, None
    if not _holds_work(conn, run, repository, newest, commit):
        return None, f"{commit[:12]} does not hold the work of wave {newest.number}, and proves nothing of it"
    return newest, None


def _holds_work(conn: sqlite3.Connection, run: Run, repository: Repository, wave: Wave, commit: str) -> bool:
    """Say whether a commit holds the newest merge of an amend wave; a wave without changes is at the current commit."""
    if is_audit(wave.phase) or not wave.isolated or not has_changes(conn, wave.id):
        return is_current(conn, run, repository, commit)
    merged = merges.merges_of(conn, wave.id)
    return bool(merged) and history.is_ancestor(repository.git, merged[-1].commit_sha, commit)

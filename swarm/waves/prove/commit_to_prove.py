"""Choose the commit of a verification, and relate a commit to the run: its newest wave, and what was proved before."""

import sqlite3
from typing import Final

from swarm import errors
from swarm.git import history
from swarm.git.repository import Repository, commit_of, holds_commit
from swarm.git.runner import Git
from swarm.rules.phases import is_audit
from swarm.rules.states import WaveStatus
from swarm.store import kept_builds, merges, verifications, waves
from swarm.store.file_claims import has_changes
from swarm.store.runs import Run
from swarm.store.verifications import Verification
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
    newest = waves.newest_of_phase(conn, run.id)
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


def verifications_of_files(conn: sqlite3.Connection, git: Git, run: Run, commit: str) -> list[Verification]:
    """Return the verifications of a commit, and of other commits with the same files, oldest first."""
    tree = history.tree_of(git, commit)
    same: dict[str, bool] = {}
    found = []
    for known in verifications.verifications_of(conn, run.id):
        sha = known.commit_sha
        if sha not in same:
            same[sha] = holds_commit(git, sha) and history.tree_of(git, sha) == tree
        if same[sha]:
            found.append(known)
    return found


def known_tests(conn: sqlite3.Connection, git: Git, run: Run, wave_id: int, commit: str) -> int | None:
    """Return how many tests ran in a commit that passed its build, `None` where no build of its files is recorded."""
    counts = [one.test_count for one in verifications_of_files(conn, git, run, commit) if one.verdict == "pass"]
    kept = kept_builds.of_tree(conn, run.id, wave_id, history.tree_of(git, commit))
    counts += [build.get("test_count") for build in kept if build.get("verdict") == "pass"]
    # The newest: an older build may have run under another adapter, or without what is installed now.
    return next((count for count in reversed(counts) if count is not None), None)


def base_of_merge(conn: sqlite3.Connection, run: Run, commit: str) -> tuple[int, str] | None:
    """Return the newest amend wave and the commit below its first merge, where a merge of it made this commit."""
    wave = waves.newest_amend(conn, run.id)
    made = merges.merges_of(conn, wave.id) if wave is not None else []
    if wave is None or all(merge.commit_sha != commit for merge in made):
        return None
    return wave.id, made[0].base

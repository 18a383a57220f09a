"""Choose the commit of a verification, and relate a commit to the run: its newest wave, and what was proved before."""

import sqlite3
from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

from swarm import errors
from swarm.builds.run_report import kept_tests
from swarm.git import history
from swarm.git.repository import Repository, commit_of, holds_commit
from swarm.git.runner import Git
from swarm.rules.no_worse import TestNames, TestsSeen, tests_passed
from swarm.rules.phases import is_audit
from swarm.rules.states import WaveStatus
from swarm.store import kept_builds, merges, verifications, waves
from swarm.store.file_claims import has_changes
from swarm.store.runs import Run
from swarm.store.verifications import Verification
from swarm.store.waves import Wave
from swarm.waves.prove.build import Prover
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


def known_tests(conn: sqlite3.Connection, prover: Prover, wave_id: int, commit: str) -> TestsSeen:
    """Return the tests that ran in a commit that passed them, without a count where no build is recorded."""
    run, git = prover.run, prover.repository.git
    rows = verifications_of_files(conn, git, run, commit)
    seen = [
        (row.test_count, [step.log for step in row.steps])
        for row in rows
        if row.verdict == "pass" or tests_passed((step.kind, step.status) for step in row.steps)
    ]
    kept = kept_builds.of_tree(conn, run.id, wave_id, history.tree_of(git, commit))
    seen += [
        (build.get("test_count"), [str(step.get("log_path")) for step in build.get("steps", ())])
        for build in kept
        if build.get("verdict") == "pass"
        or tests_passed((step.get("kind"), step.get("status")) for step in build.get("steps", ()))
    ]
    # The newest: an older build may have run under another adapter, or without what is installed now.
    for count, logs in reversed(seen):
        if count is not None:
            return TestsSeen(count, names_of_tests(prover, logs))
    return TestsSeen(None)


def names_of_tests(prover: Prover, logs: Iterable[str]) -> TestNames | None:
    """Return the names of the tests in the logs of a build's steps, `None` where no runner reported any."""
    # A recorded path may lead anywhere: only its place among the proofs of the run counts.
    folder = prover.workspace.proofs_folder(prover.run.id)
    found = [kept_tests(folder.joinpath(*PurePath(log).parts[-2:])) for log in logs]
    named = [names for names in found if names is not None]
    return TestNames(*map(frozenset[str]().union, *named)) if named else None


def base_of_merge(conn: sqlite3.Connection, run: Run, commit: str) -> tuple[int, str] | None:
    """Return the newest amend wave and the commit below its first merge, where a merge of it made this commit."""
    wave = waves.newest_amend(conn, run.id)
    made = merges.merges_of(conn, wave.id) if wave is not None else []
    if wave is None or all(merge.commit_sha != commit for merge in made):
        return None
    return wave.id, made[0].base

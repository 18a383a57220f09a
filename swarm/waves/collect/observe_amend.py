"""Worktrees of an amend wave observed without writing: who touched which file, and which fixes were made."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from swarm.clock import today
from swarm.git.repository import Repository, TreeFile
from swarm.rules.ownership import OwnershipMap
from swarm.store import assignments, findings, leases
from swarm.store.waves import Wave
from swarm.waves.collect import watch
from swarm.waves.collect.fixes import judge_fixes
from swarm.waves.collect.observed import Observed
from swarm.waves.collect.outputs import Intake
from swarm.waves.collect.ownership import OwnershipJudge
from swarm.waves.collect.reconcile import NOTHING


def observe_amend(
    conn: sqlite3.Connection,
    wave: Wave,
    repository: Repository,
    owners: OwnershipMap,
    files: Sequence[TreeFile],
    folder: Path,
    intakes: list[Intake],
) -> Observed:
    """Observe a wave that changes code: ownership and fixes are judged, no report is matched and no silence judged."""
    outside = watch.watched(wave, repository)
    violations = list(outside.violations)
    given = assignments.assigned(conn, wave.id)
    leased = leases.holding(conn, wave.run_id, wave.number)
    judge = OwnershipJudge(repository, wave, folder, owners, files=files, leased=leased, assigned=given)
    notes = list(outside.notes)
    if outside.may_probe:
        intakes = judge.judge_all(intakes)
        notes += judge.passing_edits(intakes)
        late, edited = watch.changed_trees(conn, wave, repository, intakes)
        violations += late
        notes += edited
    violations += [violation for taken in intakes for violation in taken.violations]
    known = findings.known_findings(conn, wave.run_id, today=today())
    requests, refused = judge.requests(intakes)
    fixes = judge_fixes(repository.git, wave, owners, intakes, known, given)
    is_degraded = not wave.isolated
    return Observed(
        wave=wave,
        intakes=tuple(intakes),
        refused=refused,
        violations=tuple(violations),
        is_degraded=is_degraded,
        reconciled=NOTHING,
        files=len(files),
        unaudited=0,
        fixes=fixes,
        requests=tuple(requests),
        leased=leased,
        notes=tuple(notes),
    )

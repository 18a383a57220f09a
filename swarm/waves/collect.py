"""`collect`: take the outputs of a wave, hold them to schema and ownership, and record what they mean."""

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from swarm import errors, events
from swarm.failpoints import failpoint
from swarm.git import sentinel, worktrees
from swarm.git.repository import Repository, TreeFile, files_at, repository_at
from swarm.git.worktrees import Tree
from swarm.rules.classification import OPEN_STATUSES, SEVERITIES
from swarm.rules.ownership import WHOLE_WAVE, OwnershipMap
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import agent_runs, findings, ledger, transitions, waves
from swarm.store import domains as domain_table
from swarm.store.connection import Store
from swarm.store.faults import translated
from swarm.store.ledger import Entry
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves import intake, supervision
from swarm.waves.intake import Intake
from swarm.waves.reconcile import Digest, Reconciled, reconcile
from swarm.waves.results import (
    AgentCollected,
    CollectResult,
    FindingCounts,
    Problem,
    ViolationShown,
)
from swarm.waves.sightings import locate_all
from swarm.waves.travel import journeys
from swarm.workspace import Workspace


class Observed(NamedTuple):
    """All that the slow part found out, before the transaction."""

    wave: Wave
    intakes: tuple[Intake, ...]
    refused: Mapping[int, Sequence[Problem]]
    violations: tuple[ViolationShown, ...]
    is_degraded: bool
    reconciled: Reconciled
    files: int
    unaudited: int


def collect(store: Store, workspace: Workspace, run: Run, named: Mapping[str, Path]) -> CollectResult:
    """Collect the run's wave in flight, with outputs from its folder or as `named` by domain.

    The wave ends `collected`, or `failed` when an agent is not complete or something was touched. Raises
    CollectNoWave, CollectUnknownDomain, CollectUpsertError, LaunchInProgress while its agents are supervised, and
    StateConflict when another collect won.
    """
    repository = repository_at(Path(run.local_path))
    wave = waves.in_flight(store.conn, run.id)
    if wave is None:
        tidy(store.conn, run, repository)
        raise errors.CollectNoWave(run_id=run.id)
    with supervision.only_supervisor(workspace, run, wave):
        supervision.close_dead_attempts(store, run, wave)
        observed = _observe(store.conn, workspace, run, wave, repository, named)
        failpoint("collect.before_commit")
        status = _commit(store, run, observed)
    failpoint("collect.after_commit")
    tidy(store.conn, run, repository)
    return _told(store.conn, run, observed, status)


def _observe(
    conn: sqlite3.Connection,
    workspace: Workspace,
    run: Run,
    wave: Wave,
    repository: Repository,
    named: Mapping[str, Path],
) -> Observed:
    agents = agent_runs.current(conn, wave.id)
    domains = [agent.domain for agent in agents]
    if strange := next((name for name in named if name not in domains), None):
        raise errors.CollectUnknownDomain(name=strange, number=wave.number, names=", ".join(domains))
    owners = OwnershipMap(domain_table.snapshot_map(conn, wave.snapshot_id))
    folder = workspace.wave_folder(run.id, wave.number)
    intakes = [
        intake.take_in(agent, wave, named.get(agent.domain), agent_runs.recorded_output(conn, agent.id))
        for agent in agents
    ]
    violations, may_probe = _watched(run, wave, repository)
    if may_probe:
        intakes = [intake.probe(taken, repository, wave, folder, owners) for taken in intakes]
        violations += _shared_tree_violations(repository, wave, folder, owners)
    violations += [violation for taken in intakes for violation in taken.violations]
    files = files_at(repository.git, wave.dispatch_sha)
    known = findings.known_findings(conn, run.id)
    travels = journeys(repository.git, (item.known for item in known), wave.dispatch_sha)
    located = locate_all(repository.git, files, owners, intakes, [item.known for item in known], travels)
    # What was located is in the reports; a hundred thousand findings are not held twice.
    intakes = [taken._replace(findings=()) for taken in intakes]
    taken_ids = findings.taken_ids(conn, run.id)
    reconciled = reconcile(run, wave, owners, intakes, known, located, travels, taken_ids)
    is_degraded = not wave.isolated and wave.shared_tree is None
    return Observed(
        wave,
        tuple(intakes),
        located.refused,
        tuple(violations),
        is_degraded,
        reconciled,
        len(files),
        _unaudited(files, owners, intakes),
    )


def _watched(run: Run, wave: Wave, repository: Repository) -> tuple[list[ViolationShown], bool]:
    """Compare what must not change with its fingerprints; a changed git folder forbids git in the trees."""
    kept = sentinel.Sentinel.read(wave.sentinel)
    common = sentinel.fingerprint_common(repository.common_dir, run.id)
    changed = sentinel.differences(kept.common, common)
    if changed:
        return [ViolationShown(f".git/{name}", WHOLE_WAVE, "coordinator") for name in changed], False
    if kept.primary is None:
        return [], True
    now = sentinel.fingerprint_primary(repository)
    dirt = sorted(path for path, state in now.items() if kept.primary.get(path) != state)
    return [ViolationShown(path, WHOLE_WAVE, "primary checkout") for path in dirt], True


def _shared_tree_violations(
    repository: Repository, wave: Wave, folder: Path, owners: OwnershipMap
) -> list[ViolationShown]:
    if wave.shared_tree is None or not Path(wave.shared_tree).is_dir():
        return []
    seen = intake.touched_in(repository, Path(wave.shared_tree), wave, folder, None)
    found = []
    for file in seen:
        owner = owners.owner_of(file.path)
        found.append(ViolationShown(file.path, WHOLE_WAVE, owner.name if owner else "unassigned"))
    return found


def _unaudited(files: Sequence[TreeFile], owners: OwnershipMap, intakes: Sequence[Intake]) -> int:
    """Return how many files no agent looked at: without an agent, or out of what an analyzer reads."""
    by_domain = {taken.agent.domain: taken for taken in intakes if taken.is_complete}
    owned, unowned = owners.divide([file.path for file in files])
    missed = len(unowned)
    for domain, paths in owned.items():
        taken = by_domain.get(domain)
        analysis = intake.analysis_of(taken.agent) if taken else None
        if taken is None:
            missed += len(paths)
        elif analysis is not None and "read" in analysis:
            missed += len(set(paths) - set(analysis["read"]))
        elif analysis is not None:
            suffixes, unread = tuple(analysis["suffixes"]), set(analysis["unread"])
            missed += sum(not path.endswith(suffixes) or path in unread for path in paths)
    return missed


def _commit(store: Store, run: Run, observed: Observed) -> WaveStatus:
    """Write everything in one transaction; when the findings fail, the evidence is kept and the wave stays open."""
    failure: sqlite3.Error | None = None
    status = WaveStatus.DISPATCHED
    with store.mutation(bulk=True) as conn:
        wave = waves.in_flight(conn, run.id)
        if wave is None or wave.id != observed.wave.id:
            raise errors.StateConflict(subject=f"Wave {observed.wave.number}", expected="dispatched", run_id=run.id)
        _record_evidence(conn, observed)
        try:
            with store.part():
                _record_findings(conn, run, observed)
                status = _end_wave(conn, observed)
        except sqlite3.Error as error:
            if not conn.in_transaction:
                raise
            failure = error
    if failure is not None:
        raise errors.CollectUpsertError(
            number=observed.wave.number,
            wave_id=observed.wave.id,
            findings_attempted=observed.reconciled.attempted,
            problem=str(failure),
        ) from translated(failure, store.path)
    return status


def _record_evidence(conn: sqlite3.Connection, observed: Observed) -> None:
    waves.record_probe(
        conn,
        observed.wave.id,
        degraded=observed.is_degraded,
        violations=[violation._asdict() for violation in observed.violations],
    )
    for taken in observed.intakes:
        agent = taken.agent
        if taken.body is not None:
            agent_runs.record_output(conn, agent.id, taken.path, taken.body)
        if taken.claims:
            agent_runs.replace_claims(conn, agent.id, taken.claims)
        if taken.is_complete:
            agent_runs.record_count(conn, agent.id, taken.reported)
        if taken.target is not None:
            reason = intake.stored_error(taken.problems)
            if taken.violations:
                reason = f"touched {len(taken.violations)} files: {taken.violations[0].file}"[: intake.STORED_ERROR]
            transitions.move_agent_run(conn, observed.wave, agent, taken.target, reason=reason)


def _record_findings(conn: sqlite3.Connection, run: Run, observed: Observed) -> None:
    wave, found = observed.wave, observed.reconciled
    rows = findings.add_all(conn, found.new)
    fresh = (sighting._replace(finding=rows[sighting.finding]) for sighting in found.new_sightings)
    digest = Digest()
    findings.record_seen_again(conn, found.seen)
    findings.record_not_seen(conn, found.not_seen)
    findings.record_relocated(conn, found.relocated)
    findings.add_aliases(conn, run.id, wave.number, found.aliases)
    findings.add_sightings(conn, digest.over(chain(fresh, found.sightings)))
    ledger.append_all(
        conn,
        (
            Entry(
                "finding_moved",
                f"finding:{move.row_id}",
                run.id,
                wave.id,
                move.before,
                move.after,
                move.reason,
            )
            for move in found.moved
        ),
    )
    payload: dict[str, object] = {
        "new": found.counts.new,
        "recurring": found.counts.recurring,
        "fixed": found.counts.fixed,
        "unverified": found.counts.unverified,
        "recurredWhileClosed": found.counts.recurred_while_closed,
        "sightings": digest.count,
        "digest": digest.hex(),
    }
    ledger.append(conn, Entry("findings_recorded", f"wave:{wave.id}", run.id, wave.id, payload=payload))


def _end_wave(conn: sqlite3.Connection, observed: Observed) -> WaveStatus:
    wave = observed.wave
    incomplete = [taken.agent.domain for taken in observed.intakes if not taken.is_complete]
    is_failed = bool(incomplete or observed.violations)
    target = WaveStatus.FAILED if is_failed else WaveStatus.COLLECTED
    reason = None
    if is_failed:
        told = [f"not complete: {', '.join(incomplete)}"] if incomplete else []
        told += [f"{len(observed.violations)} violations"] if observed.violations else []
        reason = "; ".join(told)[: intake.STORED_ERROR]
    counts = observed.reconciled.counts
    waves.record_result(conn, wave.id, {**counts._asdict(), "files": observed.files, "unaudited": observed.unaudited})
    transitions.move_wave(conn, wave, target, reason=reason)
    return target


def tidy(conn: sqlite3.Connection, run: Run, repository: Repository) -> None:
    """Remove the shared trees of waves that have ended, where nothing was left in them."""
    for path, commit in waves.left_shared_trees(conn, run.id):
        if Path(path).exists():
            worktrees.remove(repository.git, Tree(Path(path), None), commit)


def _told(conn: sqlite3.Connection, run: Run, observed: Observed, status: WaveStatus) -> CollectResult:
    wave, counts = observed.wave, observed.reconciled.counts
    agents = tuple(
        AgentCollected(
            taken.agent.domain,
            taken.agent.id,
            taken.status,
            taken.reported if taken.is_complete else 0,
            (*taken.problems, *observed.refused.get(taken.agent.id, ())),
            tuple(violation.file for violation in taken.violations),
            None,
        )
        for taken in observed.intakes
    )
    by_severity = open_by_severity(conn, run.id)
    complete = sum(agent.status == AgentRunStatus.COMPLETE for agent in agents)
    summary = (
        f"Wave {wave.number} ({wave.phase}): {complete} of {len(agents)} agents complete; "
        f"{counts.new} new, {counts.recurring} recurring, {counts.fixed} fixed, {counts.unverified} unverified"
    )
    if observed.is_degraded:
        events.emit("ownership_probe_degraded", run_id=run.id, wave_id=wave.id)
    next_action = f"swarm findings {run.id}" if status is WaveStatus.COLLECTED else f"swarm status {run.id}"
    return CollectResult(
        run.id,
        wave.id,
        wave.number,
        wave.phase,
        status,
        agents,
        FindingCounts(*counts),
        by_severity,
        observed.violations,
        observed.is_degraded,
        (),
        summary,
        next_action,
    )


def open_by_severity(conn: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """Return how many open findings of each severity a run has."""
    counts = findings.counts_by(conn, run_id)
    return {
        severity: sum(n for (status, grade), n in counts.items() if grade == severity and status in OPEN_STATUSES)
        for severity in SEVERITIES
    }

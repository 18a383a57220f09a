"""`collect`: take the outputs of a wave, hold them to schema and ownership, and record what they mean."""

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors, events
from swarm.failpoints import failpoint
from swarm.git import worktrees
from swarm.git.repository import Repository, TreeFile, files_at, repository_at
from swarm.git.worktrees import Tree
from swarm.rules.classification import OPEN_STATUSES, SEVERITIES
from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import is_audit
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.rules.suppressions import Suppression
from swarm.store import agent_runs, claims, findings, leases, ledger, transitions, waves
from swarm.store import domains as domain_table
from swarm.store.connection import Store
from swarm.store.faults import translated
from swarm.store.ledger import Entry
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves import intake, settling, supervision, watch
from swarm.waves.amending import Court
from swarm.waves.collected import (
    AgentCollected,
    CollectResult,
    FindingCounts,
    LeaseRequest,
    Problem,
    ViolationShown,
)
from swarm.waves.fixes import Fixes, dropped, judge_fixes
from swarm.waves.intake import Intake
from swarm.waves.reconcile import NOTHING, Digest, Reconciled, reconcile
from swarm.waves.sightings import locate_all
from swarm.waves.travel import journeys
from swarm.workspace import Workspace

MOST_KEPT: Final = 500


class Observed(NamedTuple):
    """All that the slow part found out, before the transaction. `fixes` and `requests` are an amend wave's."""

    wave: Wave
    intakes: tuple[Intake, ...]
    refused: Mapping[int, Sequence[Problem]]
    violations: tuple[ViolationShown, ...]
    is_degraded: bool
    reconciled: Reconciled
    files: int
    unaudited: int
    fixes: Fixes = Fixes((), (), ())
    requests: tuple[LeaseRequest, ...] = ()
    comments: Mapping[tuple[str, int], Sequence[Suppression]] = {}


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
    files = files_at(repository.git, wave.dispatch_sha)
    if not is_audit(wave.phase):
        return _observe_amend(conn, run, wave, repository, owners, files, folder, intakes)
    violations, may_probe = watch.watched(run, wave, repository)
    if may_probe:
        intakes = [intake.probe(taken, repository, wave, folder, owners) for taken in intakes]
        violations += watch.shared_tree_violations(repository, wave, folder, owners)
    violations += [violation for taken in intakes for violation in taken.violations]
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
        watch.unaudited(files, owners, intakes),
        comments=located.comments,
    )


def _observe_amend(
    conn: sqlite3.Connection,
    run: Run,
    wave: Wave,
    repository: Repository,
    owners: OwnershipMap,
    files: Sequence[TreeFile],
    folder: Path,
    intakes: list[Intake],
) -> Observed:
    """Observe a wave that changes code: nothing is matched and no silence judged; fixes are looked at."""
    violations, may_probe = watch.watched(run, wave, repository)
    given = claims.assigned(conn, wave.id)
    court = Court(repository, wave, folder, owners, files, leases.granted(conn, run.id, wave.number), given)
    if may_probe:
        intakes = court.judge_all(intakes)
    violations += [violation for taken in intakes for violation in taken.violations]
    known = findings.known_findings(conn, run.id)
    fixes = judge_fixes(repository.git, wave, owners, intakes, known, given)
    refused = {taken.agent.id: () for taken in intakes}
    is_degraded = not wave.isolated
    return Observed(
        wave,
        tuple(intakes),
        refused,
        tuple(violations),
        is_degraded,
        NOTHING,
        len(files),
        0,
        fixes,
        tuple(court.requests(intakes)),
    )


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
            findings_attempted=observed.reconciled.attempted + len(observed.fixes.claims),
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
        if taken.work is not None:
            agent_runs.record_work(conn, agent.id, taken.work.tree)
        if taken.is_complete:
            agent_runs.record_count(conn, agent.id, taken.reported)
        if taken.target is not None:
            reason = intake.stored_error(taken.problems)
            if taken.violations:
                reason = f"touched {len(taken.violations)} files: {taken.violations[0].file}"[: intake.STORED_ERROR]
            transitions.move_agent_run(conn, observed.wave, agent, taken.target, reason=reason)


def _record_findings(conn: sqlite3.Connection, run: Run, observed: Observed) -> None:
    wave, found = observed.wave, observed.reconciled
    if not is_audit(wave.phase):
        _record_fixes(conn, run, observed)
        return
    claims.settle(conn, _refuted(conn, run, found), "refuted")
    claims.settle(conn, [silent.id for silent in found.not_seen if silent.fixed_wave is not None], "fixed")
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
    settling.settle(conn, run, wave, observed.comments)
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


def _refuted(conn: sqlite3.Connection, run: Run, found: Reconciled) -> list[int]:
    """Return the findings that somebody claims to have mended, and that this wave has seen again."""
    claimed = {claim.finding for claim in claims.standing(conn, run.id)}
    return [seen.id for seen in found.seen if seen.id in claimed] if claimed else []


def _record_fixes(conn: sqlite3.Connection, run: Run, observed: Observed) -> None:
    wave, fixes = observed.wave, observed.fixes
    claims.replace(conn, wave.id, fixes.claims)
    for asked in observed.requests:
        # The wave that asks is over: what is granted is for the next one.
        leases.request(conn, run.id, wave.number + 1, asked.domain, asked.file, asked.reason[: intake.STORED_ERROR])
    payload: dict[str, object] = {
        "claimed": len(fixes.claims),
        "skipped": len(fixes.skipped),
        "requests": len(observed.requests),
    }
    ledger.append(conn, Entry("fixes_recorded", f"wave:{wave.id}", run.id, wave.id, payload=payload))


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
    result: dict[str, object] = {
        **counts._asdict(),
        "files": observed.files,
        "unaudited": observed.unaudited,
        "openBySeverity": open_by_severity(conn, wave.run_id),
        "dropped": _dropped(observed)[:MOST_KEPT],
        "skippedFixes": [one._asdict() for one in observed.fixes.skipped[:MOST_KEPT]],
    }
    waves.record_result(conn, wave.id, result)
    transitions.move_wave(conn, wave, target, reason=reason)
    return target


def _dropped(observed: Observed) -> list[str]:
    """Return what agents declared and nobody could take."""
    refused = [
        f"{taken.agent.domain}: {problem.message}"[: intake.STORED_ERROR]
        for taken in observed.intakes
        for problem in observed.refused.get(taken.agent.id, ())
    ]
    return refused + dropped(observed.fixes.skipped)


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
            taken.divergence,
            sum(claim.agent_run_id == taken.agent.id for claim in observed.fixes.claims),
            taken.shared_edits,
            taken.work.ignored if taken.work and wave.isolated else (),
        )
        for taken in observed.intakes
    )
    by_severity = open_by_severity(conn, run.id)
    complete = sum(agent.status == AgentRunStatus.COMPLETE for agent in agents)
    summary = (
        f"Wave {wave.number} ({wave.phase}): {complete} of {len(agents)} agents complete; "
        f"{counts.new} new, {counts.recurring} recurring, {counts.fixed} fixed, {counts.unverified} unverified"
    )
    if not is_audit(wave.phase):
        touched = len({claim.path for taken in observed.intakes for claim in taken.claims if claim.observed})
        summary = (
            f"Wave {wave.number} ({wave.phase}): {complete} of {len(agents)} agents complete; "
            f"{len(observed.fixes.claims)} fixes claimed, {len(observed.fixes.skipped)} skipped,"
            f" {touched} files changed"
        )
    if observed.is_degraded:
        events.emit("ownership_probe_degraded", run_id=run.id, wave_id=wave.id)
    next_action = f"swarm status {run.id}"
    if status is WaveStatus.COLLECTED:
        next_action = f"swarm findings {run.id}" if is_audit(wave.phase) else f"swarm {_proof(wave)} {run.id}"
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
        observed.fixes.shown,
        observed.fixes.skipped,
        observed.requests,
        summary,
        next_action,
    )


def _proof(wave: Wave) -> str:
    return "merge" if wave.isolated else "verify"


def open_by_severity(conn: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """Return how many open findings of each severity a run has."""
    counts = findings.counts_by(conn, run_id)
    return {
        severity: sum(n for (status, grade), n in counts.items() if grade == severity and status in OPEN_STATUSES)
        for severity in SEVERITIES
    }

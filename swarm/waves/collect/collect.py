"""`collect`: take the outputs of a wave, hold them to schema and ownership, and record what they mean."""

import sqlite3
from collections import deque
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Final

from swarm import errors, stage_events
from swarm.git import worktrees
from swarm.git.repository import Repository, repository_at
from swarm.git.worktrees import Tree
from swarm.results.collect import AgentCollected, CollectResult, FindingCounts
from swarm.rules.phases import is_audit
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import (
    agent_runs,
    digests,
    file_claims,
    fix_claims,
    leases,
    ledger,
    observations,
    sightings,
    transitions,
    waves,
)
from swarm.store.connection import Store
from swarm.store.digests import Digest
from swarm.store.findings import open_by_severity
from swarm.store.ledger import Entry
from swarm.store.runs import Run
from swarm.store.sqlite_errors import translated
from swarm.store.waves import Wave
from swarm.waves import run_facts
from swarm.waves.collect import outputs, settle_decisions
from swarm.waves.collect.fixes import dropped
from swarm.waves.collect.observe import Observed, observe
from swarm.waves.collect.ownership import keep_work
from swarm.waves.collect.reconcile import Reconciled
from swarm.waves.collect.record import brought_up
from swarm.waves.launch import supervision
from swarm.waves.trees import worktrees as agent_trees
from swarm.workspace import Workspace

MOST_KEPT: Final = 500


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
        raise _none_in_flight(store.conn, run)
    with supervision.only_supervisor(workspace, run, wave):
        if waves.in_flight(store.conn, run.id) is None:
            raise _none_in_flight(store.conn, run)
        supervision.close_dead_attempts(store, run, wave)
        observed = observe(store.conn, workspace, run, wave, repository, named)
        keep_work(repository, wave, observed.intakes)
        status = commit(store, run, observed)
    tidy(store.conn, run, repository)
    return _told(store.conn, run, observed, status)


def _none_in_flight(conn: sqlite3.Connection, run: Run) -> errors.CollectNoWave:
    newest = waves.newest(conn, run.id)
    if newest is not None and newest.status is WaveStatus.COLLECTED:
        return errors.CollectedAlready(run_id=run.id, number=newest.number)
    return errors.CollectNoWave(run_id=run.id)


def commit(store: Store, run: Run, observed: Observed, override: str | None = None) -> WaveStatus:
    """Write everything in one transaction; when the findings fail, the evidence is kept and the wave stays open.

    `override` is the reason for which agents and a wave that failed are brought on all the same; then all or nothing
    is written. Raises CollectUpsertError, and StateConflict when the wave moved meanwhile.
    """
    failure: sqlite3.Error | None = None
    status = WaveStatus.DISPATCHED
    with store.mutation(bulk=True) as conn:
        record_evidence(conn, observed, override)
        try:
            with store.part():
                _record_findings(conn, run, observed)
                status = _end_wave(conn, observed, override)
        except sqlite3.Error as error:
            if not conn.in_transaction or override is not None:
                raise
            failure = error
        digests.seal(conn, run.id, observed.wave.id)
    if failure is not None:
        raise errors.CollectUpsertError(
            number=observed.wave.number,
            wave_id=observed.wave.id,
            findings_attempted=observed.reconciled.attempted + len(observed.fixes.claims),
            problem=str(failure),
        ) from translated(failure, store.path)
    return status


def record_evidence(conn: sqlite3.Connection, observed: Observed, override: str | None) -> None:
    """Keep what was seen of each agent, and the states that follow; `override` is why a blocked one is complete.

    Raises StateConflict when the wave, an agent or a lease that it was judged by moved meanwhile.
    """
    wave = observed.wave
    supervision.hold_to_status(conn, wave)
    if observed.leased is not None and observed.leased != leases.holding(conn, wave.run_id, wave.number):
        subject = f"What is leased in wave {wave.number}"
        raise errors.StateConflict(subject=subject, expected="what it was", run_id=wave.run_id)
    waves.record_probe(
        conn,
        wave.id,
        degraded=observed.is_degraded,
        violations=[violation._asdict() for violation in observed.violations],
    )
    for taken in observed.intakes:
        agent = taken.agent
        if taken.body is not None:
            agent_runs.record_output(conn, agent.id, taken.path, taken.body)
        if taken.claims:
            file_claims.replace_claims(conn, agent.id, taken.claims)
        if taken.work is not None:
            agent_runs.record_work(conn, agent.id, taken.work.tree)
        if taken.is_complete:
            agent_runs.record_count(conn, agent.id, taken.reported)
        if taken.target is not None:
            reason = outputs.stored_error(taken.problems)
            if taken.violations:
                reason = f"touched {len(taken.violations)} files: {taken.violations[0].file}"[: outputs.STORED_ERROR]
            overrides = override is not None
            reason = override or reason
            transitions.move_agent_run(conn, wave, agent, taken.target, reason=reason, override=overrides)


def _record_findings(conn: sqlite3.Connection, run: Run, observed: Observed) -> None:
    wave, found = observed.wave, observed.reconciled
    if not is_audit(wave.phase):
        _record_fixes(conn, run, observed)
        return
    if moved := observations.observed_since(conn, run.id, observed.seq):
        found = brought_up(found, moved)
    fix_claims.settle(conn, _refuted(conn, run, found), "refuted")
    fix_claims.settle(conn, [silent.id for silent in found.not_seen if silent.fixed_wave is not None], "fixed")
    rows = observations.add_all(conn, found.new)
    fresh = (sighting._replace(finding=rows[sighting.finding]) for sighting in found.new_sightings)
    digest = Digest()
    # The digest is the whole wave's: what an earlier collect of it recorded stands first.
    deque(digest.over(sightings.sightings_in(conn, wave.id)), maxlen=0)
    observations.record_further(conn, found.further)
    observations.record_seen_again(conn, found.seen)
    observations.record_not_seen(conn, found.not_seen)
    observations.record_relocated(conn, found.relocated)
    observations.add_aliases(conn, run.id, wave.number, found.aliases)
    sightings.add_sightings(conn, digest.over(chain(fresh, found.sightings)))
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
                move.proof,
            )
            for move in found.moved
        ),
    )
    settle_decisions.settle(conn, run, wave, observed.comments)
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
    claimed = {claim.finding for claim in fix_claims.standing(conn, run.id)}
    return [seen.id for seen in found.seen if seen.id in claimed] if claimed else []


def _record_fixes(conn: sqlite3.Connection, run: Run, observed: Observed) -> None:
    wave, fixes = observed.wave, observed.fixes
    fix_claims.replace(conn, wave.id, fixes.claims)
    for asked in observed.requests:
        # The wave that asks is over: what is granted is for the next one.
        leases.request(conn, run.id, wave.number + 1, asked.domain, asked.file, asked.reason[: outputs.STORED_ERROR])
    payload: dict[str, object] = {
        "claimed": len(fixes.claims),
        "skipped": len(fixes.skipped),
        "requests": len(observed.requests),
        "digest": digests.fix_claims_digest(conn, wave.id),
    }
    ledger.append(conn, Entry("fixes_recorded", f"wave:{wave.id}", run.id, wave.id, payload=payload))


def _end_wave(conn: sqlite3.Connection, observed: Observed, override: str | None) -> WaveStatus:
    wave = observed.wave
    incomplete = [taken.agent.domain for taken in observed.intakes if not taken.is_complete]
    is_failed = bool(incomplete or observed.violations)
    target = WaveStatus.FAILED if is_failed else WaveStatus.COLLECTED
    reason = None
    if is_failed:
        told = [f"not complete: {', '.join(incomplete)}"] if incomplete else []
        told += [f"{len(observed.violations)} violations"] if observed.violations else []
        reason = "; ".join(told)[: outputs.STORED_ERROR]
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
    if override is None:
        transitions.move_wave(conn, wave, target, reason=reason)
    elif not is_failed:
        transitions.move_wave(conn, wave, target, reason=override, override=True)
    return target


def _dropped(observed: Observed) -> list[str]:
    """Return what agents declared and nobody could take."""
    refused = [
        f"{taken.agent.domain}: {problem.message}"[: outputs.STORED_ERROR]
        for taken in observed.intakes
        for problem in observed.refused.get(taken.agent.id, ())
    ]
    return refused + dropped(observed.fixes.skipped)


def tidy(conn: sqlite3.Connection, run: Run, repository: Repository) -> None:
    """Remove the shared trees of waves that have ended, where nothing was left in them."""
    for path, commit in waves.left_shared_trees(conn, run.id):
        if Path(path).exists():
            place = Path(path)
            wave_folder = place.parent.parent / f"wave-{place.name[1:].partition('.')[0]}"
            kept = agent_trees.kept_index(wave_folder / "trees", place)
            worktrees.remove(repository.git, Tree(place, None), commit, kept if kept.exists() else None)


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
        fixes = len(observed.fixes.claims)
        summary = (
            f"Wave {wave.number} ({wave.phase}): {complete} of {len(agents)} agents complete; "
            f"{fixes} {'fix' if fixes == 1 else 'fixes'} claimed, {len(observed.fixes.skipped)} skipped,"
            f" {touched} {'file' if touched == 1 else 'files'} changed"
        )
    if observed.is_degraded:
        stage_events.emit("ownership_probe_degraded", run_id=run.id, wave_id=wave.id)
    next_action = run_facts.next_action(conn, run.id)
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

"""`collect`: take the outputs of a wave, hold them to schema and ownership, and record what they mean."""

import gc
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from swarm import errors, stage_events
from swarm.git.repository import repository_at
from swarm.results.collect import AgentCollected, CollectResult, FindingCounts
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import waves
from swarm.store.connection import Store
from swarm.store.findings import open_by_severity
from swarm.store.runs import Run
from swarm.waves import run_facts
from swarm.waves.collect.observe import observe
from swarm.waves.collect.observed import Observed
from swarm.waves.collect.ownership import keep_work
from swarm.waves.collect.record import MOST_KEPT, commit
from swarm.waves.dispatched_here import forget_unless_needed
from swarm.waves.launch import supervision
from swarm.waves.review.shown import reviews_shown
from swarm.waves.trees.bundles import brought_in
from swarm.waves.trees.worktrees import tidy
from swarm.workspace import Workspace


def collect(
    store: Store,
    workspace: Workspace,
    run: Run,
    named: Mapping[str, Path],
    works: Mapping[str, Path] | None = None,
    *,
    tidies: bool = True,
) -> CollectResult:
    """Collect the run's wave in flight, with outputs from its folder or as `named` by domain.

    `works` are git bundles, by domain, with the work of agents that ran elsewhere. Without `tidies` the caller removes
    the tree that analyzers shared. The wave ends `collected`, or
    `failed` when an agent is not complete or touched a foreign file. Raises BundleRefused, CollectNoWave,
    CollectUnknownDomain, CollectUpsertError, LaunchInProgress while its agents are supervised, and
    StateConflict when another collect won.
    """
    repository = repository_at(Path(run.local_path))
    wave = waves.in_flight(store.conn, run.id)
    if wave is None:
        # A collect that was killed after its COMMIT left the shared tree behind; this call removes that tree.
        tidy(store.conn, run, repository)
        raise _none_in_flight(store.conn, run)
    with supervision.only_supervisor(workspace, run, wave), _without_garbage_collection():
        # Read again under the lock: another collect may have ended the wave since it was read.
        if waves.in_flight(store.conn, run.id) is None:
            raise _none_in_flight(store.conn, run)
        supervision.close_dead_attempts(store, run, wave)
        supervision.hold_to_no_orders(store.conn, run, wave)
        with brought_in(store.conn, workspace, wave, repository, works or {}, named) as seen:
            observed = observe(store.conn, workspace, wave, seen, named)
        # Before the transaction: git is never run inside of it, and a row must not name a tree that git may collect.
        keep_work(repository, wave, observed.intakes)
        status = commit(store, observed)
    forget_unless_needed(store.conn, wave, status)
    if tidies:
        tidy(store.conn, run, repository)
    return _result(store.conn, run, observed, status)


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Run the block without searches for cycles: collect makes nearly none, and each walks along all records."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            # All that is there counts as old: else the first search would walk along it at once.
            gc.freeze()
            gc.unfreeze()
            gc.enable()


def _none_in_flight(conn: sqlite3.Connection, run: Run) -> "errors.CollectNoWave":
    newest = waves.newest(conn, run.id)
    if newest is not None and newest.status is WaveStatus.COLLECTED:
        return errors.CollectedAlready(run_id=run.id, number=newest.number)
    return errors.CollectNoWave(run_id=run.id)


def _result(conn: sqlite3.Connection, run: Run, observed: Observed, status: WaveStatus) -> CollectResult:
    wave = observed.wave
    agents = tuple(
        AgentCollected(
            domain=taken.agent.domain,
            agent_run_id=taken.agent.id,
            status=taken.status,
            findings_count=taken.reported if taken.is_complete else 0,
            errors=(*taken.problems, *observed.refused_of(taken)),
            violations=tuple(violation.file for violation in taken.violations),
            divergence=taken.divergence,
            fixes=sum(claim.agent_run_id == taken.agent.id for claim in observed.fixes.claims),
            shared_edits=taken.shared_edits,
            ignored=taken.work.ignored if taken.work and wave.isolated else (),
        )
        for taken in observed.intakes
    )
    by_severity = open_by_severity(conn, run.id)
    complete = sum(agent.status == AgentRunStatus.COMPLETE for agent in agents)
    phase = f"{wave.phase}, a review" if wave.is_review else wave.phase
    if observed.is_degraded:
        stage_events.emit("ownership_probe_degraded", run_id=run.id, wave_id=wave.id)
    next_action = run_facts.next_action(conn, run.id)
    if wave.is_review and status is WaveStatus.FAILED:
        # `status` goes on with the wave that the gates judge: nothing has to wait for a review.
        next_action = f"swarm resume {run.id}"
    if status is WaveStatus.COLLECTED:
        next_action = f"swarm findings {run.id}" if wave.is_audit else f"swarm {_proof(wave)} {run.id}"
    return CollectResult(
        run_id=run.id,
        wave_id=wave.id,
        wave_number=wave.number,
        phase=wave.phase,
        wave_status=status,
        agents=agents,
        findings=FindingCounts(*observed.reconciled.counts),
        by_severity=by_severity,
        violations=observed.violations,
        ownership_probe_degraded=observed.is_degraded,
        fixes=observed.fixes.shown,
        skipped_fixes=observed.fixes.skipped,
        requests=observed.requests,
        summary=f"Wave {wave.number} ({phase}): {complete} of {len(agents)} agents complete; {_outcome(observed)}",
        next_action=next_action,
        notes=observed.notes,
        refused=observed.refused_count,
        refused_items=tuple(observed.refused_items[:MOST_KEPT]),
        review=wave.is_review,
        reviews=reviews_shown(conn, wave.id),
        unanswered=tuple(name for names in observed.reviews.unanswered.values() for name in names),
    )


def _outcome(observed: Observed) -> str:
    """Return how many verdicts a review, findings an audit, or fixes an amend wave has brought."""
    if observed.wave.is_review:
        return observed.reviews.summary
    if observed.wave.is_audit:
        counts = observed.reconciled.counts
        return f"{counts.new} new, {counts.recurring} recurring, {counts.fixed} fixed, {counts.unverified} unverified"
    touched = len({claim.path for taken in observed.intakes for claim in taken.claims if claim.observed})
    fixes = len(observed.fixes.claims)
    return (
        f"{fixes} {'fix' if fixes == 1 else 'fixes'} claimed, {len(observed.fixes.skipped)} skipped,"
        f" {touched} {'file' if touched == 1 else 'files'} changed"
    )


def _proof(wave: waves.Wave) -> str:
    return "merge" if wave.isolated else "verify"

"""What was closed, reopened or proved while a wave was being judged: it is newer than what the wave saw, and stays."""

import sqlite3
from collections import deque
from collections.abc import Mapping
from itertools import chain
from typing import Final

from swarm import errors
from swarm.rules.findings import Observation
from swarm.rules.phases import is_audit
from swarm.rules.states import WaveStatus
from swarm.store import (
    agent_runs,
    artifacts,
    digests,
    file_claims,
    finding_aliases,
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
from swarm.store.observations import SeenFurther
from swarm.store.runs import Run
from swarm.store.sqlite_errors import translated
from swarm.store.wave_documents import LeftOutFix, Violation, WaveResult
from swarm.waves.collect import outputs, settle_decisions
from swarm.waves.collect.fixes import dropped
from swarm.waves.collect.observe import Observed
from swarm.waves.collect.reconcile import Moved, Reconciled
from swarm.waves.launch import supervision


def brought_up(found: Reconciled, now: Mapping[int, str]) -> Reconciled:
    """Return what to write of a wave; `now` is what is observed of findings, by row, that were judged otherwise since.

    What was closed, or proved to be mended, stays fixed: that the wave saw it is counted, as of one before. What was
    reopened is seen from there. Where the wave was silent it says nothing. The counts stay: they are what it saw.
    """
    seen = {one.id: one for one in found.seen if one.id in now}
    fixed = [one for one in seen.values() if now[one.id] == Observation.FIXED]
    return found._replace(
        seen=[
            one._replace(regressions=0) if one.id in seen else one
            for one in found.seen
            if now.get(one.id) != Observation.FIXED
        ],
        further=[*found.further, *(SeenFurther(one.severity, one.sightings, one.last_wave, one.id) for one in fixed)],
        not_seen=[one for one in found.not_seen if one.id not in now],
        relocated=[one for one in found.relocated if one.id not in now],
        moved=[
            *(move for move in found.moved if move.row_id not in now),
            *(
                Moved(row, now[row], Observation.RECURRING, one.match_note)
                for row, one in seen.items()
                if now[row] not in {Observation.FIXED, Observation.RECURRING}
            ),
        ],
    )


MOST_KEPT: Final = 500


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
        violations=[Violation(*violation) for violation in observed.violations],
    )
    for taken in observed.intakes:
        agent = taken.agent
        if taken.body is not None:
            artifacts.record_output(conn, agent.id, taken.path, taken.body)
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
    finding_aliases.add(conn, run.id, wave.number, found.aliases)
    sightings.add_sightings(conn, digest.over(chain(fresh, found.sightings)))
    ledger.append_all(
        conn,
        (
            Entry(
                kind="finding_moved",
                subject=f"finding:{move.row_id}",
                run_id=run.id,
                wave_id=wave.id,
                from_state=move.before,
                to_state=move.after,
                reason=move.reason,
                payload=move.proof,
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
    result = WaveResult(
        **counts._asdict(),
        files=observed.files,
        unaudited=observed.unaudited,
        open_by_severity=open_by_severity(conn, wave.run_id),
        dropped=tuple(_dropped(observed)[:MOST_KEPT]),
        skipped_fixes=tuple(LeftOutFix(*skipped) for skipped in observed.fixes.skipped[:MOST_KEPT]),
    )
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

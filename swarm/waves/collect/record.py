"""Transaction of collect: evidence of agents, then findings or fixes, then the end of the wave."""

import sqlite3
from typing import Final

from swarm import errors
from swarm.documents import MOST_PROBLEMS
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import digests, fix_claims, leases, ledger, reviews, transitions, waves
from swarm.store.connection import Store
from swarm.store.findings import open_by_severity
from swarm.store.ledger import Entry
from swarm.store.wave_documents import LeftOutFix, WaveResult
from swarm.waves.collect.observed import Observed
from swarm.waves.collect.outputs import STORED_ERROR
from swarm.waves.collect.record_evidence import record_evidence
from swarm.waves.collect.record_findings import record_findings

MOST_KEPT: Final = 500


def commit(store: Store, observed: Observed, override: str | None = None) -> WaveStatus:
    """Write everything in one transaction; when the findings fail, the evidence is kept and the wave stays open.

    `override` is the reason for which blocked agents and their failed wave pass; then all is written or nothing.
    Raises CollectUpsertError, and StateConflict when the wave, an agent or a lease changed since it was observed.
    """
    failure: sqlite3.Error | None = None
    try:
        # In bulk: the rows of 100,000 findings would spill to the file and lock readers out.
        with store.mutation(bulk=True) as conn:
            record_evidence(conn, observed, override)
            if observed.accepted:
                _record_accepted(conn, observed, override)
            try:
                status = _record_work(conn, observed, override)
            except sqlite3.Error as error:
                # On a full disk SQLite has ended the transaction itself, and there is no room for the evidence.
                failure = error if conn.in_transaction and override is None else None
                raise
            # Last: the digest covers the rows as they are at COMMIT.
            digests.seal(conn, observed.wave.run_id, observed.wave.id)
    except (sqlite3.Error, errors.SwarmError) as error:
        if failure is None:
            raise
        raise _kept_alone(store, observed, failure) from error
    return status


def _record_work(conn: sqlite3.Connection, observed: Observed, override: str | None) -> WaveStatus:
    if observed.wave.is_review:
        _record_reviews(conn, observed)
    elif observed.wave.is_audit:
        record_findings(conn, observed)
    else:
        _record_fixes(conn, observed)
    return _end_wave(conn, observed, override)


def _kept_alone(store: Store, observed: Observed, failure: sqlite3.Error) -> "errors.CollectUpsertError":
    """Write the evidence without the findings, and return the error: agents took hours to write their outputs.

    In a transaction of its own: a savepoint in the first would copy each page that the findings change.
    """
    commit_evidence(store, observed, None)
    return errors.CollectUpsertError(
        number=observed.wave.number,
        wave_id=observed.wave.id,
        findings_attempted=observed.reconciled.attempted + len(observed.fixes.claims),
        problem=str(failure),
    )


def _record_accepted(conn: sqlite3.Connection, observed: Observed, reason: str | None) -> None:
    """Keep the sentinel as a person accepted it, and each change in the ledger with the reason."""
    wave = observed.wave
    waves.record_sentinel(conn, wave.id, wave.sentinel)
    files = [{"file": change.file, "detail": change.detail} for change in observed.accepted]
    # The changes themselves, since the new sentinel no longer shows what was accepted.
    payload: dict[str, object] = {"files": files}
    subject = f"wave:{wave.id}"
    ledger.append(conn, Entry("changes_accepted", subject, wave.run_id, wave.id, reason=reason, payload=payload))


def commit_evidence(store: Store, observed: Observed, override: str | None) -> None:
    """Write the evidence of some agents alone, and leave the findings to the collect of the wave in flight."""
    with store.mutation() as conn:
        record_evidence(conn, observed, override)
        digests.seal(conn, observed.wave.run_id, observed.wave.id)


def _record_fixes(conn: sqlite3.Connection, observed: Observed) -> None:
    wave, fixes = observed.wave, observed.fixes
    fix_claims.replace(conn, wave.id, fixes.claims)
    for asked in observed.requests:
        # The wave that asks is over, so the lease is requested for the next wave.
        leases.request(conn, wave.run_id, wave.number + 1, asked.domain, asked.file, asked.reason[:STORED_ERROR])
    payload: dict[str, object] = {
        "claimed": len(fixes.claims),
        "skipped": len(fixes.skipped),
        "requests": len(observed.requests),
        "digest": digests.fix_claims_digest(conn, wave.id),
    }
    ledger.append(conn, Entry("fixes_recorded", f"wave:{wave.id}", wave.run_id, wave.id, payload=payload))


def _record_reviews(conn: sqlite3.Connection, observed: Observed) -> None:
    """Write the verdicts beside the findings, whose state no verdict changes."""
    wave, judged = observed.wave, observed.reviews
    reviews.replace(conn, wave.id, judged.taken)
    payload: dict[str, object] = {
        "verdicts": len(judged.taken),
        "unanswered": sum(map(len, judged.unanswered.values())),
        "digest": digests.reviews_digest(conn, wave.id),
    }
    ledger.append(conn, Entry("reviews_recorded", f"wave:{wave.id}", wave.run_id, wave.id, payload=payload))


def _end_wave(conn: sqlite3.Connection, observed: Observed, override: str | None) -> WaveStatus:
    wave, failure = observed.wave, observed.failure
    target = WaveStatus.COLLECTED if failure is None else WaveStatus.FAILED
    result = WaveResult(
        **observed.reconciled.counts._asdict(),
        files=observed.files,
        unaudited=observed.unaudited,
        # Counted inside the transaction, after the findings of this wave are written.
        open_by_severity=open_by_severity(conn, wave.run_id),
        # A hostile output can declare a million fixes, and every `status` reads this row.
        dropped=tuple(observed.dropped[:MOST_KEPT]),
        skipped_fixes=tuple(LeftOutFix(*skipped) for skipped in observed.fixes.skipped[:MOST_KEPT]),
        refused=observed.refused_count,
        refused_items=tuple(observed.refused_items[:MOST_KEPT]),
        output_errors={
            taken.agent.domain: [problem.message for problem in taken.problems[:MOST_PROBLEMS]]
            for taken in observed.intakes
            if taken.status is AgentRunStatus.INVALID_OUTPUT
        },
    )
    waves.record_result(conn, wave.id, result)
    if override is None:
        transitions.move_wave(conn, wave, target, reason=failure)
    # An override only lets a wave pass that is whole now; an incomplete wave stays failed as it is.
    elif failure is None:
        transitions.move_wave(conn, wave, target, reason=override, override=True)
    return target

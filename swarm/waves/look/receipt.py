"""`receipt`: the record of a wave, the same bytes for the same state.

It holds no present time, no duration and no path of this machine, and every list has a fixed order.
"""

import sqlite3
from collections.abc import Iterable

from swarm.results.advance import GateShown, PromotionShown
from swarm.results.receipt import (
    ReceiptAgent,
    ReceiptClaim,
    ReceiptDomain,
    ReceiptFindings,
    ReceiptFix,
    ReceiptLease,
    ReceiptLedger,
    ReceiptMerge,
    ReceiptPromotion,
    ReceiptReview,
    ReceiptSkip,
    ReceiptStep,
    ReceiptVerification,
    ReceiptViolation,
    WaveReceipt,
)
from swarm.rules.findings import SEVERITIES
from swarm.rules.gates import Gate
from swarm.store import (
    agent_runs,
    artifacts,
    attempts,
    file_claims,
    fix_claims,
    leases,
    ledger,
    merges,
    promotions,
    reviews,
    sightings,
    snapshots,
    verifications,
    waves,
)
from swarm.store.reviews import Review
from swarm.store.runs import Run
from swarm.store.verifications import Verification
from swarm.store.wave_documents import WaveResult
from swarm.store.waves import Wave


def receipt(conn: sqlite3.Connection, run: Run, wave: Wave, promotion: ReceiptPromotion | None = None) -> WaveReceipt:
    """Return the receipt of a wave; `promotion` is a promotion that is not recorded yet."""
    kept = wave.result or WaveResult()
    return WaveReceipt(
        run_id=run.id,
        repo=run.repo,
        wave_number=wave.number,
        phase=wave.phase,
        status=wave.status,
        dispatched=wave.dispatched,
        ended=wave.ended,
        dispatch_sha=wave.dispatch_sha,
        isolated=wave.isolated,
        ownership_probe_degraded=wave.ownership_probe_degraded,
        # The frozen map and not the live map: the receipt says by which rules the wave was judged.
        snapshot_sha256=snapshots.digest_of(conn, wave.snapshot_id),
        map=tuple(ReceiptDomain(*domain) for domain in snapshots.map_of(conn, wave.snapshot_id)),
        runtime=wave.runtime,
        runtime_version=wave.runtime_version,
        runtime_config=wave.runtime_config,
        agents=_agents(conn, wave),
        # Without the detail, which names the place of lost work on this machine.
        violations=tuple(ReceiptViolation(*violation[:3]) for violation in wave.violations),
        leases=tuple(
            ReceiptLease(lease.domain, lease.file, lease.status, lease.request_reason, lease.reason)
            for lease in leases.of_run(conn, run.id, wave.number)
        ),
        findings=_findings(conn, wave, kept),
        dropped=kept.dropped,
        skipped_fixes=tuple(ReceiptSkip(*fix) for fix in kept.skipped_fixes),
        fixes=tuple(
            ReceiptFix(
                finding_id=fix.finding_id,
                domain=fix.domain,
                description=fix.description,
                file=fix.file,
                verified_via=fix.verified_via,
                evidence=fix.evidence,
                outcome=fix.outcome,
            )
            for fix in fix_claims.of_wave(conn, wave.id)
        ),
        merges=tuple(
            ReceiptMerge(
                made.ref,
                made.base,
                made.commit_sha,
                made.domains,
                made.dropped,
                made.verification_id,
            )
            for made in merges.merges_of(conn, wave.id)
        ),
        verifications=tuple(verification_shown(made) for made in verifications.verifications_of(conn, run.id, wave.id)),
        # While `advance` makes the receipt, its promotion has no row yet.
        promotion=promotion or _promotion(conn, wave),
        ledger=ReceiptLedger(*ledger.span_of(conn, run.id, wave.id)),
        review=wave.is_review,
        reviews=tuple(map(_review, reviews.of_wave(conn, wave.id))),
        advice=wave.advice.ids,
    )


def _review(review: Review) -> ReceiptReview:
    return ReceiptReview(
        finding_id=review.finding_id,
        domain=review.domain,
        reviewer=review.reviewer,
        independent=review.is_independent,
        verdict=review.verdict,
        file=review.file,
        line=review.line,
        quote=review.quote,
        reason=review.reason,
        same_cause=review.same_cause,
    )


def gates_shown(gates: Iterable[Gate]) -> tuple[GateShown, ...]:
    """Return the gates of a promotion as records of the document."""
    return tuple(GateShown(*gate) for gate in gates)


def promotions_shown(conn: sqlite3.Connection, run_id: str) -> tuple[PromotionShown, ...]:
    """Return the promotions of a run, oldest first."""
    return tuple(
        PromotionShown(
            id=made.id,
            wave_number=None if made.wave_id is None else waves.number_of(conn, made.wave_id),
            from_phase=made.from_phase,
            to_phase=made.to_phase,
            gates=gates_shown(made.gates),
            overrides=made.overridden,
            reason=made.reason,
            created=made.created,
        )
        for made in promotions.promotions_of(conn, run_id)
    )


def _agents(conn: sqlite3.Connection, wave: Wave) -> tuple[ReceiptAgent, ...]:
    launched = attempts.of_wave(conn, wave.id)
    named = sightings.tools_by_agent_run(conn, wave.id)
    outputs, touched = artifacts.output_digests(conn, wave.id), file_claims.file_claims_of(conn, wave.id)
    return tuple(
        ReceiptAgent(
            domain=agent.domain,
            agent_run_id=agent.id,
            status=agent.status,
            findings=agent.findings,
            prompt_sha256=agent.prompt_sha256,
            output_sha256=outputs.get(agent.id),
            claims=tuple(
                ReceiptClaim(claim.path, claim.kind, claim.owner, claim.observed, claim.reported, claim.violation)
                for claim in touched.get(agent.id, ())
            ),
            isolation=tuple(attempt.isolation for attempt in launched.get(agent.id, ())),
            tools=named.get(agent.id, ()),
        )
        for agent in agent_runs.current(conn, wave.id)
    )


def _findings(conn: sqlite3.Connection, wave: Wave, kept: WaveResult) -> ReceiptFindings:
    seen = sightings.seen_in(conn, wave.id)
    # From the ledger: later waves may have moved the findings, and the receipt must not change.
    fixed = tuple(ledger.fixed_in(conn, wave.run_id, wave.id))
    return ReceiptFindings(
        new=kept.new,
        recurring=kept.recurring,
        fixed=kept.fixed,
        unverified=kept.unverified,
        recurred_while_closed=kept.recurred_while_closed,
        # All severities in their order, zeros too: equal states must give equal bytes.
        by_severity={severity: seen.by_severity.get(severity, 0) for severity in SEVERITIES},
        sightings=seen.sightings,
        digest=seen.digest,
        fixed_ids=fixed,
    )


def verification_shown(made: Verification) -> ReceiptVerification:
    """Return a verification as a record of the document."""
    return ReceiptVerification(
        id=made.id,
        purpose=made.purpose,
        phase=made.phase,
        commit_sha=made.commit_sha,
        verdict=made.verdict,
        adapter=made.adapter,
        # Without times and logs, which differ from machine to machine.
        steps=tuple(ReceiptStep(step.name, step.passed, step.exit_code) for step in made.steps),
        test_count=made.test_count,
        offending=made.claims.offending if made.claims else None,
        threshold=made.threshold,
        exit_code=made.exit_code,
        accepted=made.accepted,
        reason=made.reason,
        isolation=made.isolation,
        isolation_reason=made.isolation_reason,
        policy=made.policy,
    )


def _promotion(conn: sqlite3.Connection, wave: Wave) -> ReceiptPromotion | None:
    made = next((step for step in promotions.promotions_of(conn, wave.run_id) if step.wave_id == wave.id), None)
    if made is None:
        return None
    return ReceiptPromotion(
        made.from_phase,
        made.to_phase,
        gates_shown(made.gates),
        made.overridden,
        made.reason,
    )

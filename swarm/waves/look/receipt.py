"""`receipt`: what the control plane holds of one wave, put together as one document that is the same each time.

It holds no present time, no duration and no path of this machine, and every list in it has an order of its own.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from swarm.results.advance import GateShown
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
    ReceiptSkip,
    ReceiptStep,
    ReceiptVerification,
    ReceiptViolation,
    WaveReceipt,
)
from swarm.rules.findings import SEVERITIES
from swarm.store import (
    agent_runs,
    domains,
    file_claims,
    fix_claims,
    leases,
    ledger,
    merges,
    promotions,
    sightings,
    verifications,
)
from swarm.store.runs import Run
from swarm.store.verifications import Verification
from swarm.store.waves import Wave
from swarm.waves.look.status import offending


def receipt(conn: sqlite3.Connection, run: Run, wave: Wave, promotion: ReceiptPromotion | None = None) -> WaveReceipt:
    """Return the receipt of a wave; `promotion` is the step that is being recorded, where it is not there yet."""
    sha256, frozen = domains.snapshot_of(conn, wave.snapshot_id)
    kept = json.loads(wave.result) if wave.result else {}
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
        snapshot_sha256=sha256,
        map=tuple(_domain(item) for item in json.loads(frozen)),
        runtime=wave.runtime,
        runtime_version=wave.runtime_version,
        runtime_config=wave.runtime_config,
        agents=_agents(conn, wave),
        violations=tuple(
            ReceiptViolation(item["file"], item["agent_domain"], item["actual_owner"])
            for item in json.loads(wave.violations)
        ),
        leases=tuple(
            ReceiptLease(lease.domain, lease.file, lease.status, lease.request_reason, lease.reason)
            for lease in leases.of_run(conn, run.id, wave.number)
        ),
        findings=_findings(conn, wave, kept),
        dropped=tuple(map(str, kept.get("dropped", ()))),
        skipped_fixes=tuple(
            ReceiptSkip(*(str(item.get(name, "")) for name in ReceiptSkip._fields))
            for item in kept.get("skippedFixes", ())
        ),
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
                tuple(json.loads(made.domains)),
                tuple(json.loads(made.dropped)),
                made.verification_id,
            )
            for made in merges.merges_of(conn, wave.id)
        ),
        verifications=tuple(_verification(made) for made in verifications.verifications_of(conn, run.id, wave.id)),
        promotion=promotion or _promotion(conn, wave),
        ledger=ReceiptLedger(*ledger.span_of(conn, run.id, wave.id)),
    )


def gates_shown(gates: Sequence[Any]) -> tuple[GateShown, ...]:
    """Return gates as they are shown, from what a promotion has kept of them."""
    return tuple(GateShown(gate["name"], gate["passed"], gate["overridable"], gate["reason"]) for gate in gates)


def _domain(item: Any) -> ReceiptDomain:
    return ReceiptDomain(item["name"], item["ownership"], tuple(item["globs"]), item["description"])


def _agents(conn: sqlite3.Connection, wave: Wave) -> tuple[ReceiptAgent, ...]:
    outputs, touched = agent_runs.outputs_of(conn, wave.id), file_claims.file_claims_of(conn, wave.id)
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
        )
        for agent in agent_runs.current(conn, wave.id)
    )


def _findings(conn: sqlite3.Connection, wave: Wave, kept: Any) -> ReceiptFindings:
    seen = sightings.seen_in(conn, wave.id)
    recorded = json.loads(seen.recorded) if seen.recorded else {}
    fixed = tuple(ledger.fixed_in(conn, wave.run_id, wave.id))
    return ReceiptFindings(
        new=kept.get("new", 0),
        recurring=kept.get("recurring", 0),
        fixed=kept.get("fixed", 0),
        unverified=kept.get("unverified", 0),
        recurred_while_closed=kept.get("recurred_while_closed", 0),
        by_severity={severity: seen.by_severity.get(severity, 0) for severity in SEVERITIES},
        sightings=recorded.get("sightings", 0),
        digest=recorded.get("digest"),
        fixed_ids=fixed,
    )


def _verification(made: Verification) -> ReceiptVerification:
    steps = (
        ReceiptStep(str(step.get("name", "")), bool(step.get("passed")), step.get("exit_code"))
        for step in json.loads(made.steps)
    )
    return ReceiptVerification(
        id=made.id,
        purpose=made.purpose,
        phase=made.phase,
        commit_sha=made.commit_sha,
        verdict=made.verdict,
        adapter=made.adapter,
        steps=tuple(steps),
        test_count=made.test_count,
        offending=offending(made.claims),
        threshold=made.threshold,
        exit_code=made.exit_code,
        accepted=made.accepted,
        reason=made.reason,
    )


def _promotion(conn: sqlite3.Connection, wave: Wave) -> ReceiptPromotion | None:
    made = next((step for step in promotions.promotions_of(conn, wave.run_id) if step.wave_id == wave.id), None)
    if made is None:
        return None
    return ReceiptPromotion(
        made.from_phase,
        made.to_phase,
        gates_shown(json.loads(made.gates)),
        tuple(json.loads(made.overridden)),
        made.reason,
    )

"""Record a verification: its row, its receipt in the database and as a file, and the state of its wave."""

import json
import sqlite3

from swarm.files import write_whole
from swarm.results.verify import VerifyResult
from swarm.rules.sandbox_policy import NO_ISOLATION
from swarm.rules.states import WaveStatus
from swarm.store import fix_claims, observations, receipts, transitions, verifications, waves
from swarm.store.connection import Store
from swarm.store.fix_claims import Proved
from swarm.store.runs import Run
from swarm.store.verifications import ClaimCounts, KeptStep, NewVerification
from swarm.workspace import Workspace


def record(
    store: Store, run: Run, result: VerifyResult, steps: tuple[KeptStep, ...], proved: list[Proved]
) -> VerifyResult:
    """Record a verification, and the fixes that it proves and that are still claimed; return it with its ids."""
    with store.mutation() as conn:
        proved = fix_claims.still_claimed(conn, run.id, proved)
        result = result._replace(fixed=_names(conn, run, proved))
        made = verifications.add_verification(conn, _row(result, steps))
        receipt = receipts.add_receipt(conn, run.id, result.wave_id, made.id, _receipt(result, made.id))
        observations.prove(conn, run.id, result.wave_id, proved)
        now = waves.newest_of_phase(conn, run.id)
        # The wave may have been advanced, and another dispatched, during the build.
        is_same = now is not None and now.id == result.wave_id
        if result.exit_code == 0 and is_same and now is not None and now.status is WaveStatus.COLLECTED:
            reason = f"verification {made.id} of {result.commit_sha[:12]}"
            transitions.move_wave(conn, now, WaveStatus.VERIFIED, reason=reason)
    return result._replace(verification_id=made.id, receipt_id=receipt.id)


def write_receipts(conn: sqlite3.Connection, workspace: Workspace, run: Run) -> None:
    """Write the receipts of verifications as files, also those of calls that were killed before they could."""
    for kept in receipts.receipts_of(conn, run.id):
        if kept.verification_id is None:
            continue
        file = workspace.receipt_file(run.id, kept.verification_id)
        if not file.exists():
            document = json.dumps(kept.document, ensure_ascii=False, indent=1, sort_keys=True)
            write_whole(file, document + "\n")


def _names(conn: sqlite3.Connection, run: Run, proved: list[Proved]) -> tuple[str, ...]:
    rows = {fix.finding for fix in proved}
    return tuple(sorted(claim.finding_id for claim in fix_claims.standing(conn, run.id) if claim.finding in rows))


def _row(result: VerifyResult, steps: tuple[KeptStep, ...]) -> NewVerification:
    isolation, why, policy = result.isolation or NO_ISOLATION
    return NewVerification(
        run_id=result.run_id,
        wave_id=result.wave_id,
        phase=result.phase,
        purpose="verify",
        commit_sha=result.commit_sha,
        verdict=result.verdict,
        adapter=result.adapter,
        steps=steps,
        test_count=result.test_count,
        claims=ClaimCounts(*result.claims.summary, offending=len(result.claims.offending)),
        threshold=result.threshold,
        exit_code=result.exit_code,
        accepted=result.accepted,
        reason=result.reason,
        isolation=isolation,
        isolation_reason=why,
        policy=policy,
    )


def _receipt(result: VerifyResult, verification_id: int) -> dict[str, object]:
    return {
        "kind": "verification",
        "verificationId": verification_id,
        "runId": result.run_id,
        "waveNumber": result.wave_number,
        "phase": result.phase,
        "commitSha": result.commit_sha,
        "verdict": result.verdict,
        "adapter": result.adapter,
        "testCount": result.test_count,
        "baseTestCount": result.base_test_count,
        "accepted": result.accepted,
        "reason": result.reason,
        "steps": [
            {
                "name": step.name,
                "kind": step.kind,
                "argv": list(step.argv),
                "status": step.status,
                "exitCode": step.exit_code,
            }
            for step in result.steps
        ],
        "claims": result.claims.summary._asdict(),
        "offending": [
            {"findingId": row.finding_id, "classification": row.classification, "evidence": row.evidence}
            for row in result.claims.offending
        ],
        "fixed": list(result.fixed),
        "threshold": result.threshold,
        "exitCode": result.exit_code,
        "isolation": None if result.isolation is None else result.isolation._asdict(),
    }

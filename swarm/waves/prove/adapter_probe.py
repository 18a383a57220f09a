"""Show the adapter that would prove a commit, without running or recording anything."""

import sqlite3

from swarm.results.verify import Claims, VerifyResult
from swarm.rules.build_verdicts import BuildVerdict
from swarm.store.waves import Wave
from swarm.waves.prove.build import Prover, planned_step
from swarm.waves.prove.check_findings import Question, check_findings


def probe(conn: sqlite3.Connection, prover: Prover, wave: Wave | None, commit: str, threshold: int) -> VerifyResult:
    """Return the adapter that would prove the checkout, its steps, the score of each adapter, and the second check."""
    from swarm.builds import registry

    root = prover.repository.root
    adapter = prover.chosen(root)
    check = check_findings(conn, prover, commit, Question.FIXED)
    steps = adapter.steps(root, root) if adapter else []
    return VerifyResult(
        run_id=prover.run.id,
        wave_id=wave.id if wave else None,
        wave_number=wave.number if wave else None,
        phase=prover.run.status,
        commit_sha=commit,
        verdict=BuildVerdict.SKIP.value,
        adapter=adapter.name if adapter else None,
        steps=tuple(planned_step(step) for step in steps),
        test_count=None,
        claims=Claims(check.summary, check.offending),
        threshold=threshold,
        threshold_exceeded=len(check.offending) > threshold,
        exit_code=int(adapter is None),
        fixed=(),
        verification_id=None,
        receipt_id=None,
        probes=registry.probe_all(root, prover.config.verify),
        note=None,
        next_action=f"swarm verify {prover.run.id}",
    )

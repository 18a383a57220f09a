"""Coverage, verifications, merges and leases of a run, for `report`."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from swarm.results.report import CoverageShown, LookShown, MergeShown, VerificationShown, WaveLease
from swarm.results.verify import StepShown
from swarm.rules.phases import is_audit
from swarm.rules.states import AgentRunStatus
from swarm.store import agent_runs, analyses
from swarm.store import leases as lease_table
from swarm.store import merges as merges_table
from swarm.store import verifications as proofs
from swarm.store.merges import Merge
from swarm.store.verifications import KeptStep, Verification
from swarm.store.waves import Wave


def coverage(conn: sqlite3.Connection, every: Sequence[Wave]) -> CoverageShown | None:
    """Return who looked at the newest commit that an audit of the run has looked at."""
    audits = (wave for wave in reversed(every) if is_audit(wave.phase) and not wave.is_review)
    wave = next((wave for wave in audits if wave.result is not None), None)
    if wave is None or wave.result is None:
        return None
    tools = [
        LookShown(
            who=" ".join(filter(None, (run.tool, run.version))),
            files=run.files,
            outcome="complete" if run.has_succeeded else run.outcome,
            is_complete=run.has_succeeded,
            problem=": ".join(filter(None, (run.error_code, run.error_fragment))) or None,
        )
        for run in analyses.newest(conn, wave.id).values()
    ]
    # Analyzers run once for all domains; their agent runs then only hold the findings of each domain.
    looks = tools or [
        LookShown(
            who=f"{agent.domain} ({wave.runtime or 'an agent'})",
            files=agent.files,
            outcome=agent.status,
            is_complete=agent.status is AgentRunStatus.COMPLETE,
            problem=agent.error,
        )
        for agent in agent_runs.current(conn, wave.id)
    ]
    return CoverageShown(
        wave=wave.number,
        phase=wave.phase,
        commit=wave.dispatch_sha,
        files=wave.result.files,
        unaudited=wave.result.unaudited,
        looks=tuple(looks),
    )


def verifications(conn: sqlite3.Connection, run_id: str, numbers: Mapping[int, int]) -> tuple[VerificationShown, ...]:
    """Return the verifications of a run."""
    return tuple(_verification(verification, numbers) for verification in proofs.verifications_of(conn, run_id))


def merges(conn: sqlite3.Connection, every: Iterable[Wave]) -> tuple[MergeShown, ...]:
    """Return the published merges of a run's waves."""
    return tuple(_merge(merge, wave.number) for wave in every for merge in merges_table.merges_of(conn, wave.id))


def leases(conn: sqlite3.Connection, run_id: str) -> tuple[WaveLease, ...]:
    """Return the leases of a run."""
    return tuple(
        WaveLease(lease.wave_number, lease.domain, lease.file, lease.status, lease.request_reason, lease.reason)
        for lease in lease_table.of_run(conn, run_id)
    )


def _verification(made: Verification, numbers: Mapping[int, int]) -> VerificationShown:
    claims = made.claims._asdict() if made.claims else {}
    counted = tuple((name, value) for name, value in claims.items() if isinstance(value, int))
    return VerificationShown(
        wave=None if made.wave_id is None else numbers.get(made.wave_id),
        purpose=made.purpose,
        verdict=made.verdict,
        passed=made.passed,
        phase=made.phase,
        commit=made.commit_sha,
        adapter=made.adapter,
        test_count=made.test_count,
        steps=tuple(map(_step, made.steps)),
        claims=counted,
        threshold=made.threshold,
        accepted=made.accepted,
        reason=made.reason,
        created=made.created,
    )


def _step(step: KeptStep) -> StepShown:
    return StepShown(*(getattr(step, name) for name in StepShown._fields if name in KeptStep._fields))


def _merge(merge: Merge, number: int) -> MergeShown:
    return MergeShown(
        wave=number,
        ref=merge.ref,
        base=merge.base,
        commit=merge.commit_sha,
        domains=merge.domains,
        dropped=merge.dropped,
        created=merge.created,
    )

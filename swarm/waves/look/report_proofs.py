"""Verifications, merges and leases of a run, for `report`."""

import sqlite3
from collections.abc import Iterable, Mapping

from swarm.results.report import MergeShown, VerificationShown, WaveLease
from swarm.results.verify import StepShown
from swarm.store import leases as lease_table
from swarm.store import merges as merges_table
from swarm.store import verifications as proofs
from swarm.store.merges import Merge
from swarm.store.verifications import KeptStep, Verification
from swarm.store.waves import Wave


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

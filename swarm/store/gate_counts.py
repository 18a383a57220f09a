"""Counts over several tables for the gates and the assessment, each answered by an index."""

import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # `status` imports that module only where a run has a verification.
    from swarm.store.verifications import Verification


def counts_by_lens(conn: sqlite3.Connection, run_id: str) -> dict[tuple[str, str, str], int]:
    """Return the number of findings of a run by (status, severity, lens)."""
    rows = conn.execute(
        # The index `findings_by_status` holds these columns, so no row of the table is read.
        "SELECT status, severity, lens, count(*) FROM findings WHERE run_id = ? GROUP BY status, severity, lens",
        (run_id,),
    )
    return {(status, severity, lens): count for status, severity, lens, count in rows}


def promoted_wave(conn: sqlite3.Connection, run_id: str) -> int:
    """Return the number of the last promoted wave of a run, 0 where no wave was promoted."""
    row = conn.execute(
        # A promotion out of `test` or `treatment` has no wave, and must not reset the number.
        "SELECT coalesce(max(number), 0) FROM promotions JOIN waves ON waves.id = wave_id WHERE promotions.run_id = ?",
        (run_id,),
    ).fetchone()
    return int(row[0])


def has_verifications(conn: sqlite3.Connection, run_id: str) -> bool:
    """Say whether a run has a verification by `verify`."""
    found = conn.execute("SELECT 1 FROM verifications WHERE run_id = ? AND purpose = 'verify' LIMIT 1", (run_id,))
    return found.fetchone() is not None


def is_outdated(conn: sqlite3.Connection, verification: "Verification", subject: str) -> bool:
    """Say whether a wave or a run (`wave:3`, `run:…`) has moved since a verification.

    A wave that was collected again, or merged as another commit, is no longer the wave that was verified; the same
    holds for a run that has left its phase and returned.
    """
    found = conn.execute(
        # By the ledger's order, not by time: a clock can go back.
        "SELECT 1 FROM events WHERE subject = ?1 AND seq > (SELECT min(seq) FROM events WHERE subject = ?2)"
        " AND (kind = 'run_moved' OR kind = 'wave_moved' AND to_state = 'collected'"
        " OR kind = 'merged' AND to_state <> ?3) LIMIT 1",
        (subject, f"verification:{verification.id}", verification.commit_sha),
    )
    return found.fetchone() is not None

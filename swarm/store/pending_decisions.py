"""Table `pending_decisions`: imported decisions whose finding does not exist yet."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple


class Pending(NamedTuple):
    """A decision that waits for a finding to be seen under a fingerprint."""

    fingerprint: str
    decision: str
    reason: str
    author: str
    expires: str | None


def keep(conn: sqlite3.Connection, run_id: str, decisions: Iterable[Pending]) -> None:
    """Record decisions for findings that may come; a newer decision of a fingerprint replaces the older."""
    conn.executemany(
        "INSERT INTO pending_decisions (run_id, fingerprint, decision, reason, author, expires)"
        # Importing the same file twice, or a corrected file, must not fail.
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, fingerprint) DO UPDATE SET decision = excluded.decision,"
        " reason = excluded.reason, author = excluded.author, expires = excluded.expires",
        ((run_id, *decision) for decision in decisions),
    )


def drop(conn: sqlite3.Connection, run_id: str, fingerprints: Iterable[str]) -> None:
    """Remove the decisions of some fingerprints."""
    conn.executemany(
        "DELETE FROM pending_decisions WHERE run_id = ? AND fingerprint = ?",
        ((run_id, fingerprint) for fingerprint in fingerprints),
    )


def drop_expired(conn: sqlite3.Connection, run_id: str, today: str) -> None:
    """Remove the decisions that expired before a day."""
    conn.execute("DELETE FROM pending_decisions WHERE run_id = ? AND expires < ?", (run_id, today))


def waiting(conn: sqlite3.Connection, run_id: str) -> list[Pending]:
    """Return the decisions that wait for a finding."""
    rows = conn.execute(
        "SELECT fingerprint, decision, reason, author, expires FROM pending_decisions WHERE run_id = ?"
        " ORDER BY fingerprint",
        (run_id,),
    )
    return list(map(Pending._make, rows))

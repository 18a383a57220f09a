"""What a rewind takes back in the table `findings`: what was seen and mended in history that is gone."""

import sqlite3
from collections.abc import Collection

from swarm.store.ledger import Entry, append_all


def unverify(conn: sqlite3.Connection, run_id: str, aborted: Collection[int], reason: str) -> int:
    """Make the open findings of a run unverified, and those that waves of these numbers found fixed.

    A decision stays what it is. Returns how many findings are no longer what they were.
    """
    rows = conn.execute(
        "SELECT id, observation, fixed_wave FROM findings WHERE run_id = ?"
        " AND status IN ('new', 'recurring', 'approved', 'fixed') ORDER BY id",
        (run_id,),
    )
    due = [
        (row_id, before)
        for row_id, before, fixed_wave in rows
        if (fixed_wave in aborted if before == "fixed" else before != "unverified")
    ]
    conn.executemany(
        "UPDATE findings SET observation = 'unverified', observation_reason = ?, evidence = NULL,"
        " evidence_note = NULL, verified_how = NULL, fixed_wave = NULL, fixed_commit = NULL WHERE id = ?",
        ((reason, row_id) for row_id, _ in due),
    )
    append_all(
        conn,
        (
            Entry("finding_moved", f"finding:{row_id}", run_id, None, before, "unverified", reason)
            for row_id, before in due
        ),
    )
    return len(due)


def unverified_by(conn: sqlite3.Connection, run_id: str, aborted: Collection[int]) -> int:
    """Return how many findings `unverify` would move."""
    rows = conn.execute(
        "SELECT observation, fixed_wave FROM findings WHERE run_id = ?"
        " AND status IN ('new', 'recurring', 'approved', 'fixed')",
        (run_id,),
    )
    return sum(wave in aborted if before == "fixed" else before != "unverified" for before, wave in rows)

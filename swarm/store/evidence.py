"""What a receipt holds of one wave, read over the tables that a wave fills."""

import sqlite3
from typing import Any, NamedTuple

from swarm.store.agent_runs import Claim


class Seen(NamedTuple):
    """What a wave saw, counted: sightings, the findings of each severity, and the digest that the ledger holds."""

    by_severity: dict[str, int]
    recorded: str | None


class Span(NamedTuple):
    """The events of a wave: how many, the first and the last, and the last one's hash."""

    events: int
    first: int | None
    last: int | None
    hash: str | None


def snapshot_of(conn: sqlite3.Connection, snapshot_id: int) -> tuple[str, str]:
    """Return the digest of a snapshot and its map, which is JSON."""
    row = conn.execute("SELECT sha256, map FROM snapshots WHERE id = ?", (snapshot_id,)).fetchone()
    return str(row[0]), str(row[1])


def outputs_of(conn: sqlite3.Connection, wave_id: int) -> dict[int, str]:
    """Return the digest of the output of each agent run of a wave that gave one."""
    rows = conn.execute(
        "SELECT agent_run_id, sha256 FROM agent_runs CROSS JOIN artifacts ON agent_run_id = agent_runs.id"
        " WHERE wave_id = ? AND kind = 'output' ORDER BY agent_run_id",
        (wave_id,),
    )
    return dict(rows.fetchall())


def file_claims_of(conn: sqlite3.Connection, wave_id: int) -> dict[int, list[Claim]]:
    """Return the files that each agent run of a wave touched, by path."""
    found: dict[int, list[Claim]] = {}
    rows = conn.execute(
        "SELECT agent_run_id, path, kind, observed, reported, owner, violation FROM agent_runs"
        " CROSS JOIN file_claims ON agent_run_id = agent_runs.id WHERE wave_id = ? ORDER BY agent_run_id, path",
        (wave_id,),
    )
    for agent_run_id, path, kind, observed, reported, owner, violation in rows:
        claim = Claim(path, kind, bool(observed), bool(reported), owner, bool(violation))
        found.setdefault(agent_run_id, []).append(claim)
    return found


def seen_in(conn: sqlite3.Connection, wave_id: int) -> Seen:
    """Return what a wave saw. It stays what it was: later waves write sightings of their own."""
    rows = conn.execute(
        "SELECT severity, count(DISTINCT finding) FROM sightings WHERE wave_id = ? GROUP BY severity", (wave_id,)
    )
    by_severity = dict(rows.fetchall())
    row = conn.execute(
        "SELECT payload FROM events WHERE subject = ? AND kind = 'findings_recorded' ORDER BY seq DESC LIMIT 1",
        (f"wave:{wave_id}",),
    ).fetchone()
    return Seen(by_severity, row and row[0])


def fixed_in(conn: sqlite3.Connection, run_id: str, wave_id: int) -> list[str]:
    """Return the ids of the findings that were seen fixed in a wave, as the ledger has it; they may be back since."""
    rows = conn.execute(
        "SELECT DISTINCT finding_id FROM events"
        " CROSS JOIN findings ON findings.id = CAST(substr(subject, length('finding:') + 1) AS INTEGER)"
        " WHERE events.run_id = ?1 AND events.wave_id = ?2 AND subject GLOB 'finding:*' AND to_state = 'fixed'"
        " ORDER BY finding_id",
        (run_id, wave_id),
    )
    return [row[0] for row in rows]


def span_of(conn: sqlite3.Connection, run_id: str, wave_id: int) -> Span:
    """Return where a wave stands in the ledger. That receipts were made of it is no part of what they tell."""
    row: Any = conn.execute(
        "SELECT count(*), min(seq), max(seq) FROM events WHERE run_id = ? AND wave_id = ?"
        " AND kind NOT IN ('receipt_made', 'promoted')",
        (run_id, wave_id),
    ).fetchone()
    last = conn.execute("SELECT hash FROM events WHERE seq = ?", (row[2],)).fetchone()
    return Span(row[0], row[1], row[2], last and last[0])

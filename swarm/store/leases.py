"""Table `leases`: a file for a domain in a wave, requested, granted or denied."""

import sqlite3
from typing import Final, NamedTuple

from swarm.clock import now
from swarm.store.ledger import Entry, append

_COLUMNS: Final = "id, run_id, wave_number, domain, file, status, request_reason, reason, created, decided"


class Lease(NamedTuple):
    """A file of another domain that a domain's agent may edit in a wave, or requests to edit."""

    id: int
    run_id: str
    wave_number: int
    domain: str
    file: str
    status: str
    request_reason: str | None
    reason: str | None
    created: str
    decided: str | None


def of_run(conn: sqlite3.Connection, run_id: str, wave_number: int | None = None) -> list[Lease]:
    """Return the leases of a run, or of a wave of the run, oldest first."""
    where, values = ("run_id = ?", [run_id]) if wave_number is None else _of_wave(run_id, wave_number)
    rows = conn.execute(f"SELECT {_COLUMNS} FROM leases WHERE {where} ORDER BY id", values)  # noqa: S608
    return list(map(Lease._make, rows))


def granted(conn: sqlite3.Connection, run_id: str, wave_number: int) -> dict[str, set[str]]:
    """Return, by domain, the files that are leased to the domain for a wave."""
    found: dict[str, set[str]] = {}
    for lease in of_run(conn, run_id, wave_number):
        if lease.status == "granted":
            found.setdefault(lease.domain, set()).add(lease.file)
    return found


def holding(conn: sqlite3.Connection, run_id: str, wave_number: int) -> dict[str, set[str]]:
    """Return, by domain, the files that a domain's agent may edit in a wave.

    Leases for the next wave count too while that wave does not exist: they were granted after this wave failed.
    """
    found = granted(conn, run_id, wave_number)
    # After a failed wave `lease grant` is for the next number, and `resume` takes up the failed wave.
    for domain, files in granted(conn, run_id, wave_number + 1).items():
        found.setdefault(domain, set()).update(files)
    return found


def request(conn: sqlite3.Connection, run_id: str, wave_number: int, domain: str, file: str, reason: str) -> bool:
    """Record that an agent would need a file; say whether the request is new. An earlier answer stays."""
    row = conn.execute(
        "INSERT INTO leases (run_id, wave_number, domain, file, status, request_reason, created)"
        # A coordinator may have granted or denied the file before the agent asked; that decision stays.
        " VALUES (?, ?, ?, ?, 'requested', ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (run_id, wave_number, domain, file, reason, now()),
    ).fetchone()
    if row is None:
        return False
    payload: dict[str, object] = {"domain": domain, "file": file, "wave": wave_number}
    append(
        conn,
        Entry(
            kind="lease_requested",
            subject=f"lease:{row[0]}",
            run_id=run_id,
            wave_id=None,
            from_state=None,
            to_state="requested",
            reason=reason,
            payload=payload,
        ),
    )
    return True


def decide(
    conn: sqlite3.Connection, run_id: str, wave_number: int, domain: str, file: str, status: str, reason: str
) -> Lease:
    """Grant or deny a lease, requested or not; return the lease."""
    # The upsert returns the new row alone, and the event needs the previous state.
    before = conn.execute(
        "SELECT status FROM leases WHERE run_id = ? AND wave_number = ? AND domain = ? AND file = ?",
        (run_id, wave_number, domain, file),
    ).fetchone()
    moment = now()
    row = conn.execute(
        "INSERT INTO leases (run_id, wave_number, domain, file, status, reason, created, decided)"  # noqa: S608
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) ON CONFLICT (run_id, wave_number, domain, file)"
        f" DO UPDATE SET status = ?5, reason = ?6, decided = ?7 RETURNING {_COLUMNS}",
        (run_id, wave_number, domain, file, status, reason, moment),
    ).fetchone()
    lease = Lease._make(row)
    payload: dict[str, object] = {"domain": domain, "file": file, "wave": wave_number}
    previous = before[0] if before else None
    append(
        conn,
        Entry(
            kind="lease_decided",
            subject=f"lease:{lease.id}",
            run_id=run_id,
            wave_id=None,
            from_state=previous,
            to_state=status,
            reason=reason,
            payload=payload,
        ),
    )
    return lease


def _of_wave(run_id: str, wave_number: int) -> tuple[str, list[object]]:
    return "run_id = ? AND wave_number = ?", [run_id, wave_number]

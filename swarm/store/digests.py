"""What `collect` found out of agents and keeps in tables without an event for each row: one digest stands for it."""

import hashlib
import json
import sqlite3
from typing import Final

from swarm.store.ledger import Entry, append

_KEPT: Final = (
    "SELECT ownership_probe_degraded, violations, result FROM waves WHERE id = ?1",
    # Of one that is dispatched again, nothing is kept until it is collected.
    (
        "SELECT id, analyzer, analysis, findings, work FROM agent_runs"
        " WHERE wave_id = ?1 AND (findings IS NOT NULL OR work IS NOT NULL) ORDER BY id"
    ),
    (
        "SELECT agent_run_id, kind, path, sha256, bytes FROM agent_runs"
        " CROSS JOIN artifacts ON agent_run_id = agent_runs.id WHERE wave_id = ?1 ORDER BY agent_run_id, kind"
    ),
    (
        "SELECT agent_run_id, path, kind, observed, reported, owner, violation FROM agent_runs"
        " CROSS JOIN file_claims ON agent_run_id = agent_runs.id WHERE wave_id = ?1 ORDER BY agent_run_id, path"
    ),
)


def seal(conn: sqlite3.Connection, run_id: str, wave_id: int) -> None:
    """Write the digest over a wave's evidence into the ledger, at the end of a transaction that changed it."""
    payload: dict[str, object] = {"digest": digest(conn, wave_id)}
    append(conn, Entry("evidence_recorded", f"wave:{wave_id}", run_id, wave_id, payload=payload))


def digest(conn: sqlite3.Connection, wave_id: int) -> str:
    """Return the SHA-256 over one line of compact JSON a row of a wave's evidence, and an empty one a table."""
    whole = hashlib.sha256()
    for statement in _KEPT:
        for row in conn.execute(statement, (wave_id,)):
            whole.update(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        whole.update(b"\n")
    return whole.hexdigest()

"""Table `artifacts`: the output of each agent run, as collect read it."""

import sqlite3
from typing import NamedTuple

from swarm.clock import now


class Body(NamedTuple):
    """Bytes of an output as they are kept: compressed, with the digest and the length of the original."""

    sha256: str
    length: int
    compressed: bytes


def body_of(output: bytes) -> Body:
    """Return the body that is kept of an output."""
    # Imported here: only collect stores outputs, and other verbs that read this table start faster.
    import hashlib
    import zlib

    # Level 1: outputs can have 50 MiB, and collect waits for the compression.
    return Body(hashlib.sha256(output).hexdigest(), len(output), zlib.compress(output, 1))


def record_output(conn: sqlite3.Connection, agent_run_id: int, path: str, body: Body) -> None:
    """Keep an output as it was read; a later output of the same agent run replaces it."""
    conn.execute(
        "INSERT INTO artifacts (agent_run_id, kind, path, sha256, bytes, body, created)"
        # A failed wave can be collected again, so an output of the agent run can be there already.
        " VALUES (?, 'output', ?, ?, ?, ?, ?) ON CONFLICT (agent_run_id, kind) DO UPDATE SET path = excluded.path,"
        " sha256 = excluded.sha256, bytes = excluded.bytes, body = excluded.body, created = excluded.created",
        (agent_run_id, path, *body, now()),
    )


def recorded_output(conn: sqlite3.Connection, agent_run_id: int) -> tuple[str, bytes] | None:
    """Return the path and the bytes of the output of an agent run, `None` where collect has read none."""
    row = conn.execute(
        "SELECT path, body FROM artifacts WHERE agent_run_id = ? AND kind = 'output'", (agent_run_id,)
    ).fetchone()
    if row is None:
        return None
    import zlib

    return row[0], zlib.decompress(row[1])


def output_digests(conn: sqlite3.Connection, wave_id: int) -> dict[int, str]:
    """Return the digest of each output of a wave, by agent run."""
    # CROSS JOIN keeps SQLite from reading `artifacts` first, which holds the bodies of all waves.
    rows = conn.execute(
        "SELECT agent_run_id, sha256 FROM agent_runs CROSS JOIN artifacts ON agent_run_id = agent_runs.id"
        " WHERE wave_id = ? AND kind = 'output' ORDER BY agent_run_id",
        (wave_id,),
    )
    return dict(rows.fetchall())

"""What an earlier collect of a wave recorded of its findings: a wave that failed is collected again in its rest."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from swarm.store.findings import Sighting

_COLUMNS: Final = ", ".join(Sighting._fields)


class Earlier(NamedTuple):
    """The agent runs whose reports are recorded, the findings that they saw, and those that the wave found fixed.

    Findings are rows of `findings`; `sighted` holds the wave that saw each first.
    """

    counted: frozenset[int] = frozenset()
    sighted: Mapping[int, int] = {}
    fixed: frozenset[int] = frozenset()


class SeenFurther(NamedTuple):
    """What further reports change of a finding that is observed already: by this wave, or by somebody since."""

    severity: str
    sightings: int
    last_wave: int
    id: int


def earlier(conn: sqlite3.Connection, run_id: str, wave_id: int, number: int) -> Earlier:
    """Return what was recorded of a wave's findings up to now; nothing before its first collect."""
    (recorded,) = conn.execute(
        "SELECT max(seq) FROM events WHERE subject = ? AND kind = 'findings_recorded'", (f"wave:{wave_id}",)
    ).fetchone()
    if recorded is None:
        return Earlier()
    # Of an agent that was complete when the findings failed to be written, nothing is recorded yet.
    counted = conn.execute(
        "SELECT id FROM agent_runs WHERE wave_id = ? AND EXISTS (SELECT 1 FROM events"
        " WHERE subject = 'agent_run:' || agent_runs.id AND to_state = 'complete' AND seq < ?)",
        (wave_id, recorded),
    )
    sighted = conn.execute(
        "SELECT DISTINCT findings.id, first_wave FROM sightings JOIN findings ON findings.id = finding"
        " WHERE wave_id = ?",
        (wave_id,),
    )
    fixed = conn.execute(
        "SELECT id FROM findings WHERE run_id = ? AND status = 'fixed' AND fixed_wave = ?", (run_id, number)
    )
    return Earlier(frozenset(row for (row,) in counted), dict(sighted.fetchall()), frozenset(row for (row,) in fixed))


def sightings_in(conn: sqlite3.Connection, wave_id: int) -> Iterator[Sighting]:
    """Return the sightings of a wave in the order in which they were recorded."""
    cursor = conn.execute(f"SELECT {_COLUMNS} FROM sightings WHERE wave_id = ? ORDER BY id", (wave_id,))  # noqa: S608
    return map(Sighting._make, cursor)


def record_further(conn: sqlite3.Connection, findings: Iterable[SeenFurther]) -> None:
    """Count further reports of findings; what is observed of them stays."""
    conn.executemany(
        "UPDATE findings SET severity = ?, sightings = sightings + ?, last_wave = ? WHERE id = ?", findings
    )


def observed_since(conn: sqlite3.Connection, run_id: str, seq: int) -> dict[int, str]:
    """Return what is observed now of the findings of a run, by row, that were moved behind a cursor of the ledger."""
    rows = conn.execute(
        "SELECT id, observation FROM findings WHERE id IN (SELECT CAST(substr(subject, 9) AS INTEGER) FROM events"
        " WHERE run_id = ? AND seq > ? AND (kind = 'finding_moved' OR kind = 'finding_decided'"
        # A finding that is closed or reopened is decided and moved by one event.
        " AND json_extract(payload, '$.evidence') IS NOT NULL))",
        (run_id, seq),
    )
    return dict(rows.fetchall())


def completed_hash(conn: sqlite3.Connection, wave_id: int) -> str:
    """Return the SHA-256 over the completed agent runs of a wave: their rows, their evidence and their events."""
    whole = hashlib.sha256()
    done = "SELECT id FROM agent_runs WHERE wave_id = ?1 AND status = 'complete'"
    evidence = "id, agent_run_id, kind, path, sha256, bytes, created"
    for statement in (
        "SELECT * FROM agent_runs WHERE wave_id = ?1 AND status = 'complete' ORDER BY id",
        f"SELECT {evidence} FROM artifacts WHERE agent_run_id IN ({done}) ORDER BY id",  # noqa: S608
        f"SELECT * FROM file_claims WHERE agent_run_id IN ({done}) ORDER BY id",  # noqa: S608
        f"SELECT * FROM fix_claims WHERE agent_run_id IN ({done}) ORDER BY id",  # noqa: S608
        f"SELECT seq, hash FROM events WHERE subject IN (SELECT 'agent_run:' || id FROM ({done})) ORDER BY seq",  # noqa: S608
    ):
        for row in conn.execute(statement, (wave_id,)):
            whole.update(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        whole.update(b"\n")
    return whole.hexdigest()

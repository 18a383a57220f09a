"""Table `file_claims`: the files that an agent run touched, and its violations."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from swarm.store.wave_documents import violations_from


class FileClaim(NamedTuple):
    """A file that an agent run touched: as git shows it, as the agent says, or both."""

    path: str
    kind: str
    observed: bool
    reported: bool
    owner: str | None
    violation: bool


def replace_claims(conn: sqlite3.Connection, agent_run_id: int, claims: Iterable[FileClaim]) -> None:
    """Record the files that an agent run touched, in place of those of an earlier collect."""
    # A wave that failed is collected again, and the files of the earlier look may no longer be touched.
    conn.execute("DELETE FROM file_claims WHERE agent_run_id = ?", (agent_run_id,))
    conn.executemany(
        "INSERT INTO file_claims (agent_run_id, path, kind, observed, reported, owner, violation)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((agent_run_id, *claim) for claim in claims),
    )


def claimed_files(conn: sqlite3.Connection, wave_id: int) -> dict[int, list[str]]:
    """Return, by agent run of a wave, the files that the run touched as git shows."""
    found: dict[int, list[str]] = {}
    rows = conn.execute(
        "SELECT agent_run_id, path FROM file_claims JOIN agent_runs ON agent_runs.id = agent_run_id"
        " WHERE wave_id = ? AND observed ORDER BY file_claims.id",
        (wave_id,),
    )
    for agent_run_id, path in rows:
        found.setdefault(agent_run_id, []).append(path)
    return found


def file_claims_of(conn: sqlite3.Connection, wave_id: int) -> dict[int, list[FileClaim]]:
    """Return the files that each agent run of a wave touched, by path."""
    found: dict[int, list[FileClaim]] = {}
    rows = conn.execute(
        "SELECT agent_run_id, path, kind, observed, reported, owner, violation FROM agent_runs"
        " CROSS JOIN file_claims ON agent_run_id = agent_runs.id WHERE wave_id = ? ORDER BY agent_run_id, path",
        (wave_id,),
    )
    for agent_run_id, path, kind, observed, reported, owner, violation in rows:
        claim = FileClaim(path, kind, bool(observed), bool(reported), owner, bool(violation))
        found.setdefault(agent_run_id, []).append(claim)
    return found


def violations_after(conn: sqlite3.Connection, run_id: str, number: int, whole_wave: str) -> int:
    """Return the number of violations in the waves of a run after a wave.

    Violations of current agent runs count, and violations whose agent is unknown, which the wave holds under the name
    `whole_wave`. Waves that a rewind aborted do not count, and reviews do not: no work of a reviewer is ever merged.
    """
    row = conn.execute(
        # CROSS JOIN keeps the order waves, agent runs, claims: each step has an index, and other runs are never read.
        "SELECT count(*) FROM waves CROSS JOIN agent_runs ON wave_id = waves.id"
        " CROSS JOIN file_claims ON agent_run_id = agent_runs.id"
        # A violation of a replaced agent run no longer counts: its work is not merged.
        " WHERE run_id = ? AND number > ? AND NOT review AND waves.status <> 'aborted_for_rewind' AND violation"
        " AND NOT EXISTS"
        " (SELECT 1 FROM agent_runs later WHERE later.wave_id = agent_runs.wave_id"
        " AND later.domain = agent_runs.domain AND later.id > agent_runs.id)",
        (run_id, number),
    ).fetchone()
    kept = conn.execute(
        "SELECT violations FROM waves"
        " WHERE run_id = ? AND number > ? AND NOT review AND status <> 'aborted_for_rewind' AND violations <> '[]'",
        (run_id, number),
    )
    unattributed = sum(
        # Other violations of the document are in `file_claims` already, and would count twice.
        violation.agent_domain == whole_wave
        for (document,) in kept
        for violation in violations_from(document)
    )
    return int(row[0]) + unattributed


def has_changes(conn: sqlite3.Connection, wave_id: int) -> bool:
    """Say whether a current agent run of a wave touched a file, as git shows."""
    found = conn.execute(
        "SELECT 1 FROM (SELECT max(id) AS id FROM agent_runs WHERE wave_id = ? GROUP BY domain) AS newest"
        " CROSS JOIN file_claims ON agent_run_id = newest.id WHERE observed LIMIT 1",
        (wave_id,),
    )
    return found.fetchone() is not None

"""Table `assignments`: the findings that each amend agent was given to fix."""

import sqlite3
from collections.abc import Iterable


def assign(conn: sqlite3.Connection, agent_run_id: int, findings: Iterable[int]) -> None:
    """Record the findings (rows) that an agent run shall fix."""
    conn.executemany(
        "INSERT INTO assignments (agent_run_id, finding) VALUES (?, ?)",
        ((agent_run_id, finding) for finding in findings),
    )


def assigned(conn: sqlite3.Connection, wave_id: int) -> dict[int, list[int]]:
    """Return, by agent run of a wave, the findings (rows) that the agent shall fix."""
    found: dict[int, list[int]] = {}
    rows = conn.execute(
        "SELECT agent_run_id, finding FROM assignments JOIN agent_runs ON agent_runs.id = agent_run_id"
        " WHERE wave_id = ? ORDER BY agent_run_id, finding",
        (wave_id,),
    )
    for agent_run_id, finding in rows:
        found.setdefault(agent_run_id, []).append(finding)
    return found

"""Table `findings`: names that filters and completion take, read without the findings themselves."""

import sqlite3


def headlines(conn: sqlite3.Connection, run_id: str, prefix: str, limit: int) -> list[tuple[str, str, str | None, str]]:
    """Return id, severity, file and description of the findings whose id begins so, in order and at most `limit`."""
    return conn.execute(
        "SELECT finding_id, severity, file, substr(description, 1, 60) FROM findings"
        " WHERE run_id = ? AND finding_id >= ? AND finding_id < ? ORDER BY finding_id LIMIT ?",
        (run_id, prefix, f"{prefix}g", limit),
    ).fetchall()


def domains_of(conn: sqlite3.Connection, run_id: str) -> list[str]:
    """Return the domains of a run's findings, also those that its map has no more."""
    return [name for (name,) in conn.execute("SELECT DISTINCT domain FROM findings WHERE run_id = ?", (run_id,))]


def rules_of(conn: sqlite3.Connection, run_id: str) -> list[str]:
    """Return the rules and categories of a run's findings, in order."""
    where = "SELECT DISTINCT coalesce(rule_id, category) AS rule FROM findings WHERE run_id = ? ORDER BY rule"
    return [rule for (rule,) in conn.execute(where, (run_id,))]

"""Table `findings`: names that filters, completion and lists of fixed findings need, read without the rest of a row."""

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


def tools_of_unfixed(conn: sqlite3.Connection, run_id: str) -> set[str]:
    """Return the names of the analyzers that have a finding in a run that is not fixed."""
    where = "SELECT DISTINCT analyzer FROM findings WHERE run_id = ? AND analyzer <> '' AND status <> 'fixed'"
    return {name.partition(" ")[0] for (name,) in conn.execute(where, (run_id,))}


def rules_of(conn: sqlite3.Connection, run_id: str) -> list[str]:
    """Return the rules and categories of a run's findings, in order."""
    where = "SELECT DISTINCT coalesce(rule_id, category) AS rule FROM findings WHERE run_id = ? ORDER BY rule"
    return [rule for (rule,) in conn.execute(where, (run_id,))]


def fixed_in_wave(conn: sqlite3.Connection, run_id: str, wave: int) -> set[str]:
    """Return the ids of the findings that a wave found fixed."""
    rows = conn.execute(
        "SELECT finding_id FROM findings WHERE run_id = ? AND status = 'fixed' AND fixed_wave = ?",
        (run_id, wave),
    )
    return {row[0] for row in rows}

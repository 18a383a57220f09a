"""Table `findings`: ids, domains, tools and rules of findings, read without the rest of a row."""

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple


def headlines(conn: sqlite3.Connection, run_id: str, prefix: str, limit: int) -> list[tuple[str, str, str | None, str]]:
    """Return id, severity, file and description of the findings whose id begins so, in order and at most `limit`."""
    return conn.execute(
        "SELECT finding_id, severity, file, substr(description, 1, 60) FROM findings"
        " WHERE +run_id = ? AND finding_id >= ? AND finding_id < ? ORDER BY finding_id LIMIT ?",
        (run_id, prefix, f"{prefix}g", limit),
    ).fetchall()


def domains_of(conn: sqlite3.Connection, run_id: str) -> list[str]:
    """Return the domains of a run's findings, also those that its map has no more."""
    return [name for (name,) in conn.execute("SELECT DISTINCT domain FROM findings WHERE run_id = ?", (run_id,))]


def tools_of_unfixed(conn: sqlite3.Connection, run_id: str) -> set[str]:
    """Return the names of the analyzers that have a finding in a run that is not fixed."""
    where = "SELECT DISTINCT analyzer FROM findings WHERE run_id = ? AND analyzer <> '' AND status <> 'fixed'"
    return {name.partition(" ")[0] for (name,) in conn.execute(where, (run_id,))}


def anchors_among(conn: sqlite3.Connection, commits: Iterable[str]) -> set[str]:
    """Return those commits from which a finding of any run is followed."""
    where = "SELECT DISTINCT anchor_commit FROM findings WHERE anchor_commit IN (SELECT value FROM json_each(?))"
    return {commit for (commit,) in conn.execute(where, (json.dumps(list(commits)),))}


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


def fixed_by_wave(conn: sqlite3.Connection, run_id: str) -> dict[int, set[int]]:
    """Return the rows of the findings that are fixed, by the number of the wave that found them fixed."""
    found: dict[int, set[int]] = {}
    for number, row in conn.execute(
        "SELECT fixed_wave, id FROM findings WHERE run_id = ? AND status = 'fixed' AND fixed_wave IS NOT NULL",
        (run_id,),
    ):
        found.setdefault(number, set()).add(row)
    return found


def ids_beginning(conn: sqlite3.Connection, run_id: str, prefix: str, limit: int) -> list[str]:
    """Return an id alone, else the ids that begin so, in order and at most `limit`, found by the index.

    `prefix` is `F-` and hex digits in small letters.
    """
    # An id can be the beginning of a longer id, and then the exact id wins.
    exact = conn.execute("SELECT finding_id FROM findings WHERE run_id = ? AND finding_id = ?", (run_id, prefix))
    # A range instead of LIKE: SQLite uses no index for LIKE on a column that compares case. `g` follows the last digit.
    # With `+` the run is no reason for SQLite to choose an index that has only the run.
    where = "+run_id = ? AND finding_id > ? AND finding_id < ? ORDER BY finding_id LIMIT ?"
    return [name for (name,) in exact] or [
        name
        for (name,) in conn.execute(
            f"SELECT finding_id FROM findings WHERE {where}",  # noqa: S608
            (run_id, prefix, f"{prefix}g", limit),
        )
    ]


def came_back_since(conn: sqlite3.Connection, run_id: str, seq: int) -> frozenset[str]:
    """Return the ids of findings that were fixed, or closed by a decision that ended, and opened after an event.

    A finding that a person reopened did not come back: the person knew of it.
    """
    rows = conn.execute(
        "SELECT finding_id FROM findings WHERE id IN (SELECT CAST(substr(subject, 9) AS INTEGER) FROM events"
        " WHERE run_id = ? AND seq > ? AND (kind = 'finding_moved' AND from_state = 'fixed'"
        " AND json_extract(payload, '$.unmerged') IS NULL"
        # A decision that expired, or whose comment was removed, ends without an author.
        " OR kind = 'finding_decided' AND from_state IN ('deferred', 'rejected')"
        " AND json_extract(payload, '$.decision') = 'open' AND json_extract(payload, '$.source') IS NULL))",
        (run_id, seq),
    )
    return frozenset(finding_id for (finding_id,) in rows)


class OfRule(NamedTuple):
    """A rule as the newest of its findings has it, with the number of its findings and of those that are open."""

    rule: str
    description: str
    recommendation: str | None
    analyzer: str | None
    total: int
    still_open: int


def of_rule(conn: sqlite3.Connection, run_id: str, rule: str) -> OfRule | None:
    """Return what a run knows of a rule, in any case; `None` where no finding has it."""
    row = conn.execute(
        "SELECT rule_id, description, recommendation, analyzer, count(*),"
        " sum(status IN ('new', 'recurring', 'unverified')),"
        # SQLite takes the other columns from the row of the maximum.
        " max(last_wave) FROM findings WHERE run_id = ? AND rule_id = ? COLLATE NOCASE HAVING count(*) > 0",
        (run_id, rule),
    ).fetchone()
    return None if row is None else OfRule(*row[:-1])

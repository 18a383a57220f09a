"""Table `finding_aliases`: further fingerprints under which a finding was seen."""

import sqlite3
from collections.abc import Iterable


def add(conn: sqlite3.Connection, run_id: str, wave: int, aliases: Iterable[tuple[str, int]]) -> None:
    """Record further fingerprints of findings, as (fingerprint, finding).

    A fingerprint that a finding already has, as its own or as an alias, stays with that finding: two findings of the
    same fingerprint would make matching ambiguous.
    """
    conn.executemany(
        "INSERT INTO finding_aliases (run_id, fingerprint, finding, wave) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS"
        " (SELECT 1 FROM findings WHERE run_id = ?1 AND fingerprint = ?2) ON CONFLICT DO NOTHING",
        ((run_id, fingerprint, finding, wave) for fingerprint, finding in aliases),
    )


def of_run(conn: sqlite3.Connection, run_id: str) -> dict[int, set[str]]:
    """Return the aliases of each finding (row) of a run."""
    # All at once: a query for each of 100,000 findings would take longer than the matching.
    found: dict[int, set[str]] = {}
    rows = conn.execute("SELECT finding, fingerprint FROM finding_aliases WHERE run_id = ?", (run_id,))
    for finding, fingerprint in rows:
        found.setdefault(finding, set()).add(fingerprint)
    return found


def unambiguous(conn: sqlite3.Connection, run_id: str) -> dict[int, list[str]]:
    """Return the aliases of each finding (row) of a run, without those that are another finding's own fingerprint.

    A later wave can add a finding whose fingerprint is an alias already.
    """
    found: dict[int, list[str]] = {}
    rows = conn.execute(
        "SELECT finding, fingerprint FROM finding_aliases AS other WHERE run_id = ? AND NOT EXISTS (SELECT 1"
        " FROM findings WHERE run_id = other.run_id AND fingerprint = other.fingerprint) ORDER BY fingerprint",
        (run_id,),
    )
    for row_id, fingerprint in rows:
        found.setdefault(row_id, []).append(fingerprint)
    return found

"""States in the tables, in the words of the ledger, for the comparison by `ledger verify`."""

import sqlite3
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from swarm.store import domains

# Kind of subject, facts in the order of the columns after the id and the run, and the query.
_QUERIES: Final = (
    (
        "run",
        ("status", "commit", "timeout"),
        "SELECT id, id, status, commit_sha, timeout_seconds || 's' FROM runs WHERE (?1 IS NULL OR id = ?1)",
    ),
    (
        "wave",
        ("status", "number", "phase", "commit", "map", "review", "uncommitted"),
        (
            # LEFT JOIN: a row whose snapshot was deleted by hand must appear, or the deletion would go unseen.
            "SELECT waves.id, waves.run_id, status, number, phase, dispatch_sha, sha256, review, uncommitted FROM waves"
            " LEFT JOIN snapshots ON snapshots.id = snapshot_id WHERE (?1 IS NULL OR waves.run_id = ?1)"
        ),
    ),
    (
        "agent_run",
        ("status", "domain", "prompt", "wave"),
        (
            "SELECT agent_runs.id, run_id, agent_runs.status, domain, prompt_sha256, wave_id FROM agent_runs"
            " LEFT JOIN waves ON waves.id = wave_id WHERE (?1 IS NULL OR run_id = ?1)"
        ),
    ),
    (
        "attempt",
        ("outcome", "exitClass", "exitCode", "agentRun", "runtime"),
        (
            "SELECT attempts.id, run_id, coalesce(outcome, 'open'), exit_class, exit_code, agent_run_id,"
            " attempts.runtime FROM attempts LEFT JOIN agent_runs ON agent_runs.id = agent_run_id"
            " LEFT JOIN waves ON waves.id = wave_id"
            " WHERE (?1 IS NULL OR run_id = ?1)"
        ),
    ),
    (
        "lease",
        ("status", "domain", "file", "wave"),
        "SELECT id, run_id, status, domain, file, wave_number FROM leases WHERE (?1 IS NULL OR run_id = ?1)",
    ),
    (
        "verification",
        (
            *("verdict", "wave", "reason", "purpose", "commit", "adapter"),
            *("testCount", "exitCode", "accepted"),
        ),
        (
            "SELECT id, run_id, verdict, wave_id, reason, purpose, commit_sha, adapter, test_count, exit_code, accepted"
            " FROM verifications WHERE (?1 IS NULL OR run_id = ?1)"
        ),
    ),
    (
        "promotion",
        ("from", "to", "reason", "wave", "overridden"),
        (
            "SELECT id, run_id, from_phase, to_phase, reason, wave_id, overridden FROM promotions"
            " WHERE (?1 IS NULL OR run_id = ?1)"
        ),
    ),
    (
        "merge",
        ("base", "domains", "dropped"),
        (
            # The event of a merge has the wave as its subject, so the merge is named by what makes the row unique.
            "SELECT wave_id || ' ' || ref || ' ' || commit_sha, run_id, base, domains, dropped FROM merges"
            " LEFT JOIN waves ON waves.id = wave_id WHERE (?1 IS NULL OR run_id = ?1)"
        ),
    ),
    (
        "finding",
        (
            *("observation", "decision", "evidence", "commit", "source", "by", "expires"),
            *("severity", "sightings", "first_wave", "last_wave"),
        ),
        (
            "SELECT id, run_id, observation, decision, evidence, fixed_commit, decision_source, decided_by,"
            " decision_expires, severity, sightings, first_wave, last_wave FROM findings"
            " WHERE (?1 IS NULL OR run_id = ?1)"
        ),
    ),
    (
        "claim",
        ("outcome", "wave"),
        (
            "SELECT fix_claims.id, run_id, outcome, wave_id FROM fix_claims LEFT JOIN waves ON waves.id = wave_id"
            " WHERE (?1 IS NULL OR run_id = ?1)"
        ),
    ),
)


class Stated(NamedTuple):
    """Facts of a subject in the tables."""

    subject: str
    run_id: str | None
    facts: dict[str, Any]


def all_stated(conn: sqlite3.Connection, run_id: str | None) -> Iterator[Stated]:
    """Yield the facts of every subject, of a run or of all runs, row by row as the caller iterates."""
    for name, facts, query in _QUERIES:
        # Row by row: 100,000 findings need not be in memory at once.
        for row_id, run, *values in conn.execute(query, (run_id,)):
            yield Stated(f"{name}:{row_id}", run, dict(zip(facts, values, strict=True)))
    yield from _receipts(conn, run_id)
    yield from _maps(conn, run_id)


def snapshot_digests(conn: sqlite3.Connection, run_id: str | None) -> Iterator[tuple[int, str | None, str, str]]:
    """Yield each snapshot: its id, its run, the recorded digest, and the digest of the map."""
    import hashlib

    rows = conn.execute(
        "SELECT id, run_id, sha256, map FROM snapshots WHERE (?1 IS NULL OR run_id = ?1) ORDER BY id", (run_id,)
    )
    for row_id, run, kept, document in rows:
        yield row_id, run, kept, hashlib.sha256(document.encode()).hexdigest()


def output_digests(conn: sqlite3.Connection, run_id: str | None) -> Iterator[tuple[int, str | None, str, str]]:
    """Yield each output: its row, its run, the recorded digest, and the digest of the body."""
    import hashlib
    import zlib

    rows = conn.execute(
        "SELECT artifacts.id, run_id, sha256, body FROM artifacts LEFT JOIN agent_runs ON agent_runs.id = agent_run_id"
        " LEFT JOIN waves ON waves.id = wave_id WHERE (?1 IS NULL OR run_id = ?1) ORDER BY artifacts.id",
        (run_id,),
    )
    for row_id, run, kept, body in rows:
        try:
            # Of the body and not of the recorded digest: a body that was edited by hand must be found.
            found = hashlib.sha256(zlib.decompress(body)).hexdigest()
        except zlib.error:
            found = "unreadable"
        yield row_id, run, kept, found


def _receipts(conn: sqlite3.Connection, run_id: str | None) -> Iterator[Stated]:
    import hashlib

    rows = conn.execute(
        "SELECT id, run_id, kind, wave_id, sha256, body FROM receipts WHERE (?1 IS NULL OR run_id = ?1)", (run_id,)
    )
    for row_id, run, kind, wave, kept, body in rows:
        facts = {"kind": kind, "wave": wave, "sha256": kept, "body": hashlib.sha256(body.encode()).hexdigest()}
        yield Stated(f"receipt:{row_id}", run, facts)


def _maps(conn: sqlite3.Connection, run_id: str | None) -> Iterator[Stated]:
    rows = conn.execute("SELECT id, map_frozen FROM runs WHERE (?1 IS NULL OR id = ?1)", (run_id,)).fetchall()
    for run, frozen in rows:
        document = domains.map_document(domains.domain_map(conn, run))
        yield Stated(f"map:{run}", run, {"state": "frozen" if frozen else "draft", "domains": document})

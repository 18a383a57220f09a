"""What the gates and the assessment ask of several tables: counts alone, each answered by an index."""

import json
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # `status` pays for that module where there is a verification to tell of, and else not.
    from swarm.store.verifications import Verification


def counts_by_lens(conn: sqlite3.Connection, run_id: str) -> dict[tuple[str, str, str], int]:
    """Return how many findings a run has of each (status, severity, lens)."""
    rows = conn.execute(
        "SELECT status, severity, lens, count(*) FROM findings WHERE run_id = ? GROUP BY status, severity, lens",
        (run_id,),
    )
    return {(status, severity, lens): count for status, severity, lens, count in rows}


def promoted_wave(conn: sqlite3.Connection, run_id: str) -> int:
    """Return the number of the last wave of a run that was promoted, 0 where none was."""
    row = conn.execute(
        "SELECT coalesce(max(number), 0) FROM promotions JOIN waves ON waves.id = wave_id WHERE promotions.run_id = ?",
        (run_id,),
    ).fetchone()
    return int(row[0])


def violations_after(conn: sqlite3.Connection, run_id: str, number: int, whole_wave: str) -> int:
    """Return how many files were touched against the rules in the waves after this one.

    By current agent runs, and by nobody known: those stand on the wave under the name `whole_wave`. Waves that were
    taken back do not count.
    """
    row = conn.execute(
        "SELECT count(*) FROM waves CROSS JOIN agent_runs ON wave_id = waves.id"
        " CROSS JOIN file_claims ON agent_run_id = agent_runs.id"
        " WHERE run_id = ? AND number > ? AND waves.status <> 'aborted_for_rewind' AND violation AND NOT EXISTS"
        " (SELECT 1 FROM agent_runs later WHERE later.wave_id = agent_runs.wave_id"
        " AND later.domain = agent_runs.domain AND later.id > agent_runs.id)",
        (run_id, number),
    ).fetchone()
    kept = conn.execute(
        "SELECT violations FROM waves"
        " WHERE run_id = ? AND number > ? AND status <> 'aborted_for_rewind' AND violations <> '[]'",
        (run_id, number),
    )
    unattributed = [one["agent_domain"] for (violations,) in kept for one in json.loads(violations)]
    return int(row[0]) + unattributed.count(whole_wave)


def has_verifications(conn: sqlite3.Connection, run_id: str) -> bool:
    """Say whether a run was ever looked at by `verify`."""
    found = conn.execute("SELECT 1 FROM verifications WHERE run_id = ? AND purpose = 'verify' LIMIT 1", (run_id,))
    return found.fetchone() is not None


def is_outdated(conn: sqlite3.Connection, verification: "Verification", subject: str) -> bool:
    """Say whether a wave or a run (`wave:3`, `run:…`) moved on after a verification was made of it.

    A wave that was collected anew, or of which another commit was merged, is not what was looked at; nor is a run
    that has left its phase and come back.
    """
    found = conn.execute(
        "SELECT 1 FROM events WHERE subject = ?1 AND seq > (SELECT min(seq) FROM events WHERE subject = ?2)"
        " AND (kind = 'run_moved' OR kind = 'wave_moved' AND to_state = 'collected'"
        " OR kind = 'merged' AND to_state <> ?3) LIMIT 1",
        (subject, f"verification:{verification.id}", verification.commit_sha),
    )
    return found.fetchone() is not None


def has_changes(conn: sqlite3.Connection, wave_id: int) -> bool:
    """Say whether git showed that an agent of a wave touched a file, in the last of its tries."""
    found = conn.execute(
        "SELECT 1 FROM (SELECT max(id) AS id FROM agent_runs WHERE wave_id = ? GROUP BY domain) AS newest"
        " CROSS JOIN file_claims ON agent_run_id = newest.id WHERE observed LIMIT 1",
        (wave_id,),
    )
    return found.fetchone() is not None

"""Waves in flight that this user did not dispatch on this machine: found by their missing mark, and never continued."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from swarm import errors, wave_marks
from swarm.store import ledger, waves
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.trust import Trust
from swarm.workspace import Workspace


def is_own(conn: sqlite3.Connection, workspace: Workspace, wave: Wave, trust: Trust) -> bool:
    """Say whether this user dispatched a wave here, took it over by `swarm trust --wave RUN`, or trusts everything."""
    return trust.everything or wave_marks.is_marked(_digest_of(conn, wave), workspace.folder)


def hold_to_own(conn: sqlite3.Connection, workspace: Workspace, run: Run, trust: Trust) -> None:
    """Refuse a wave in flight that was dispatched elsewhere. Raises WaveFromElsewhere."""
    wave = waves.in_flight(conn, run.id)
    if wave is not None and not is_own(conn, workspace, wave, trust):
        raise errors.WaveFromElsewhere(number=wave.number, phase=wave.phase, wave_id=wave.id, run_id=run.id)


def mark(conn: sqlite3.Connection, database: Path, wave: Wave) -> Path:
    """Mark a wave as this user's own, and return the file. Raises TrustRecordUnusable."""
    facts = {"database": str(database), "run": wave.run_id, "wave": wave.number, "dispatched": wave.dispatched}
    return wave_marks.write(_digest_of(conn, wave), database.parent, facts)


def mark_if_possible(conn: sqlite3.Connection, database: Path, run_id: str) -> None:
    """Mark the wave that a transaction makes, before it commits: a mark of a wave that is rolled back is harmless.

    Where the state folder cannot be written, the next command on the wave is refused, with the way out.
    """
    wave = waves.in_flight(conn, run_id)
    with suppress(errors.TrustRecordUnusable):
        if wave is not None:
            mark(conn, database, wave)


def forget(conn: sqlite3.Connection, *ended: Wave) -> None:
    """Remove the marks of waves that have ended."""
    for wave in ended:
        wave_marks.remove(_digest_of(conn, wave))


def _digest_of(conn: sqlite3.Connection, wave: Wave) -> str:
    from hashlib import sha256

    # The hash of the event rests on every event before it, and so on the control plane as a whole.
    begun = ledger.hash_of_dispatch(conn, wave.id)
    facts = (wave.run_id, wave.number, wave.phase, wave.dispatch_sha, wave.dispatched, begun)
    return sha256("\n".join(map(str, facts)).encode("utf-8", "surrogatepass")).hexdigest()

"""Waves that this user did not dispatch on this machine: found by their missing mark, and never gone on with."""

import sqlite3
from pathlib import Path
from typing import Literal

from swarm import errors, wave_marks
from swarm.rules.phases import is_audit
from swarm.rules.states import CAN_GO_ON, WaveStatus
from swarm.store import ledger, waves
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.trust import Trust
from swarm.workspace import Workspace

# How a command goes on with a wave: launched and collected, its agents dispatched again, its work merged.
Going = Literal["launch", "again", "merge"]


def is_own(conn: sqlite3.Connection, workspace: Workspace, wave: Wave, trust: Trust) -> bool:
    """Say whether this user dispatched a wave here, took it over by `swarm trust --wave RUN`, or trusts everything."""
    return trust.everything or wave_marks.is_marked(_digest_of(conn, wave), workspace.folder)


def hold_to_own(conn: sqlite3.Connection, workspace: Workspace, run: Run, trust: Trust, going: Going) -> None:
    """Refuse to go on with a wave that was dispatched elsewhere. Raises WaveFromElsewhere."""
    wave = _wave_to_go_on_with(conn, run.id, going)
    if wave is not None and not is_own(conn, workspace, wave, trust):
        raise errors.WaveFromElsewhere(number=wave.number, phase=wave.phase, wave_id=wave.id, run_id=run.id)


def waves_to_go_on_with(conn: sqlite3.Connection, run_id: str) -> list[Wave]:
    """Return the waves of a run that commands can go on with, the newest first."""
    found = (_wave_to_go_on_with(conn, run_id, going) for going in ("again", "merge"))
    return list({wave.id: wave for wave in found if wave is not None}.values())


def _wave_to_go_on_with(conn: sqlite3.Connection, run_id: str, going: Going) -> Wave | None:
    match going:
        case "launch":
            return waves.in_flight(conn, run_id)
        case "again":
            # Its agents can be dispatched anew, with prompts made of the rows.
            wave = waves.newest(conn, run_id)
            return wave if wave is not None and wave.status in CAN_GO_ON else None
        case "merge":
            # Also a promoted wave: its work can be published later.
            return waves.newest_amend(conn, run_id)


def mark(conn: sqlite3.Connection, database: Path, wave: Wave) -> Path:
    """Mark a wave as this user's own, and return the file. Raises TrustRecordUnusable."""
    facts = {"database": str(database), "run": wave.run_id, "wave": wave.number, "dispatched": wave.dispatched}
    return wave_marks.write(_digest_of(conn, wave), database.parent, facts)


def mark_if_possible(conn: sqlite3.Connection, database: Path, run_id: str) -> None:
    """Mark the wave that a transaction makes, before it commits: a mark of a wave that is rolled back is harmless.

    Where the state folder cannot be written, the next command on the wave is refused, with the way out.
    """
    wave = waves.in_flight(conn, run_id)
    if wave is None:
        return
    # Not `suppress`, which would load the catalogue of errors for each wave.
    try:
        mark(conn, database, wave)
    except errors.TrustRecordUnusable:
        return


def forget_unless_needed(conn: sqlite3.Connection, wave: Wave, status: WaveStatus) -> None:
    """Remove the mark of a wave that was observed, unless its agents can be dispatched again or its work be merged."""
    if status is WaveStatus.COLLECTED and is_audit(wave.phase):
        forget(conn, wave)


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

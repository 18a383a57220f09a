"""`history`: the events of a wave or of a finding."""

import sqlite3

from swarm import errors
from swarm.results.events import EventShown
from swarm.results.history import HistoryResult
from swarm.store import ledger, waves
from swarm.store.finding_moves import moves_of
from swarm.store.runs import Run
from swarm.store.sightings import first_of
from swarm.store.waves import Wave
from swarm.waves.look.events import event_shown
from swarm.waves.selection import finding_ids, finding_named, is_wave_number, select_wave, wave_number


def history(conn: sqlite3.Connection, run: Run, subject: str) -> HistoryResult:
    """Return the events of a wave (its number) or of a finding (its id). Raises WaveNotFound, FindingNotFound."""
    if is_wave_number(subject) and not _is_finding(conn, run, subject):
        events = wave_history(conn, select_wave(conn, run, wave_number(subject)))
    else:
        events = finding_history(conn, finding_named(conn, run, subject).row_id)
    return HistoryResult(events, events[-1].seq if events else 0)


def _is_finding(conn: sqlite3.Connection, run: Run, number: str) -> bool:
    """Say whether a number is no wave of a run, but a finding's id without its `F-`."""
    if waves.numbered(conn, run.id, wave_number(number)) is not None:
        return False
    try:
        return bool(finding_ids(conn, run, [number]))
    except errors.FindingNotFound:
        return False


def wave_history(conn: sqlite3.Connection, wave: Wave) -> tuple[EventShown, ...]:
    """Return the events of a wave, its agent runs and their attempts, oldest first."""
    return tuple(
        event_shown(event)
        for event in ledger.events_after(conn, 0, wave.run_id)
        # A wave can move 100,000 findings; their events belong to the histories of the findings.
        if event.wave_id == wave.id and not event.subject.startswith("finding:")
    )


def finding_history(conn: sqlite3.Connection, row_id: int) -> tuple[EventShown, ...]:
    """Return the event that recorded a finding and every change of its state, oldest first.

    No event names a new finding: each record of its first wave has an event with the number of sightings so far.
    """
    wave_id, place = first_of(conn, row_id)
    recorded = (event for event in ledger.events_of(conn, f"wave:{wave_id}") if event.kind == "findings_recorded")
    # A wave whose agents were revalidated was recorded several times, and the later records hold the earlier ones.
    first = [event for event in recorded if (event.facts.get("sightings") or place) >= place][:1]
    return tuple(map(event_shown, [*first, *moves_of(conn, row_id)]))

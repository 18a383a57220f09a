"""The ledger as it is shown: `events`, and `history` of one wave or finding."""

import sqlite3
from collections.abc import Iterator

from swarm.results.events import EventShown
from swarm.store import ledger
from swarm.store.ledger import Event
from swarm.store.sightings import first_wave_of
from swarm.store.waves import Wave


def event_shown(event: Event) -> EventShown:
    """Return an event in the words of the document."""
    return EventShown(
        seq=event.seq,
        ts=event.ts,
        kind=event.kind,
        run_id=event.run_id,
        wave_id=event.wave_id,
        subject=event.subject,
        from_=event.from_state,
        to=event.to_state,
        actor=event.actor,
        reason=event.reason,
        payload=None if event.payload is None else event.facts,
        hash=event.hash,
    )


def events_after(conn: sqlite3.Connection, seq: int) -> Iterator[EventShown]:
    """Return the ledger behind a cursor."""
    return map(event_shown, ledger.events_after(conn, seq))


def wave_history(conn: sqlite3.Connection, wave: Wave) -> tuple[EventShown, ...]:
    """Return what happened to a wave, its agent runs and their attempts, in order."""
    return tuple(
        event_shown(event)
        for event in ledger.events_after(conn, 0, wave.run_id)
        if event.wave_id == wave.id and not event.subject.startswith("finding:")
    )


def finding_history(conn: sqlite3.Connection, row_id: int) -> tuple[EventShown, ...]:
    """Return how a finding came and every change of its state, in order.

    It came with a wave, whose one event carries the count of its sightings and a digest over them.
    """
    came = first_wave_of(conn, row_id)
    events = ledger.events_of(conn, f"wave:{came}", f"finding:{row_id}")
    return tuple(
        event_shown(event)
        for event in events
        if event.kind == "findings_recorded" or not event.subject.startswith("wave:")
    )

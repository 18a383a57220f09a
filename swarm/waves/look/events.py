"""`events`: the ledger from a cursor on."""

import sqlite3
from collections.abc import Iterator

from swarm.results.events import EventShown
from swarm.store import ledger
from swarm.store.ledger import Event


def event_shown(event: Event) -> EventShown:
    """Return an event as the record of the document."""
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


def events(conn: sqlite3.Connection, after: int) -> Iterator[EventShown]:
    """Yield the events with a seq above `after`, oldest first."""
    return map(event_shown, ledger.events_after(conn, after))

"""Moves of findings in the ledger: an event for each finding, or an event for all that a wave saw again."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from swarm.store import forms
from swarm.store.ledger import Entry, Event, append, events_after, events_of

RECURRED: Final = "findings_recurred"


def add_recurred(conn: sqlite3.Connection, run_id: str, wave_id: int, rows: Mapping[str, Collection[int]]) -> None:
    """Record, by the observation before, the rows of the findings that a wave saw again.

    An event names all of them by the first and the last row of each span; the sighting of each says how it was matched.
    """
    for before in sorted(before for before in rows if rows[before]):
        payload: dict[str, object] = {"count": len(rows[before]), "findings": _spans(rows[before])}
        append(conn, Entry(RECURRED, f"wave:{wave_id}", run_id, wave_id, before, "recurring", payload=payload))


def _spans(rows: Iterable[int]) -> list[list[int]]:
    spans: list[list[int]] = []
    for row in sorted(rows):
        if spans and row == spans[-1][1] + 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    return spans


def _spans_of(event: Event) -> list[list[int]]:
    """Return the spans that an event names. Raises ControlPlaneRowRefused where it counts other findings."""
    return forms.made("events", _counted_spans, event)


def _counted_spans(event: Event) -> list[list[int]]:
    count, spans = event.facts["count"], event.facts["findings"]
    if count != sum(last - first + 1 for first, last in spans) or any(first > last for first, last in spans):
        raise ValueError(f"event {event.seq} does not name {count} findings")
    return [[int(first), int(last)] for first, last in spans]


def one_by_one(events: Iterable[Event], most: int) -> Iterator[Event]:
    """Yield events in their order, and for those that name many findings the move of each.

    Raises ValueError where they name more than `most` findings.
    """
    for event in events:
        if event.kind != RECURRED:
            yield event
            continue
        spans = _spans_of(event)
        most -= event.facts["count"]
        if most < 0:
            raise ValueError(f"event {event.seq} names more findings than were seen")
        for first, last in spans:
            for row in range(first, last + 1):
                yield _move_of(event, row, None)


def _move_of(event: Event, row_id: int, note: str | None) -> Event:
    return event._replace(kind="finding_moved", subject=f"finding:{row_id}", reason=note, payload=None)


def moves_of(conn: sqlite3.Connection, row_id: int) -> list[Event]:
    """Return the events of a finding in order; one that names many findings reads as the move of this finding."""
    # SQLite takes the note from the row of the maximum: the newest sighting, by which the wave matched the finding.
    query = "SELECT wave_id, match_note, max(id) FROM sightings WHERE finding = ? GROUP BY wave_id"
    notes = {wave_id: note for wave_id, note, _ in conn.execute(query, (row_id,))}
    together = [
        _move_of(event, row_id, notes[event.wave_id])
        for event in events_of(conn, *(f"wave:{wave_id}" for wave_id in notes))
        if event.kind == RECURRED and any(first <= row_id <= last for first, last in _spans_of(event))
    ]
    return sorted([*together, *events_of(conn, f"finding:{row_id}")], key=lambda event: event.seq)


def observed_since(conn: sqlite3.Connection, run_id: str, seq: int) -> dict[int, str]:
    """Return the observation, by row, of the findings of a run that moved after an event of the ledger."""
    rows = conn.execute(
        "SELECT id, observation FROM findings WHERE id IN (SELECT CAST(substr(subject, 9) AS INTEGER) FROM events"
        " WHERE run_id = ? AND seq > ? AND (kind = 'finding_moved' OR kind = 'finding_decided'"
        # `close` and `reopen` write a single event for the decision and the move.
        " AND json_extract(payload, '$.evidence') IS NOT NULL))",
        (run_id, seq),
    )
    moved = dict(rows.fetchall())
    for event in events_after(conn, seq, run_id):
        for span in _spans_of(event) if event.kind == RECURRED else ():
            moved |= conn.execute("SELECT id, observation FROM findings WHERE id BETWEEN ? AND ?", span).fetchall()
    return moved


def fixed_by_ledger(conn: sqlite3.Connection, run_id: str, *, until: int | None = None) -> dict[int, str | None]:
    """Return the evidence, by row, of the findings of a run whose newest event, or newest up to one, made them fixed.

    An event of an older version names no evidence: its value is `None`.
    """
    rows = conn.execute(
        "SELECT CAST(substr(subject, 9) AS INTEGER), to_state, kind, json_extract(payload, '$.evidence')"
        " FROM events WHERE run_id = ?1 AND (?2 IS NULL OR seq <= ?2)"
        " AND (kind = 'finding_moved' OR kind = 'finding_decided'"
        " AND json_extract(payload, '$.evidence') IS NOT NULL) ORDER BY seq",
        (run_id, until),
    )
    newest = {
        row: (state, "operator" if kind == "finding_decided" else evidence) for row, state, kind, evidence in rows
    }
    return {row: evidence for row, (state, evidence) in newest.items() if state == "fixed"}

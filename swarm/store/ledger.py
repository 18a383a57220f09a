"""Table `events`, the ledger: append-only and hash-chained, with an event for every change of state."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring
from typing import Any, Final, NamedTuple

from swarm import stage_events
from swarm.clock import now
from swarm.store import forms
from swarm.store.bulk import write_all
from swarm.store.compact_json import Encoded, compact, compact_row
from swarm.store.indexes import made_last

# Predecessor of the first event.
GENESIS: Final = "0" * 64
VERSION: Final = "swarmLedger/v1"
ACTOR: Final = "swarm"
# Events a page: large enough to be fast, small enough to let go of the read lock between two pages.
_PAGE: Final = 5_000
_TRIGGERS: Final = 2


class Entry(NamedTuple):
    """A change of state before it is written. `payload` holds JSON values without floats."""

    kind: str
    subject: str
    run_id: str | None = None
    wave_id: int | None = None
    from_state: str | None = None
    to_state: str | None = None
    reason: str | None = None
    payload: dict[str, object] | None = None


class Event(NamedTuple):
    """A row of the ledger, in column order. `payload` is the JSON text that the chain hashes."""

    seq: int
    ts: str
    kind: str
    run_id: str | None
    wave_id: int | None
    subject: str
    from_state: str | None
    to_state: str | None
    actor: str
    reason: str | None
    payload: str | None
    correlation_id: str
    hash: str

    @property
    def facts(self) -> dict[str, Any]:
        """The payload as JSON values, empty where the event has none."""
        return forms.facts_of(self.payload)


def as_kept(payload: dict[str, object]) -> dict[str, Any]:
    """Return a payload as an event gives its facts, where tuples are lists."""
    kept: dict[str, Any] = json.loads(compact(payload))
    return kept


def append(conn: sqlite3.Connection, *entries: Entry) -> None:
    """Write entries at the end of the chain, inside the caller's transaction."""
    append_all(conn, entries)


def append_all(conn: sqlite3.Connection, entries: Iterable[Entry], *, count: int = 0) -> None:
    """Write many entries, about `count`, at the end of the chain, inside the caller's transaction."""
    # Read inside the caller's write transaction: no other process can append between this read and the insert.
    last = conn.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = last or (0, GENESIS)
    with made_last(conn, "events", count, "events_of_a_subject", "events_of_a_run"):
        write_all(
            conn,
            "INSERT INTO events (seq, ts, kind, run_id, wave_id, subject, from_state, to_state, actor, reason,"
            " payload, correlation_id, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            _chained(seq, previous, entries),
        )


def _chained(seq: int, previous: str, entries: Iterable[Entry]) -> Iterator[tuple[object, ...]]:
    # Imported here: `status` imports this module and hashes nothing.
    from hashlib import sha256

    # A single moment for all events of a call: they are written by the same transaction.
    moment, correlation = now(), stage_events.correlation_id
    # The words that a wave's events share are encoded once; the text is that of `chain_hash`, at half of its cost.
    word = Encoded()
    version, at, actor, end = word[VERSION], word[moment], word[ACTOR], word[correlation]
    for kind, subject, run_id, wave_id, before, after, reason, facts in entries:
        seq += 1
        # Hash and column get the same text: a second encoding could differ, and the chain would break.
        payload = None if facts is None else compact(facts)
        why = "null" if reason is None else encode_basestring(reason)
        shown = "null" if payload is None else encode_basestring(payload)
        text = f'[{version},"{previous}",{seq},{at},{word[kind]},{word[run_id]},{word[wave_id]},'
        text += f"{encode_basestring(subject)},{word[before]},{word[after]},{actor},{why},{shown},{end}]"
        previous = sha256(text.encode()).hexdigest()
        row = (seq, moment, kind, run_id, wave_id, subject, before, after)
        yield (*row, ACTOR, reason, payload, correlation, previous)


def chain_hash(previous: str, row: tuple[object, ...]) -> str:
    """Return the hash of a row: SHA-256 over version tag, previous hash and the row as compact JSON."""
    # Imported here: `status` imports this module and hashes nothing.
    import hashlib

    return hashlib.sha256(compact_row((VERSION, previous, *row)).encode()).hexdigest()


# The order is part of the chain: `chain_hash` hashes a row in this order.
_COLUMNS = "seq, ts, kind, run_id, wave_id, subject, from_state, to_state, actor, reason, payload, correlation_id, hash"


def events_after(conn: sqlite3.Connection, seq: int, run_id: str | None = None) -> Iterator[Event]:
    """Return the events after a sequence number, of a run or of all runs, in order."""
    where, values = ("seq > ?", (seq,)) if run_id is None else ("run_id = ? AND seq > ?", (run_id, seq))
    cursor = conn.execute(f"SELECT {_COLUMNS} FROM events WHERE {where} ORDER BY seq", values)  # noqa: S608
    return map(Event._make, cursor)


def events_of(conn: sqlite3.Connection, *subjects: str) -> list[Event]:
    """Return the events of some subjects, such as `wave:3` or `finding:12`, in order."""
    marks = ", ".join("?" * len(subjects))
    cursor = conn.execute(
        f"SELECT {_COLUMNS} FROM events WHERE subject IN ({marks}) ORDER BY seq",  # noqa: S608
        subjects,
    )
    return list(map(Event._make, cursor))


def head(conn: sqlite3.Connection) -> int:
    """Return the sequence number of the last event, 0 in an empty ledger."""
    return int(conn.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])


def hash_at(conn: sqlite3.Connection, seq: int | None) -> str | None:
    """Return the hash of the event of a number, `None` where there is no such event."""
    row = conn.execute("SELECT hash FROM events WHERE seq = ?", (seq,)).fetchone()
    return None if row is None else str(row[0])


def newest_of(conn: sqlite3.Connection, run_id: str) -> Event | None:
    """Return the last event of a run; every run has the event of its creation, so `None` means a cut ledger."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM events WHERE run_id = ? ORDER BY seq DESC LIMIT 1",  # noqa: S608
        (run_id,),
    ).fetchone()
    return Event._make(row) if row else None


class Break(NamedTuple):
    """The first event that does not fit: `missing` when earlier events were deleted, `hash` or `row` after an edit.

    The chain cannot tell an edited row from a row whose predecessor was rewritten with a fitting hash; both are
    `row`. Where the next event continues from the expected hash, only the stored `hash` was changed.
    """

    seq: int
    kind: str
    what: str
    expected: str
    found: str


class Chain(NamedTuple):
    """Result of a walk along the ledger: events that fit, first and last moment, last hash, first break.

    `after_head` counts the events after the event of the requested hash, `None` where no event has that hash.
    """

    events: int
    first: str | None
    last: str | None
    head: str
    broken: Break | None
    after_head: int | None


def examine(conn: sqlite3.Connection, *, head: str | None = None, tail: int | None = None) -> Chain:
    """Walk along the chain to its end or its first break; with `tail`, along the last events alone.

    The walk reads pages of events: memory stays small, and a long walk holds no read lock that a writer waits for.
    """
    previous, seq, first, last = GENESIS, 0, None, None
    if tail is not None:
        row = conn.execute(f"SELECT {_COLUMNS} FROM events ORDER BY seq DESC LIMIT 1 OFFSET ?", (tail,)).fetchone()  # noqa: S608
        if row is not None:
            # The event before the tail is believed: its hash is where the walk begins.
            start = Event._make(row)
            previous, seq = start.hash, start.seq
    begin = seq
    after_head = 0 if head == GENESIS and tail is None else None
    while page := _page(conn, seq):
        for event in page:
            whole = chain_hash(previous, event[:-1])
            # A gap in the numbers is a deletion even where the hashes fit: the chain could have been recomputed.
            if event.seq != seq + 1 or event.hash != whole:
                broken = _break(conn, event, seq + 1, whole)
                return Chain(seq - begin, first, last, previous, broken, after_head)
            previous, seq, first, last = event.hash, event.seq, first or event.ts, event.ts
            after_head = 0 if event.hash == head else after_head if after_head is None else after_head + 1
    return Chain(seq - begin, first, last, previous, None, after_head)


def _page(conn: sqlite3.Connection, after: int) -> list[Event]:
    cursor = conn.execute(f"SELECT {_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, _PAGE))  # noqa: S608
    return list(map(Event._make, cursor))


def _break(conn: sqlite3.Connection, event: Event, expected: int, whole: str) -> Break:
    if event.seq != expected:
        return Break(event.seq, event.kind, "missing", f"seq {expected}", f"seq {event.seq}")
    # Where the next event continues from the expected hash, the row is as it was and only its hash was changed.
    row = conn.execute(f"SELECT {_COLUMNS} FROM events WHERE seq = ?", (expected + 1,)).fetchone()  # noqa: S608
    fits = row is not None and row[-1] == chain_hash(whole, row[:-1])
    return Break(event.seq, event.kind, "hash" if fits else "row", whole, event.hash)


def has_triggers(conn: sqlite3.Connection) -> bool:
    """Say whether the ledger has its triggers, which refuse edits and deletions."""
    # Whoever edits the ledger by hand drops the triggers first; their absence is the first trace.
    found = conn.execute(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'events'"
        " AND name IN ('the_ledger_is_not_edited', 'the_ledger_is_not_cut')"
    ).fetchone()
    return int(found[0]) == _TRIGGERS


class LedgerSpan(NamedTuple):
    """Events of a wave: their count, the first and the last sequence number, and the last hash."""

    events: int
    first: int | None
    last: int | None
    hash: str | None


def fixed_in(conn: sqlite3.Connection, run_id: str, wave_id: int) -> list[str]:
    """Return the ids of the findings that a wave found fixed, by the ledger; later waves may have seen some again."""
    rows = conn.execute(
        "SELECT DISTINCT finding_id FROM events"
        # From the events of the wave to the findings: the other order would read every finding.
        " CROSS JOIN findings ON findings.id = CAST(substr(subject, length('finding:') + 1) AS INTEGER)"
        " WHERE events.run_id = ?1 AND events.wave_id = ?2 AND subject GLOB 'finding:*' AND to_state = 'fixed'"
        " ORDER BY finding_id",
        (run_id, wave_id),
    )
    return [row[0] for row in rows]


def findings_recorded_before(conn: sqlite3.Connection, run_id: str, number: int) -> int | None:
    """Return the last event by which a wave before a number recorded findings, `None` where no wave did."""
    row = conn.execute(
        "SELECT max(seq) FROM waves JOIN events ON subject = 'wave:' || waves.id AND kind = 'findings_recorded'"
        " WHERE waves.run_id = ? AND number < ?",
        (run_id, number),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def hash_of_dispatch(conn: sqlite3.Connection, wave_id: int) -> str | None:
    """Return the hash of the event by which a wave was dispatched, `None` where the ledger has no such event."""
    row = conn.execute(
        "SELECT hash FROM events WHERE kind = 'wave_dispatched' AND subject = ? ORDER BY seq LIMIT 1",
        (f"wave:{wave_id}",),
    ).fetchone()
    return None if row is None else str(row[0])


def recorded_in_the_call_of(conn: sqlite3.Connection, run_id: str, number: int) -> int | None:
    """Return the first wave whose findings were recorded by the command that dispatched a wave of this number."""
    row = conn.execute(
        "SELECT min(older.number) FROM waves JOIN events dispatched"
        " ON dispatched.subject = 'wave:' || waves.id AND dispatched.kind = 'wave_dispatched'"
        " JOIN waves older ON older.run_id = waves.run_id AND older.number < waves.number"
        " JOIN events recorded ON recorded.subject = 'wave:' || older.id AND recorded.kind = 'findings_recorded'"
        " AND recorded.correlation_id = dispatched.correlation_id WHERE waves.run_id = ? AND waves.number = ?",
        (run_id, number),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def span_of(conn: sqlite3.Connection, run_id: str, wave_id: int) -> LedgerSpan:
    """Return the span of a wave in the ledger, without receipts and promotions.

    A receipt holds the span, so an event for the receipt itself would make a second receipt differ.
    """
    row: Any = conn.execute(
        "SELECT count(*), min(seq), max(seq) FROM events WHERE run_id = ? AND wave_id = ?"
        " AND kind NOT IN ('receipt_made', 'promoted')",
        (run_id, wave_id),
    ).fetchone()
    return LedgerSpan(row[0], row[1], row[2], hash_at(conn, row[2]))

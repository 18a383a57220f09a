"""The ledger: a fixed chain, nothing edited, nothing cut, and an edit that is found."""

import hashlib
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm import stage_events
from swarm.store import ledger, runs
from swarm.store.connection import Store, open_store
from swarm.store.ledger import GENESIS, Entry, append, chain_hash
from tests.store import rows
from tests.store.writers import broken_link

FIRST = (
    1,
    "2026-01-02T03:04:05.678Z",
    "wave_moved",
    "swarm-1700000000-0123abcd",
    7,
    "wave:7",
    "dispatched",
    "failed",
    "swarm",
    'not complete: "çode"',
    '{"count":3}',
    "coord-abc-0123",
)
FIRST_TEXT = (
    '["swarmLedger/v1","0000000000000000000000000000000000000000000000000000000000000000",'
    '1,"2026-01-02T03:04:05.678Z","wave_moved","swarm-1700000000-0123abcd",7,"wave:7","dispatched","failed",'
    '"swarm","not complete: \\"çode\\"","{\\"count\\":3}","coord-abc-0123"]'
)
FIRST_HASH = "eba0c571dd0445596718e15f0aaef63156ee47d582f79bbe42777da3d07150fb"
SECOND = (2, "2026-01-02T03:04:05.679Z", "run_moved", None, None, "run:x", None, None, "swarm", None, None, "c")
SECOND_TEXT = (
    f'["swarmLedger/v1","{FIRST_HASH}",2,"2026-01-02T03:04:05.679Z","run_moved",null,null,"run:x",null,null,"swarm",'
    'null,null,"c"]'
)
SECOND_HASH = "07efaf5a41503740bc69f47e304d4df40faf8a64063a7c1e34833da4bbf340c6"


def test_the_chain_has_these_hashes() -> None:
    assert hashlib.sha256(FIRST_TEXT.encode()).hexdigest() == FIRST_HASH
    assert hashlib.sha256(SECOND_TEXT.encode()).hexdigest() == SECOND_HASH
    assert chain_hash("0" * 64, FIRST) == FIRST_HASH
    assert chain_hash(FIRST_HASH, SECOND) == SECOND_HASH


def test_entries_are_written_in_order_each_with_the_hash_of_its_predecessor(store: Store) -> None:
    with store.mutation() as conn:
        append(
            conn,
            Entry("wave_moved", "wave:7", rows.RUN, 7, "dispatched", "failed", "why", {"count": 3, "of": "é"}),
            Entry("run_moved", "run:x"),
        )
    first, second = ledger.events_after(store.conn, 0)
    moment = first.ts
    told = (rows.RUN, 7, "wave:7", "dispatched", "failed", "swarm", "why", '{"count":3,"of":"é"}')
    assert first[:-1] == (1, moment, "wave_moved", *told, stage_events.correlation_id)
    assert second[:-1] == (
        *(2, moment, "run_moved", None, None, "run:x"),
        *(None, None, "swarm", None, None, stage_events.correlation_id),
    )
    assert first.hash == chain_hash(GENESIS, first[:-1])
    assert second.hash == chain_hash(first.hash, second[:-1])


def test_a_later_transaction_goes_on_with_the_chain(store: Store) -> None:
    for subject in ("a", "b", "c"):
        with store.mutation() as conn:
            append(conn, Entry("noted", subject))
    assert [(event.seq, event.subject) for event in ledger.events_after(store.conn, 0)] == [
        (1, "a"),
        (2, "b"),
        (3, "c"),
    ]
    assert broken_link(store.conn) is None


def test_events_are_found_by_run_by_cursor_and_by_subject(store: Store) -> None:
    with store.mutation() as conn:
        append(conn, Entry("noted", "a", "one"), Entry("noted", "b", "two"), Entry("noted", "a", "two"))
    assert [event.seq for event in ledger.events_after(store.conn, 1)] == [2, 3]
    assert [event.seq for event in ledger.events_after(store.conn, 0, "two")] == [2, 3]
    assert [event.seq for event in ledger.events_after(store.conn, 2, "two")] == [3]
    assert [event.seq for event in ledger.events_of(store.conn, "a")] == [1, 3]
    assert [event.seq for event in ledger.events_of(store.conn, "a", "b")] == [1, 2, 3]


def test_an_event_leaves_what_another_process_came_to_since_the_run_was_read(store: Store) -> None:
    with store.mutation() as conn:
        run = rows.add_run(conn)
        runs.set_timeout(conn, run, 60)
        runs.set_timeout(conn, run, 90)
    told = [event[2:3] + event[6:8] for event in ledger.events_of(store.conn, f"run:{run.id}")][-2:]
    assert told == [("run_timeout_set", "1800s", "60s"), ("run_timeout_set", "60s", "90s")]


@pytest.mark.parametrize("statement", ["UPDATE events SET reason = 'x' WHERE seq = 2", "DELETE FROM events"])
def test_an_edit_and_a_cut_are_refused_by_the_table(chained: Store, statement: str) -> None:
    before = list(ledger.events_after(chained.conn, 0))
    with pytest.raises(sqlite3.IntegrityError, match="the ledger is append-only"):
        chained.conn.execute(statement)
    assert list(ledger.events_after(chained.conn, 0)) == before


@pytest.fixture
def chained(store: Store) -> Store:
    with store.mutation() as conn:
        append(conn, *(Entry("noted", f"subject:{number}", rows.RUN, payload={"n": number}) for number in range(1, 6)))
    return store


@pytest.fixture
def unguarded(chained: Store) -> sqlite3.Connection:
    """The same ledger after somebody dropped its triggers."""
    chained.conn.execute("DROP TRIGGER the_ledger_is_not_edited")
    chained.conn.execute("DROP TRIGGER the_ledger_is_not_cut")
    return chained.conn


def test_a_sound_chain_has_no_broken_link(chained: Store) -> None:
    assert broken_link(chained.conn) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ts", "2020-01-01T00:00:00.000Z"),
        ("kind", "other"),
        ("run_id", None),
        ("wave_id", 1),
        ("subject", "other"),
        ("from_state", "x"),
        ("to_state", "x"),
        ("actor", "mallory"),
        ("reason", "x"),
        ("payload", '{"n":4}'),
        ("correlation_id", "x"),
        ("hash", "f" * 64),
    ],
)
def test_an_edit_of_any_column_is_found_where_it_was_made(
    unguarded: sqlite3.Connection, column: str, value: object
) -> None:
    unguarded.execute(f"UPDATE events SET {column} = ? WHERE seq = 3", (value,))
    assert broken_link(unguarded) == 3


@pytest.mark.parametrize(("gone", "link"), [(1, 2), (3, 4)])
def test_a_row_that_was_taken_out_is_found_at_its_successor(
    unguarded: sqlite3.Connection, gone: int, link: int
) -> None:
    unguarded.execute("DELETE FROM events WHERE seq = ?", (gone,))
    assert broken_link(unguarded) == link


def test_an_edit_whose_own_hash_was_made_to_fit_is_found_at_its_successor(unguarded: sqlite3.Connection) -> None:
    second, third = list(ledger.events_after(unguarded, 0))[1:3]
    forged = third._replace(reason="forged")
    unguarded.execute(
        "UPDATE events SET reason = 'forged', hash = ? WHERE seq = 3", (chain_hash(second.hash, forged[:-1]),)
    )
    assert broken_link(unguarded) == 4


TEXT = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5))


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_no_two_rows_share_a_hash_unless_they_are_equal(pairs: list[tuple[str | None, str | None]]) -> None:
    made = [(*FIRST[:8], "swarm", reason, payload, "c") for reason, payload in pairs]
    assert len({chain_hash(GENESIS, row) for row in made}) == len(set(made))


NOTES = st.lists(
    st.tuples(TEXT, st.dictionaries(st.text("ab", max_size=2), st.integers(-9, 9) | TEXT)), min_size=2, max_size=6
)
TAMPER = st.sampled_from(["edit", "cut", "swap", "insert"])


@given(
    notes=NOTES,
    tamper=TAMPER,
    at=st.integers(0, 5),
    column=st.sampled_from(["ts", "kind", "subject", "actor", "reason"]),
)
def test_a_random_ledger_is_sound_and_one_tampering_is_found_at_the_first_row_that_it_breaks(
    notes: list[tuple[str | None, dict[str, object]]], tamper: str, at: int, column: str
) -> None:
    with TemporaryDirectory() as folder, open_store(Path(folder) / "control-plane.db", "test", create=True) as store:
        with store.mutation() as conn:
            append(conn, *(Entry("noted", "s", reason=reason, payload=payload) for reason, payload in notes))
        conn = store.conn
        assert broken_link(conn) is None
        conn.execute("DROP TRIGGER the_ledger_is_not_edited")
        conn.execute("DROP TRIGGER the_ledger_is_not_cut")
        count = len(notes)
        seq = at % count + 1
        match tamper:
            case "edit":
                conn.execute(f"UPDATE events SET {column} = 'other than before' WHERE seq = ?", (seq,))
                found = seq
            case "cut":
                # What the chain does not show is that its end is gone.
                conn.execute("DELETE FROM events WHERE seq = ?", (seq,))
                found = seq + 1 if seq < count else None
            case "swap":
                seq = min(seq, count - 1)
                for old, new in ((seq, -1), (seq + 1, seq), (-1, seq + 1)):
                    conn.execute("UPDATE events SET seq = ? WHERE seq = ?", (new, old))
                found = seq
            case _:
                last = list(ledger.events_after(conn, 0))[-1]
                forged = last._replace(seq=count + 1)
                marks = ", ".join("?" * len(forged))
                conn.execute(f"INSERT INTO events VALUES ({marks})", forged)
                found = count + 1
        assert broken_link(conn) == found

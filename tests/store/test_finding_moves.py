"""Moves of findings in the ledger: what a wave saw again has one event, which each finding's history shows as its own."""

import sqlite3

import pytest

from swarm import errors
from swarm.store import finding_moves, ledger, sightings
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.ledger import Entry
from swarm.store.waves import Wave
from tests.store import rows


def recurred(conn: sqlite3.Connection, **payload: object) -> None:
    ledger.append(conn, Entry("findings_recurred", "wave:1", rows.RUN, 1, "new", "recurring", payload=payload))


def test_findings_that_a_wave_sees_again_have_one_event_and_each_its_move(
    store: Store, wave: Wave, agent: AgentRun
) -> None:
    with store.mutation() as conn:
        added = [rows.add_finding(conn, number) for number in range(1, 6)]
        seen = [rows.sighting(row, wave, agent)._replace(match_note=f"note {row}") for row in added]
        sightings.add_sightings(conn, seen)
        seq = ledger.head(conn)
        first, second, _, fourth, fifth = added
        finding_moves.add_recurred(
            conn, rows.RUN, wave.id, {"unverified": [fifth], "new": [fourth, first, second], "recurring": []}
        )
    events = list(ledger.events_after(store.conn, seq))
    assert [(event.subject, event.from_state, event.to_state, event.facts) for event in events] == [
        ("wave:1", "new", "recurring", {"count": 3, "findings": [[first, second], [fourth, fourth]]}),
        ("wave:1", "unverified", "recurring", {"count": 1, "findings": [[fifth, fifth]]}),
    ]
    moves = [finding_moves.moves_of(store.conn, row) for row in added]
    assert [[event[2:10] for event in found] for found in moves] == [
        [("finding_moved", rows.RUN, 1, f"finding:{row}", before, "recurring", "swarm", f"note {row}")]
        if before
        else []
        for row, before in zip(added, ("new", "new", None, "new", "unverified"), strict=True)
    ]
    assert [event.subject for event in finding_moves.one_by_one(events, 4)] == [
        f"finding:{row}" for row in (first, second, fourth, fifth)
    ]
    assert finding_moves.observed_since(store.conn, rows.RUN, seq).keys() == {first, second, fourth, fifth}


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"count": 2, "findings": [[1, 10**15]]},
        {"count": 0, "findings": [[5, 1], [1, 3]]},
        {"count": 1, "findings": [["x", "y"]]},
    ],
)
def test_an_event_that_counts_other_findings_than_it_names_is_refused(
    store: Store, wave: Wave, payload: dict[str, object]
) -> None:
    with store.mutation() as conn:
        recurred(conn, **payload)
    with pytest.raises(errors.ControlPlaneRowRefused):
        list(finding_moves.one_by_one(ledger.events_after(store.conn, 0), 10))


def test_events_that_name_more_findings_than_were_seen_are_not_followed(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        recurred(conn, count=10**15, findings=[[1, 10**15]])
    with pytest.raises(ValueError, match="names more findings than were seen"):
        list(finding_moves.one_by_one(ledger.events_after(store.conn, 0), 10))

"""Table domains and its snapshots: the map in its order, replaced whole, frozen once, and kept as a wave saw it."""

import json
import sqlite3

import pytest

from swarm import errors
from swarm.rules.domains import Domain, Ownership
from swarm.store import domains, ledger, runs, snapshots
from swarm.store.connection import Store
from swarm.store.ledger import Entry
from swarm.store.waves import Wave
from tests.store import rows
from tests.store.writers import steps

OTHER = [Domain("docs", Ownership.SHARED, ("docs/**", "*.md"), "prose"), *rows.MAP]


def replace(store: Store, new: list[Domain]) -> None:
    with store.mutation() as conn:
        domains.replace_map(conn, rows.RUN, new, Entry("map_changed", f"map:{rows.RUN}", rows.RUN))


def test_a_map_is_replaced_whole_and_the_ledger_holds_it(store: Store, wave: Wave) -> None:
    assert domains.domain_map(store.conn, rows.RUN) == rows.MAP
    replace(store, OTHER)
    assert domains.domain_map(store.conn, rows.RUN) == OTHER
    event = list(ledger.events_after(store.conn, 0))[-1]
    assert domains.domains_from(json.loads(str(event.payload))["after"]) == OTHER


@pytest.mark.parametrize(
    "wrong",
    [
        Domain("a/b", Ownership.OWNED, ("x/**",)),
        Domain("", Ownership.OWNED, ("x/**",)),
        Domain("x" * 65, Ownership.OWNED, ("x/**",)),
        Domain("none", Ownership.OWNED, ()),
        Domain("code", Ownership.OWNED, ("x/**",)),
    ],
)
def test_a_map_with_a_domain_that_cannot_be_is_refused_and_the_previous_stays(
    store: Store, wave: Wave, wrong: Domain
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        replace(store, [*rows.MAP, wrong])
    assert domains.domain_map(store.conn, rows.RUN) == rows.MAP


def test_a_map_is_frozen_once_and_not_when_it_is_empty(store: Store, wave: Wave) -> None:
    run = runs.find(store.conn, rows.RUN)
    assert run is not None
    with store.mutation() as conn:
        domains.freeze_within(conn, run)
        domains.freeze_within(conn, run)
    assert steps(store, "map_frozen") == [("map_frozen", f"map:{rows.RUN}", "draft", "frozen")]
    replace(store, [])
    with pytest.raises(errors.DomainsEmpty):
        domains.freeze_within(store.conn, run)


def test_a_map_of_a_run_has_one_snapshot_that_later_changes_leave(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        first = snapshots.add(conn, rows.RUN, rows.MAP)
        assert snapshots.add(conn, rows.RUN, rows.MAP) == first == wave.snapshot_id
        second = snapshots.add(conn, rows.RUN, OTHER)
    replace(store, OTHER)
    assert (snapshots.map_of(store.conn, first), snapshots.map_of(store.conn, second)) == (rows.MAP, OTHER)
    assert snapshots.digest_of(store.conn, first) != snapshots.digest_of(store.conn, second)


def test_a_name_is_taken_once_a_run(store: Store, wave: Wave) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.conn.execute(
            "INSERT INTO domains (run_id, position, name, ownership, globs) VALUES (?, 9, 'code', 'owned', '[1]')",
            (rows.RUN,),
        )

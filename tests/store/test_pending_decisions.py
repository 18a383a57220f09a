"""Table pending_decisions: each fingerprint of a run waits under its newest decision until that expires."""

import sqlite3

import pytest

from swarm.store import pending_decisions
from swarm.store.connection import Store
from swarm.store.pending_decisions import Pending
from swarm.store.waves import Wave
from tests.store import rows

OTHER = "swarm-1700000001-0123abcd"
FIRST = Pending("a" * 24, "rejected", "meant so", "Ada", None)
SECOND = Pending("b" * 24, "deferred", "later", "Ada", "2026-01-31")


def keep(store: Store, *decisions: Pending, run: str = rows.RUN) -> None:
    with store.mutation() as conn:
        pending_decisions.keep(conn, run, decisions)


def test_a_newer_decision_takes_the_place_of_the_older(store: Store, wave: Wave) -> None:
    keep(store, FIRST, SECOND)
    newer = FIRST._replace(decision="approved", reason="after all", author="Grace", expires="2026-02-01")
    keep(store, newer)
    assert pending_decisions.waiting(store.conn, rows.RUN) == [newer, SECOND]


def test_a_decision_holds_to_the_end_of_its_last_day(store: Store, wave: Wave) -> None:
    keep(store, FIRST, SECOND)
    with store.mutation() as conn:
        pending_decisions.drop_expired(conn, rows.RUN, "2026-01-31")
    assert pending_decisions.waiting(store.conn, rows.RUN) == [FIRST, SECOND]
    with store.mutation() as conn:
        pending_decisions.drop_expired(conn, rows.RUN, "2026-02-01")
    assert pending_decisions.waiting(store.conn, rows.RUN) == [FIRST]


def test_decisions_of_another_run_are_neither_read_nor_dropped(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        rows.add_run(conn, OTHER)
    keep(store, FIRST)
    keep(store, SECOND, run=OTHER)
    with store.mutation() as conn:
        pending_decisions.drop(conn, rows.RUN, [FIRST.fingerprint, SECOND.fingerprint])
    assert pending_decisions.waiting(store.conn, rows.RUN) == []
    assert pending_decisions.waiting(store.conn, OTHER) == [SECOND]


@pytest.mark.parametrize("run", [rows.RUN, "swarm-1-00000000"])
def test_an_unknown_decision_or_run_is_refused_by_the_table(store: Store, wave: Wave, run: str) -> None:
    wrong = FIRST if run != rows.RUN else FIRST._replace(decision="open")
    with pytest.raises(sqlite3.IntegrityError):
        pending_decisions.keep(store.conn, run, [wrong])

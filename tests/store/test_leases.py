"""Table leases: a lease is asked for once, decided again and again, and counted for its wave and the next."""

import sqlite3
from pathlib import Path

import pytest

from swarm.store import leases
from swarm.store.connection import Store
from swarm.store.waves import Wave
from tests.store import rows
from tests.store.writers import at_once, steps

FILE = "src/app.py"


def test_a_request_is_kept_once_and_an_answer_stays(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        assert leases.request(conn, rows.RUN, 1, "rest", FILE, "it calls it")
        assert not leases.request(conn, rows.RUN, 1, "rest", FILE, "once more")
        leases.decide(conn, rows.RUN, 1, "rest", FILE, "denied", "no")
        assert not leases.request(conn, rows.RUN, 1, "rest", FILE, "please")
    (lease,) = leases.of_run(store.conn, rows.RUN)
    assert (lease.status, lease.request_reason, lease.reason) == ("denied", "it calls it", "no")
    assert steps(store, "lease_requested", "lease_decided") == [
        ("lease_requested", "lease:1", None, "requested"),
        ("lease_decided", "lease:1", "requested", "denied"),
    ]


def test_a_lease_needs_no_request_and_a_second_decision_replaces_the_first(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        leases.decide(conn, rows.RUN, 1, "rest", FILE, "granted", "yes")
        leases.decide(conn, rows.RUN, 1, "rest", FILE, "denied", "on second thought")
    assert [(lease.status, lease.reason) for lease in leases.of_run(store.conn, rows.RUN)] == [
        ("denied", "on second thought")
    ]
    assert leases.granted(store.conn, rows.RUN, 1) == {}


def test_an_agent_holds_the_files_granted_for_its_wave_and_for_the_next(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        for number, file in ((1, "a.py"), (2, "b.py"), (3, "c.py")):
            leases.decide(conn, rows.RUN, number, "rest", file, "granted", "yes")
        leases.request(conn, rows.RUN, 1, "rest", "asked.py", "please")
    assert leases.granted(store.conn, rows.RUN, 1) == {"rest": {"a.py"}}
    assert leases.holding(store.conn, rows.RUN, 1) == {"rest": {"a.py", "b.py"}}


@pytest.mark.parametrize(
    ("status", "reason", "decided"),
    [("lent", "x", "now"), ("granted", None, "now"), ("granted", "x", None), ("requested", None, "now")],
)
def test_a_state_that_is_half_of_one_is_refused_by_the_table(
    store: Store, wave: Wave, status: str, reason: str | None, decided: str | None
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.conn.execute(
            "INSERT INTO leases (run_id, wave_number, domain, file, status, reason, created, decided)"
            " VALUES (?, 1, 'rest', 'a.py', ?, ?, 'now', ?)",
            (rows.RUN, status, reason, decided),
        )


def test_of_two_requests_at_once_only_the_first_is_new(store: Store, wave: Wave, database: Path) -> None:
    def ask(own: Store) -> bool:
        with own.mutation() as conn:
            return leases.request(conn, rows.RUN, 1, "rest", FILE, "it calls it")

    assert sorted(map(bool, at_once(database, ask, ask))) == [False, True]
    assert len(steps(store, "lease_requested")) == 1

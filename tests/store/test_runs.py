"""Table runs: a run is found by its id, its prefix or its folder; the newest is the one added last."""

import sqlite3
from pathlib import PurePosixPath

import pytest

from swarm.store import runs
from swarm.store.connection import Store
from swarm.store.runs import Run
from tests.store import rows
from tests.store.writers import steps

OLD, NEW = "swarm-1700000009-aaaa1111", "swarm-1600000000-aaaa2222"


@pytest.fixture
def two(store: Store) -> tuple[Run, Run]:
    """Two runs, of which the one with the later time in its id was added first."""
    with store.mutation() as conn:
        return rows.add_run(conn, OLD), rows.add_run(conn, NEW)


def test_the_newest_run_is_the_one_added_last(store: Store, two: tuple[Run, Run]) -> None:
    assert runs.newest(store.conn) == two[1]
    assert [counts.run.id for counts in runs.all_with_counts(store.conn)] == [NEW, OLD]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("swarm-17", [OLD]), ("aaaa2222", [NEW]), ("aaaa", [NEW, OLD]), ("bbbb", []), ("%", []), ("swarm_", [])],
)
def test_runs_are_found_by_the_beginning_of_their_id_or_hex(
    store: Store, two: tuple[Run, Run], prefix: str, found: list[str]
) -> None:
    assert [run.id for run in runs.beginning_with(store.conn, prefix)] == found


def test_of_nested_repositories_the_innermost_is_meant(store: Store, two: tuple[Run, Run]) -> None:
    inner = two[0]._replace(id="swarm-1500000000-cccc3333", local_path="/srv/project/vendor/inner")
    with store.mutation() as conn:
        runs.add(conn, inner)
    around = runs.newest_around
    assert around(store.conn, PurePosixPath("/srv/project/vendor/inner/src")) == inner
    assert around(store.conn, PurePosixPath("/srv/project/src")) == two[1]
    assert around(store.conn, PurePosixPath("/srv/projects")) is None


def test_a_run_that_is_over_is_not_gone_on_with(store: Store, two: tuple[Run, Run]) -> None:
    assert runs.open_at(store.conn, "/srv/project") == two[1]
    with store.mutation() as conn:
        assert runs.set_status(conn, NEW, "initializing", "aborted")
        assert not runs.set_status(conn, NEW, "initializing", "test")
    over = runs.find(store.conn, NEW)
    assert over is not None
    assert over.is_over
    assert runs.open_at(store.conn, "/srv/project") == two[0]


def test_a_timeout_that_is_so_already_leaves_no_event(store: Store, two: tuple[Run, Run]) -> None:
    with store.mutation() as conn:
        runs.set_timeout(conn, two[1], 90)
        # The run as it was read before another process changed it.
        runs.set_timeout(conn, two[1], 90)
    assert steps(store, "run_timeout_set") == [("run_timeout_set", f"run:{NEW}", "1800s", "90s")]


@pytest.mark.parametrize(
    "wrong", [{"id": "run-1"}, {"status": "looking"}, {"commit_sha": "abc"}, {"timeout_seconds": 0}, {}]
)
def test_a_run_that_cannot_be_is_refused(store: Store, two: tuple[Run, Run], wrong: dict[str, object]) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        runs.add(store.conn, two[1]._replace(**wrong))
    assert runs.newest(store.conn) == two[1]

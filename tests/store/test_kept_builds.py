"""Builds kept by run, wave and name: the newest stays, and a newer wave takes the place of the older."""

from swarm.store import kept_builds
from swarm.store.connection import Store
from tests.store import rows

OTHER = "swarm-1700000001-0123abcd"


def keep(store: Store, wave: int, name: str, text: str, run: str = rows.RUN) -> None:
    with store.mutation() as conn:
        kept_builds.keep(conn, run, wave, name, {"verdict": text})


def test_a_build_that_ran_again_takes_the_place_of_the_earlier(store: Store) -> None:
    keep(store, 1, "a", "red")
    keep(store, 1, "b", "green")
    keep(store, 1, "a", "green")
    green = {"verdict": "green"}
    assert [kept_builds.kept(store.conn, rows.RUN, 1, name) for name in "abc"] == [green, green, None]


def test_a_build_of_another_wave_of_the_run_makes_room(store: Store) -> None:
    keep(store, 1, "a", "of wave 1")
    keep(store, 1, "a", "of another run", OTHER)
    keep(store, 11, "a", "of wave 11")
    assert kept_builds.kept(store.conn, rows.RUN, 1, "a") is None
    assert kept_builds.kept(store.conn, rows.RUN, 11, "a") == {"verdict": "of wave 11"}
    assert kept_builds.kept(store.conn, OTHER, 1, "a") == {"verdict": "of another run"}

"""Save points that an `init` has begun: noted under their tag, listed for their git folder, forgotten with their run."""

import sqlite3

import pytest

from swarm.store import kv, save_points
from swarm.store.connection import Store
from swarm.store.save_points import Begun

FIRST = Begun("swarm-save-1-aaaaaaaa", "1" * 40, "/srv/project/.git")
SECOND = Begun("swarm-save-2-bbbbbbbb", "2" * 40, "/srv/project/.git")
ELSEWHERE = Begun("swarm-save-3-cccccccc", "3" * 40, "/srv/other/.git")


def test_unfinished_save_points_are_those_of_a_git_folder(store: Store) -> None:
    with store.mutation() as conn:
        for begun in (SECOND, ELSEWHERE, FIRST):
            save_points.note(conn, begun)
    assert save_points.unfinished(store.conn, FIRST.git_folder) == [FIRST, SECOND]
    with store.mutation() as conn:
        save_points.forget(conn, [FIRST])
    assert save_points.unfinished(store.conn, FIRST.git_folder) == [SECOND]
    assert save_points.unfinished(store.conn, ELSEWHERE.git_folder) == [ELSEWHERE]


def test_a_tag_is_noted_once(store: Store) -> None:
    save_points.note(store.conn, FIRST)
    with pytest.raises(sqlite3.IntegrityError):
        save_points.note(store.conn, FIRST)


def test_the_version_of_the_schema_is_no_save_point_and_stays(store: Store) -> None:
    version = kv.value_of(store.conn, kv.VERSION_KEY)
    save_points.note(store.conn, FIRST)
    save_points.forget(store.conn, save_points.unfinished(store.conn, FIRST.git_folder))
    assert save_points.unfinished(store.conn, FIRST.git_folder) == []
    assert kv.value_of(store.conn, kv.VERSION_KEY) == version is not None


def test_a_note_of_a_transaction_that_fails_is_not_kept(store: Store) -> None:
    class Stopped(Exception):
        pass

    def note_and_stop() -> None:
        with store.mutation() as conn:
            save_points.note(conn, FIRST)
            raise Stopped

    with pytest.raises(Stopped):
        note_and_stop()
    assert save_points.unfinished(store.conn, FIRST.git_folder) == []

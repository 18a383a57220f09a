"""Opening and writing: one transaction a mutation, writers in a queue, readers beside them."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from swarm import errors, locks
from swarm.locks import LockTaken, holder_of, locked
from swarm.store import connection, writers
from swarm.store.connection import Store, open_store
from swarm.store.migrations import SCHEMA_VERSION
from tests.store import rows

HOLD = """
import sys
from pathlib import Path
from swarm.store.connection import open_store
with open_store(Path(sys.argv[1]), "collect") as store:
    with store.mutation():
        print("held", flush=True)
        sys.stdin.read()
"""
BARE_HOLD = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
ADD = """
import sys
from pathlib import Path
from swarm.store.connection import open_store
with open_store(Path(sys.argv[1]), "add") as store:
    for number in range(int(sys.argv[2])):
        with store.mutation() as conn:
            count = int(conn.execute("SELECT value FROM kv WHERE key = 'count'").fetchone()[0])
            conn.execute("UPDATE kv SET value = ? WHERE key = 'count'", (str(count + 1),))
"""
Hold = Callable[[str], int]


@pytest.fixture
def hold(store: Store, database: Path) -> Iterator[Hold]:
    """`hold(script)`: another process that holds the database until the test ends; its pid is returned."""
    with ExitStack() as stack:

        def start(script: str) -> int:
            process = subprocess.Popen(
                [sys.executable, "-c", script, str(database)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.communicate)
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            return process.pid

        yield start


def test_a_writer_that_waited_in_vain_is_told_for_whom(
    store: Store, hold: Hold, monkeypatch: pytest.MonkeyPatch, database: Path
) -> None:
    pid = hold(HOLD)
    monkeypatch.setattr(writers, "WAIT_SECONDS", 0.05)
    with pytest.raises(errors.ControlPlaneBusy) as caught, store.mutation():
        pytest.fail("the lock was not held")
    assert (caught.value.fields["path"], caught.value.fields["holder"]) == (
        str(database),
        f" by process {pid} (collect)",
    )


def test_a_reader_is_not_kept_out_by_a_writer_that_has_written_nothing_yet(store: Store, hold: Hold) -> None:
    hold(HOLD)
    assert store.conn.execute("SELECT value FROM kv").fetchall() == [(str(SCHEMA_VERSION),)]


def test_a_writer_commits_while_somebody_reads_a_copy(store: Store, database: Path) -> None:
    with open_store(database, "report") as reader, reader.copy() as copy:
        rows_before = copy.execute("SELECT count(*) FROM kv")
        with store.mutation() as conn:
            conn.execute("INSERT INTO kv VALUES ('more', '1')")
        assert rows_before.fetchone() == copy.execute("SELECT count(*) FROM kv").fetchone() == (1,)
        assert copy.execute("SELECT placed('x')").fetchone() is not None
    assert store.conn.execute("SELECT count(*) FROM kv").fetchone() == (2,)


def test_a_database_that_somebody_else_locked_is_told_as_busy(
    hold: Hold, monkeypatch: pytest.MonkeyPatch, database: Path
) -> None:
    hold(BARE_HOLD)
    monkeypatch.setattr(connection, "READ_WAIT_SECONDS", 0.05)
    with pytest.raises(errors.ControlPlaneBusy) as caught:
        open_store(database, "test")
    assert caught.value.fields["path"] == str(database)
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


def test_writers_that_read_first_lose_nothing(store: Store, database: Path) -> None:
    store.conn.execute("INSERT INTO kv VALUES ('count', '0')")
    started = [subprocess.Popen([sys.executable, "-c", ADD, str(database), "10"]) for _ in range(6)]
    assert [process.wait() for process in started] == [0] * 6
    assert store.conn.execute("SELECT value FROM kv WHERE key = 'count'").fetchone() == ("60",)


def test_a_mutation_is_written_whole(store: Store, database: Path) -> None:
    with store.mutation() as conn:
        rows.add_run(conn)
    with open_store(database, "other") as other:
        assert other.conn.execute("SELECT id FROM runs").fetchall() == [(rows.RUN,)]


class Stopped(BaseException):
    """As a Ctrl-C would be."""


@pytest.mark.parametrize("raised", [ValueError, Stopped])
def test_a_mutation_that_raises_is_taken_back_whole(store: Store, raised: type[BaseException]) -> None:
    def add_and_raise(conn: sqlite3.Connection) -> None:
        rows.add_run(conn)
        raise raised

    with pytest.raises(raised), store.mutation() as conn:
        add_and_raise(conn)
    assert store.conn.execute("SELECT id FROM runs").fetchall() == []
    assert not store.conn.in_transaction
    with store.mutation() as conn:
        rows.add_run(conn)
    assert store.conn.execute("SELECT id FROM runs").fetchall() == [(rows.RUN,)]


def test_a_mutation_takes_the_write_lock_before_it_reads(store: Store, database: Path) -> None:
    other = sqlite3.connect(database, timeout=0, isolation_level=None)
    with store.mutation(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()


def test_a_bulk_mutation_does_not_lock_readers_out_before_it_commits(store: Store, database: Path) -> None:
    with open_store(database, "other") as other, store.mutation(bulk=True) as conn:
        conn.executemany("INSERT INTO kv VALUES (?, ?)", ((f"key {n}", "x" * 1000) for n in range(5000)))
        other.conn.execute("PRAGMA busy_timeout = 0")
        assert other.conn.execute("SELECT count(*) FROM kv").fetchone() == (1,)


def test_damage_is_told_in_sqlite_s_words(store: Store, database: Path) -> None:
    with store.mutation() as conn:
        rows.add_run(conn)
        rows.add_finding(conn, 1)
    assert store.damage() is None
    root, size = store.conn.execute(
        "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'findings_by_status'"
    ).fetchone()
    store.conn.close()
    with database.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    with open_store(database, "test") as opened:
        assert "*** in database main ***" in (opened.damage() or "")


def test_references_between_tables_are_held(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.mutation() as conn:
        rows.add_finding(conn, 1)


def test_a_full_disk_is_told_and_nothing_is_recorded(store: Store, database: Path) -> None:
    pages = store.conn.execute("PRAGMA page_count").fetchone()[0]
    store.conn.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(errors.ControlPlaneWriteFailed) as caught, store.mutation() as conn:
        conn.execute("INSERT INTO kv VALUES ('big', ?)", ("x" * 100_000,))
    assert caught.value.fields == {"path": str(database), "problem": "database or disk is full"}
    assert store.conn.execute("SELECT key FROM kv").fetchall() == [("schema_version",)]


def test_a_journal_that_a_crash_left_is_rolled_back_by_the_next_call(store: Store, database: Path) -> None:
    store.conn.close()
    crash = (
        "import os, sqlite3, sys\n"
        "conn = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "conn.execute('PRAGMA cache_size = 1')\n"
        "conn.execute('BEGIN IMMEDIATE')\n"
        "conn.execute(\"UPDATE kv SET value = 'half'\")\n"
        "conn.executemany('INSERT INTO kv VALUES (?, ?)', ((str(n), 'x' * 3000) for n in range(200)))\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", crash, str(database)], check=False)
    assert database.with_name("control-plane.db-journal").exists()
    with open_store(database, "test") as opened:
        assert opened.conn.execute("SELECT key, value FROM kv").fetchall() == [("schema_version", str(SCHEMA_VERSION))]
    assert not database.with_name("control-plane.db-journal").exists()


AS_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="permission bits do not bind root")


@AS_ROOT
def test_a_read_only_file_can_be_read_and_not_written(store: Store, database: Path) -> None:
    store.conn.close()
    database.chmod(0o400)
    with open_store(database, "test") as opened:
        assert opened.conn.execute("SELECT value FROM kv").fetchall() == [(str(SCHEMA_VERSION),)]
        with pytest.raises(errors.ControlPlaneReadOnly), opened.mutation() as conn:
            rows.add_run(conn)


@AS_ROOT
def test_a_database_in_a_read_only_folder_can_be_read_and_not_written(store: Store, database: Path) -> None:
    store.conn.close()
    database.with_name("control-plane.db.lock").unlink()
    database.parent.chmod(0o500)
    try:
        with open_store(database, "test") as opened:
            assert opened.conn.execute("SELECT value FROM kv").fetchall() == [(str(SCHEMA_VERSION),)]
            with pytest.raises(errors.ControlPlaneReadOnly), opened.mutation() as conn:
                rows.add_run(conn)
    finally:
        database.parent.chmod(0o700)


@AS_ROOT
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(errors.WorkspaceNotWritable):
        open_store(tmp_path / "locked" / "swarms" / "control-plane.db", "test", create=True)


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "swarms").write_text("a file")
    with pytest.raises(errors.SwarmError) as caught:
        open_store(tmp_path / "swarms" / "control-plane.db", "test", create=True)
    assert caught.value.code in {"WORKSPACE_NOT_WRITABLE", "CONTROL_PLANE_READ_ONLY"}
    assert (tmp_path / "swarms").read_text() == "a file"


@pytest.mark.parametrize("name", ["a b.db", "q?x=1.db", "h#ash.db", "per%20cent.db", "é\n.db"])
def test_a_path_with_odd_characters_is_opened_as_it_is_written(tmp_path: Path, name: str) -> None:
    with open_store(tmp_path / name, "test", create=True):
        pass
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(["home", name, name + ".lock"])


def test_a_lock_is_signed_by_its_holder_and_free_again_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with locked(path, "a long verb", timeout=0):
        assert holder_of(path) == f"{os.getpid()} a long verb"
    with locked(path, "b", timeout=0):
        assert holder_of(path) == f"{os.getpid()} b"


def test_a_lock_that_is_held_tells_by_whom(store: Store, hold: Hold, database: Path) -> None:
    pid = hold(HOLD)
    with pytest.raises(LockTaken) as caught, locks.locked(Path(f"{database}.lock"), "test", timeout=0):
        pytest.fail("the lock was not held")
    assert caught.value.holder == f"{pid} collect"


def test_nobody_holds_a_lock_that_is_not_there(tmp_path: Path) -> None:
    assert holder_of(tmp_path / "none.lock") == ""

"""A database that cannot be used, met by a verb of each kind: refused by its code, left to the byte, nothing done."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from swarm import clock
from tests.cli.scenes.broken_things import EVERY, READING, WRITING, Act, World, Worlds, each, refused
from tests.conftest import Repo

pytestmark = pytest.mark.sweep

PAGE = 4096
DAY = 86_400.0


@pytest.fixture
def repo(worlds: Worlds) -> Repo:
    return worlds.repo


def sql(*statements: str) -> Callable[[Path], None]:
    def run(db: Path) -> None:
        conn = sqlite3.connect(db, isolation_level=None)
        for statement in statements:
            conn.execute(statement)
        conn.close()

    return run


def cut(size: int) -> Callable[[Path], None]:
    """Cut the file off; a negative size counts from its end."""
    return lambda db: os.truncate(db, size if size > 0 else db.stat().st_size + size)


def in_its_place(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def put(db: Path) -> None:
        db.unlink()
        make(db)

    return put


MISSING, CORRUPT = "CONTROL_PLANE_MISSING", "CONTROL_PLANE_CORRUPT"
UNVERSIONED, TOO_NEW = "CONTROL_PLANE_SCHEMA_CORRUPT", "CONTROL_PLANE_SCHEMA_TOO_NEW"
# What is done to the file, the code that tells it, and whether `init` takes it for no database and makes one.
BROKEN: dict[str, tuple[Callable[[Path], object], str, bool]] = {
    "missing": (Path.unlink, MISSING, True),
    "no folder": (lambda db: shutil.rmtree(db.parent), MISSING, True),
    "empty": (lambda db: db.write_bytes(b""), MISSING, True),
    "garbage": (lambda db: db.write_bytes(b"no database " * 999), CORRUPT, False),
    "a few bytes": (lambda db: db.write_bytes(b"notes\n"), CORRUPT, False),
    "half a header": (cut(50), CORRUPT, False),
    "one page": (cut(PAGE), CORRUPT, False),
    "one page and some": (cut(PAGE + 904), CORRUPT, False),
    "without its last page": (cut(-PAGE), CORRUPT, False),
    "of a newer schema": (sql("UPDATE kv SET value = '99' WHERE key = 'schema_version'"), TOO_NEW, False),
    "of no version": (sql("DELETE FROM kv"), UNVERSIONED, False),
    "of a version that is no number": (sql("UPDATE kv SET value = 'two'"), UNVERSIONED, False),
    "of another program": (in_its_place(sql("CREATE TABLE notes (text)")), UNVERSIONED, False),
    "a folder": (in_its_place(Path.mkdir), CORRUPT, False),
    "a pipe": (in_its_place(os.mkfifo), CORRUPT, False),
    "a device": (in_its_place(lambda db: db.symlink_to("/dev/full")), CORRUPT, False),
    "a link to nothing": (in_its_place(lambda db: db.symlink_to("nowhere.db")), CORRUPT, False),
    "a link to itself": (in_its_place(lambda db: db.symlink_to(db)), CORRUPT, False),
}


def put_back(db: Path, kept: bytes) -> None:
    """Bring the database back, whatever is in its place."""
    db.parent.mkdir(exist_ok=True)
    if db.is_dir() and not db.is_symlink():
        db.rmdir()
    db.unlink(missing_ok=True)
    db.write_bytes(kept)
    db.chmod(0o600)


@pytest.mark.parametrize("broken", [name for name in BROKEN if name != "no folder"])
@each(EVERY)
def test_a_database_that_cannot_be_used_is_refused_and_left(
    world: Callable[[Act], World], act: Act, broken: str
) -> None:
    here, (do, code, is_none) = world(act), BROKEN[broken]
    whole, kept = here.everything(), here.db.read_bytes()
    do(here.db)
    before = here.everything()
    if act.verb == "init" and is_none:
        assert here.call(act).exit == 0
        here.is_sound()
        return
    refused(here.named(act), code)
    here.is_as(before)
    put_back(here.db, kept)
    here.is_as(whole)
    here.stands(act)


@pytest.mark.parametrize("broken", ["no folder", "missing", "one page and some", "a folder", "a link to nothing"])
@each(WRITING)
def test_a_database_that_is_there_again_is_worked_with(
    world: Callable[[Act], World], act: Act, broken: str, tmp_path: Path
) -> None:
    here = world(act)
    shutil.copytree(here.db.parent, tmp_path / "kept", symlinks=True)
    BROKEN[broken][0](here.db)
    if act.verb != "init":
        refused(here.named(act), BROKEN[broken][1])
    shutil.rmtree(here.db.parent, ignore_errors=True)
    shutil.copytree(tmp_path / "kept", here.db.parent, symlinks=True)
    here.works(act)


@pytest.mark.soak
@each((READING[0], WRITING[4]))
def test_a_database_that_was_cut_off_anywhere_is_refused_and_left(world: Callable[[Act], World], act: Act) -> None:
    here = world(act)
    kept = here.db.read_bytes()
    sizes = {size + odd for size in range(0, len(kept), PAGE) for odd in (-1, 0, 1, 99, 511, 513, 2048)}
    for size in sorted(size for size in sizes if 1 < size < len(kept)):
        here.db.write_bytes(kept[:size])
        refused(here.named(act), CORRUPT)
        assert here.db.read_bytes() == kept[:size], size
        assert here.strays() == []
    here.db.write_bytes(kept)
    here.works(act)


# --- a journal that a crash left --------------------------------------------------------------------------

# Spills what it has not committed into the file, and is killed there.
KILLED = """
import os, signal, sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("PRAGMA cache_size = 1")
conn.execute("BEGIN IMMEDIATE")
conn.execute("UPDATE runs SET status = 'complete'")
conn.execute("UPDATE kv SET value = '1' WHERE key = 'schema_version'")
conn.executemany("INSERT INTO kv VALUES (?, ?)", ((str(n), "x" * 3000) for n in range(100)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_in_a_transaction(db: Path) -> None:
    before = db.read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, str(db)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert db.with_name(db.name + "-journal").stat().st_size > 0
    assert db.read_bytes() != before


@each(EVERY)
def test_what_a_killed_writer_left_half_written_is_taken_back_by_the_next_call(
    world: Callable[[Act], World], act: Act
) -> None:
    here = world(act)
    killed_in_a_transaction(here.db)
    here.works(act)


@each(READING)
def test_a_reading_verb_alone_takes_a_dead_writer_s_half_back_to_the_byte(
    world: Callable[[Act], World], act: Act
) -> None:
    here = world(act)
    # Pages that migrations freed are used without a journal, so a rollback does not bring their bytes back.
    with closing(sqlite3.connect(here.db)) as conn:
        conn.execute("VACUUM")
    before = here.everything()
    killed_in_a_transaction(here.db)
    assert here.call(act).exit == act.exit
    here.is_as(before)


# --- a clock that goes backward ---------------------------------------------------------------------------


@each(WRITING)
def test_a_clock_that_was_set_back_changes_nothing(
    world: Callable[[Act], World], act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(act)
    now = clock.time.time() - DAY

    def earlier_each_time() -> float:
        nonlocal now
        now -= 1.0
        return now

    monkeypatch.setattr(clock, "time", SimpleNamespace(time=earlier_each_time))
    here.works(act)
    rows = here.team.rows("SELECT seq, ts FROM events ORDER BY seq")
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
    # The order is that of the ids, which the times are not in.
    assert rows[-1][1] < rows[0][1]
    assert here.team.rows("SELECT duration_ms FROM attempts WHERE duration_ms < 0") == []


def test_nobody_is_late_by_a_clock_that_was_set_back(
    world: Callable[[Act], World], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = world(WRITING[2])
    sql(f"UPDATE agent_runs SET status = 'running', started = '{clock.now()}'")(here.db)
    back = clock.time.time() - DAY
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: back))
    data = here.team.swarm("status", here.team.run, "--format", "json").data
    assert [agent["stale"] for agent in data["agents"]] == [False, False]
    planned = here.team.swarm("resume", here.team.run, "--format", "json").data
    assert planned["timedOut"] == []
    ahead = back + 2 * DAY
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: ahead))
    planned = here.team.swarm("resume", here.team.run, "--format", "json").data
    assert len(planned["timedOut"]) == 2


# --- an output that cannot be written ---------------------------------------------------------------------


@pytest.mark.parametrize("verb", [("report", "RUN", "-o"), ("findings", "RUN", "--export")])
@pytest.mark.parametrize("target", ["/dev/full", ".", "src", "none/there.html", "swarms/control-plane.db"])
def test_an_output_that_cannot_be_written_is_refused_and_nothing_is_changed(
    world: Callable[[Act], World], verb: tuple[str, ...], target: str
) -> None:
    act = Act("report", "team", (*verb, target))
    here = world(Act("status", "team", ("status", "RUN")))
    before = here.everything()
    refused(here.named(act), "OUTPUT_NOT_WRITABLE", "CLI_USAGE")
    here.is_as(before)
    here.stands(act)

"""The schema's version: created once, upgraded after a backup, and refused untouched where it is not ours."""

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from swarm import errors, shipped
from swarm.store import findings, fix_claims, leases, migrations, promotions, runs, verifications
from swarm.store.backups import remedy, remedy_of_none
from swarm.store.connection import Store, open_store
from tests.store import rows
from tests.store.writers import broken_link

DATA = Path(__file__).parent.parent / "data"
THIS = migrations.SCHEMA_VERSION
NEXT = f"{THIS + 1:04d}_note.py"
FRESH = "CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT"
SECOND = """
def apply(db):
    db.execute("ALTER TABLE runs ADD COLUMN note TEXT")
"""
BROKEN = """
def apply(db):
    db.execute("ALTER TABLE runs ADD COLUMN note TEXT")
    db.execute("INSERT INTO no_such_table VALUES (1)")
"""
ORPHAN = """
def apply(db):
    db.execute("DELETE FROM runs")
"""


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if not file.is_dir()}


def schema_of(conn: sqlite3.Connection) -> list[tuple[str, str, str]]:
    return conn.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()


def dump_of(database: Path) -> list[str]:
    conn = sqlite3.connect(database)
    try:
        return list(conn.iterdump())
    finally:
        conn.close()


def database_with(database: Path, *statements: str) -> bytes:
    database.parent.mkdir(exist_ok=True)
    conn = sqlite3.connect(database)
    for statement in statements:
        conn.execute(statement)
    conn.commit()
    conn.close()
    return database.read_bytes()


def test_a_fresh_database_has_this_build_s_version_and_every_table(store: Store) -> None:
    assert store.conn.execute("SELECT key, value FROM kv").fetchall() == [("schema_version", str(THIS))]
    tables = store.conn.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()
    assert [name for (name,) in tables] == [
        "agent_runs",
        "analyses",
        "artifacts",
        "assignments",
        "attempts",
        "domains",
        "events",
        "file_claims",
        "finding_aliases",
        "findings",
        "fix_claims",
        "kv",
        "leases",
        "merges",
        "pending_decisions",
        "permissions",
        "plan_locks",
        "promotions",
        "receipts",
        "reviews",
        "runs",
        "sightings",
        "snapshots",
        "verifications",
        "waves",
    ]


def test_every_table_is_strict(store: Store) -> None:
    listed = store.conn.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    assert [name for name, strict in listed if not strict] == ["sqlite_schema"]


def test_a_fresh_database_gets_its_whole_schema_in_a_single_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points: list[str] = []
    monkeypatch.setattr(migrations, "failpoint", points.append)
    open_store(tmp_path / "control-plane.db", "test", create=True).conn.close()
    assert points == ["commit.before", "commit.after"]


def test_a_fresh_database_is_for_its_user_alone_and_in_one_file(store: Store, database: Path) -> None:
    assert (database.stat().st_mode & 0o777, database.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert store.conn.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert sorted(file.name for file in database.parent.iterdir()) == ["control-plane.db", "control-plane.db.lock"]


def test_opening_again_changes_no_byte(store: Store, database: Path) -> None:
    before = database.read_bytes()
    open_store(database, "test").conn.close()
    assert database.read_bytes() == before


@pytest.mark.parametrize("version", [str(THIS + 1), "7", "999999999"])
def test_a_newer_schema_is_refused_and_not_a_byte_changes(database: Path, version: str) -> None:
    database_with(database, FRESH, f"INSERT INTO kv VALUES ('schema_version', '{version}')")
    before = everything_in(database.parent)
    for create in (False, True):
        with pytest.raises(errors.ControlPlaneSchemaTooNew) as caught:
            open_store(database, "test", create=create)
        assert caught.value.fields == {"db_path": str(database), "on_disk_version": int(version), "build_version": THIS}
    assert caught.value.message == (
        f"control-plane.db at {database} is schema v{version} but this swarm build only understands v{THIS}. "
        "Pull the latest swarm before opening this DB."
    )
    assert everything_in(database.parent) == before


@pytest.mark.parametrize(
    ("value", "received"),
    [
        ("", "it reads ''"),
        ("one", "it reads 'one'"),
        ("-1", "it reads '-1'"),
        ("1.0", "it reads '1.0'"),
        ("1 ", "it reads '1 '"),
        ("1\n", "it reads '1\n'"),
        ("٣", "it reads '٣'"),
        ("9" * 200, "it reads '" + "9" * 117 + "...'"),
        (None, "there is no such row"),
    ],
)
def test_a_version_that_is_no_number_is_refused_and_not_a_byte_changes(
    database: Path, value: str | None, received: str
) -> None:
    row = [] if value is None else [f"INSERT INTO kv VALUES ('schema_version', '{value}')"]
    database_with(database, FRESH, *row)
    before = everything_in(database.parent)
    with pytest.raises(errors.ControlPlaneSchemaCorrupt) as caught:
        open_store(database, "test", create=True)
    assert caught.value.fields == {
        "path": str(database),
        "received": received,
        "remedy": remedy(database),
    }
    assert everything_in(database.parent) == before


def test_somebody_else_s_tables_are_not_taken_for_ours(database: Path) -> None:
    database_with(database, "CREATE TABLE recipes (name TEXT)")
    before = everything_in(database.parent)
    with pytest.raises(errors.ControlPlaneSchemaCorrupt, match="there is no such row"):
        open_store(database, "test", create=True)
    assert everything_in(database.parent) == before


def test_garbage_is_told_as_corrupt_and_kept(database: Path) -> None:
    database.parent.mkdir()
    database.write_bytes(b"this is no database at all, " * 1000)
    before = everything_in(database.parent)
    with pytest.raises(errors.ControlPlaneCorrupt) as caught:
        open_store(database, "test", create=True)
    assert caught.value.fields == {
        "path": str(database),
        "problem": "file is not a database",
        "remedy": f"move '{database}' aside and start anew with `swarm init .`; there is no backup",
    }
    assert everything_in(database.parent) == before


@pytest.mark.parametrize("size", [100, 512, 4096, 8192])
def test_a_truncated_file_is_told_as_corrupt_and_kept(database: Path, store: Store, size: int) -> None:
    store.conn.close()
    database.write_bytes(database.read_bytes()[:size])
    before = everything_in(database.parent)
    with pytest.raises(errors.ControlPlaneCorrupt):
        open_store(database, "test", create=True)
    assert everything_in(database.parent) == before


def a_backup(file: Path) -> Path:
    """Make the least that is a control plane."""
    database_with(file, FRESH, "INSERT INTO kv VALUES ('schema_version', '1')")
    return file


def test_the_remedy_for_a_damaged_file_is_its_newest_backup(database: Path) -> None:
    backups = database.parent / "backups"
    backups.mkdir(parents=True)
    database.write_bytes(b"garbage" * 1000)
    for age, name in enumerate(("a", "c", "b")):
        backup = a_backup(backups / f"control-plane-v1-{name}.db")
        os.utime(backup, (1_700_000_000 - age, 1_700_000_000 - age))
    # Newer, but nothing that could take its place.
    (backups / "control-plane-v1-empty.db").touch()
    (backups / "control-plane-v1-garbage.db").write_bytes(b"garbage" * 1000)
    (backups / "control-plane-v1-folder.db").mkdir()
    (backups / "control-plane-v1-link.db").symlink_to("nowhere")
    with pytest.raises(errors.ControlPlaneCorrupt) as caught:
        open_store(database, "test")
    newest = backups / "control-plane-v1-a.db"
    told = f"keep it, and put the newest backup in its place: `mv {database} {database}.damaged"
    assert caught.value.hint == f"{told} && cp {newest} {database}`"


def test_the_remedy_keeps_the_damaged_file_with_its_journal_and_works_in_a_shell(tmp_path: Path) -> None:
    database = tmp_path / "a b's" / "control-plane.db"
    backup = database.parent / "backups/control-plane-v1-a.db"
    backup.parent.mkdir(parents=True)
    for file in (database, journal := database.with_name("control-plane.db-journal")):
        file.write_text(file.name)
    a_backup(backup)
    subprocess.run(remedy(database).split("`")[1], shell=True, check=True)
    assert {file.name: file.read_bytes() for file in database.parent.iterdir() if file.is_file()} == {
        "control-plane.db": backup.read_bytes(),
        "control-plane.db.damaged": database.name.encode(),
        "control-plane.db.damaged-journal": journal.name.encode(),
    }


def test_what_was_put_aside_before_is_never_written_over(tmp_path: Path) -> None:
    database = tmp_path / "control-plane.db"
    backup = tmp_path / "backups/control-plane-v1-a.db"
    backup.parent.mkdir()
    a_backup(backup)
    for damage in ("first", "second", "third"):
        database.write_text(damage)
        subprocess.run(remedy(database).split("`")[1], shell=True, check=True)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == {
        "control-plane.db": backup.read_bytes(),
        "control-plane.db.damaged": b"first",
        "control-plane.db.damaged-2": b"second",
        "control-plane.db.damaged-3": b"third",
    }


def test_a_link_that_leads_nowhere_is_moved_out_of_the_way_of_the_backup(tmp_path: Path) -> None:
    database, backup = tmp_path / "control-plane.db", tmp_path / "backups/control-plane-v1-a.db"
    backup.parent.mkdir()
    a_backup(backup)
    database.symlink_to("nowhere")
    subprocess.run(remedy_of_none(database).split("`")[1], shell=True, check=True)
    assert (database.is_symlink(), database.read_bytes()) == (False, backup.read_bytes())


def test_a_missing_file_is_told_and_nothing_is_made(database: Path) -> None:
    with pytest.raises(errors.ControlPlaneMissing) as caught:
        open_store(database, "test")
    begun = "`swarm init .` or `swarm audit .`"
    remedy = f"run {begun} in a checkout to create one, or name one with `swarm --db PATH …`"
    assert caught.value.fields == {"path": str(database), "remedy": remedy}
    assert not database.parent.exists()


def test_where_one_is_missing_and_there_is_a_backup_it_is_named(database: Path) -> None:
    backup = database.parent / "backups/control-plane-v1-a.db"
    backup.parent.mkdir(parents=True)
    a_backup(backup)
    with pytest.raises(errors.ControlPlaneMissing) as caught:
        open_store(database, "test")
    assert f"put the newest backup in its place: `cp {backup} {database}`; " in caught.value.hint
    database.touch()
    with pytest.raises(errors.ControlPlaneMissing) as caught:
        open_store(database, "test")
    assert f"`mv {database} {database}.damaged && cp {backup} {database}`; " in caught.value.hint


def test_a_zero_byte_file_counts_as_missing(database: Path) -> None:
    database.parent.mkdir()
    database.touch()
    with pytest.raises(errors.ControlPlaneMissing):
        open_store(database, "test")
    assert everything_in(database.parent) == {"control-plane.db": b""}


def test_a_zero_byte_file_is_filled_where_one_may_be_made(database: Path) -> None:
    database.parent.mkdir()
    database.touch()
    with open_store(database, "test", create=True) as store:
        assert store.conn.execute("SELECT value FROM kv").fetchone() == (str(THIS),)


def test_a_link_in_the_place_of_the_database_is_not_followed_to_make_one(database: Path, tmp_path: Path) -> None:
    database.parent.mkdir()
    database.symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(errors.ControlPlaneCorrupt):
        open_store(database, "test", create=True)
    assert not (tmp_path / "elsewhere.db").exists()


CREATE = "import sys; from pathlib import Path; from swarm.store.connection import open_store; sys.stdin.read(1); \
store = open_store(Path(sys.argv[1]), 'test', create=True); print(store.conn.execute('SELECT value FROM kv').fetchall())"


def test_twelve_processes_that_make_one_file_at_once_all_succeed(database: Path) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CREATE, str(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(12)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    ended = [(*process.communicate(), process.returncode) for process in started]
    assert ended == [(f"[('{THIS}',)]\n", "", 0)] * 12


@pytest.fixture
def next_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build of the next version; the folder of its migrations is returned, and holds this build's alone."""
    folder = tmp_path / "migrations"
    shutil.copytree(shipped.migrations(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(shipped, "migrations", lambda: folder)
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", THIS + 1)
    # The text of a schema is generated for the migrations that ship; those of these tests change for each test.
    monkeypatch.setattr(migrations, "hold_to_schema", lambda *_: None)
    migrations._modules.cache_clear()
    yield folder
    migrations._modules.cache_clear()


@pytest.fixture
def old_database(store: Store, database: Path) -> Path:
    """A database of this version with one run."""
    with store.mutation() as conn:
        rows.add_run(conn)
    store.conn.close()
    return database


def test_an_upgrade_keeps_the_rows_and_copies_the_old_file_first(old_database: Path, next_build: Path) -> None:
    (next_build / NEXT).write_text(SECOND)
    before = dump_of(old_database)
    with open_store(old_database, "test") as store:
        assert store.conn.execute("SELECT id, note FROM runs").fetchall() == [(rows.RUN, None)]
        assert store.conn.execute("SELECT value FROM kv WHERE key = 'schema_version'").fetchall() == [(str(THIS + 1),)]
        assert broken_link(store.conn) is None
    (backup,) = (old_database.parent / "backups").iterdir()
    assert backup.name.startswith(f"control-plane-v{THIS}-")
    assert (dump_of(backup), backup.stat().st_mode & 0o777) == (before, 0o600)


def test_an_upgraded_database_has_the_schema_of_a_fresh_one(
    old_database: Path, next_build: Path, tmp_path: Path
) -> None:
    (next_build / NEXT).write_text(SECOND)
    with open_store(old_database, "test") as upgraded, open_store(tmp_path / "new.db", "test", create=True) as fresh:
        assert schema_of(upgraded.conn) == schema_of(fresh.conn)


def test_a_second_opening_upgrades_nothing_and_makes_no_further_backup(old_database: Path, next_build: Path) -> None:
    (next_build / NEXT).write_text(SECOND)
    open_store(old_database, "test").conn.close()
    before = everything_in(old_database.parent)
    open_store(old_database, "test").conn.close()
    assert everything_in(old_database.parent) == before


@pytest.mark.parametrize("migration", [BROKEN, ORPHAN])
def test_a_migration_that_fails_leaves_the_old_version_whole(
    old_database: Path, next_build: Path, migration: str
) -> None:
    (next_build / NEXT).write_text(migration)
    before = old_database.read_bytes()
    with pytest.raises(sqlite3.Error):
        open_store(old_database, "test")
    assert old_database.read_bytes() == before


def test_the_old_build_refuses_what_the_next_one_made(
    old_database: Path, next_build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (next_build / NEXT).write_text(SECOND)
    open_store(old_database, "test").conn.close()
    monkeypatch.setattr(migrations, "SCHEMA_VERSION", THIS)
    with pytest.raises(errors.ControlPlaneSchemaTooNew):
        open_store(old_database, "test")


def test_a_released_migration_is_never_edited() -> None:
    # A change of the schema is a new file, and a new line in tests/data/migrations.json.
    kept = json.loads((DATA / "migrations.json").read_text(encoding="utf-8"))
    found = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(shipped.migrations().glob("*.py"))
    }
    assert found == kept


def test_there_is_a_migration_for_every_version_and_none_beyond() -> None:
    numbers = sorted(int(file.name[:4]) for file in shipped.migrations().glob("*.py"))
    assert numbers == list(range(1, migrations.SCHEMA_VERSION + 1))


def kept_as(database: Path, version: int) -> None:
    database.parent.mkdir()
    database.write_bytes(gzip.decompress((DATA / f"control-plane-v{version}.db.gz").read_bytes()))


@pytest.fixture
def kept_database(database: Path) -> Path:
    """The database of version 1 that is kept: one run, a collected wave, 3 findings, one of them fixed."""
    kept_as(database, 1)
    return database


def test_a_kept_database_of_version_1_opens_with_all_that_it_holds(kept_database: Path) -> None:
    with open_store(kept_database, "test") as store:
        conn = store.conn
        (counted,) = runs.all_with_counts(conn)
        assert (counted.run.id, counted.run.local_path, counted.waves, counted.findings) == (
            "swarm-1700000000-0123abcd",
            "/srv/project",
            1,
            3,
        )
        shown = findings.select(conn, counted.run.id, findings.Selection())
        assert [(finding.finding_id, finding.severity, finding.status) for finding in shown] == [
            ("F-00000001", "HIGH", "new"),
            ("F-00000002", "MEDIUM", "fixed"),
            ("F-00000003", "LOW", "rejected"),
        ]
        assert broken_link(conn) is None
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []


@pytest.mark.parametrize("version", [1, 2])
def test_a_kept_database_once_upgraded_has_the_schema_of_a_fresh_one(
    database: Path, tmp_path: Path, version: int
) -> None:
    kept_as(database, version)
    with open_store(database, "test") as kept, open_store(tmp_path / "new.db", "test", create=True) as fresh:
        assert schema_of(kept.conn) == schema_of(fresh.conn)
        assert broken_link(kept.conn) is None
        assert kept.conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert kept.conn.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_kept_database_of_version_2_opens_with_a_whole_loop_in_it(database: Path) -> None:
    kept_as(database, 2)
    with open_store(database, "test") as store:
        conn = store.conn
        (counted,) = runs.all_with_counts(conn)
        assert (counted.run.status, counted.run.local_path, counted.waves) == ("health-audit-a", "/srv/project", 2)
        shown = findings.select(conn, counted.run.id, findings.Selection())
        assert [(finding.finding_id, finding.status, finding.evidence) for finding in shown] == [
            ("F-45301580", "deferred", None),
            ("F-92ac8bbf", "fixed", "anchor"),
            ("F-a9410573", "fixed", "anchor"),
        ]
        assert [one.outcome for one in fix_claims.of_run(conn, counted.run.id)] == ["fixed", "fixed"]
        assert [one.purpose for one in verifications.verifications_of(conn, counted.run.id)] == ["merge", "verify"]
        assert [one.to_phase for one in promotions.promotions_of(conn, counted.run.id)] == ["health-audit-a"]
        assert [(one.domain, one.file) for one in leases.of_run(conn, counted.run.id)] == [("tests", "src/app.py")]


def test_there_is_a_kept_database_of_every_released_version() -> None:
    kept = {int(file.name.removeprefix("control-plane-v")[:-6]) for file in DATA.glob("control-plane-v*.db.gz")}
    # The newest schema still grows until it is released; then a database of it is kept as well.
    assert kept == set(range(1, migrations.SCHEMA_VERSION))

"""Version of the schema, and the upgrade of a file by migrations."""

import os
import re
import sqlite3
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from swarm import errors, shipped
from swarm.failpoints import failpoint
from swarm.store import kv
from swarm.store.backups import backups, remedy
from swarm.store.schema_text import hold_to_schema, schema_of
from swarm.store.side_files import hold_to_own_files
from swarm.store.sqlite_errors import translated
from swarm.store.writers import writers_queue

SCHEMA_VERSION = 3


class _Database:
    """The part of `sqlite_utils.Database` that released migrations call; to import all of it cost 50 ms a file."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.execute = conn.execute

    def table(self, name: str) -> "_Table":
        """Return a table of a name."""
        return _Table(self, name)


class _Table(NamedTuple):
    """A table of which a migration makes an index."""

    database: _Database
    name: str

    def create_index(self, columns: Sequence[str], index_name: str) -> None:
        """Make an index of some columns."""
        listed = ", ".join(f'"{column}"' for column in columns)
        self.database.execute(f'CREATE INDEX "{index_name}"\n    ON "{self.name}" ({listed})')


def current() -> int:
    """Return the version of this build."""
    return SCHEMA_VERSION


def version_of(conn: sqlite3.Connection, path: Path) -> int | None:
    """Return the version of an open file, `None` for a file without tables.

    Raises ControlPlaneSchemaTooNew and ControlPlaneSchemaCorrupt; nothing is written either way. Beside an upgrade, the
    caller reads in a transaction: separate statements could see two versions.
    """
    # The names of the tables first: a query on a missing table would raise the same error as a damaged file.
    schema = schema_of(conn)
    if not schema:
        return None
    recorded = kv.value_of(conn, kv.VERSION_KEY) if any(line.startswith("table kv of kv:") for line in schema) else None
    # The number of digits is bounded: `int` of a hostile text of a million digits would take seconds.
    if recorded is None or not re.fullmatch(r"[0-9]{1,9}", recorded, re.ASCII):
        received = "there is no such row" if recorded is None else f"it reads '{errors.shortened(recorded)}'"
        raise errors.ControlPlaneSchemaCorrupt(path=str(path), received=received, remedy=remedy(path))
    version = int(recorded)
    if version > current():
        raise errors.ControlPlaneSchemaTooNew(db_path=str(path), on_disk_version=version, build_version=current())
    # Before any other statement: each of them could run what the schema brings.
    hold_to_schema(schema, version, path)
    return version


def upgrade(path: Path, verb: str, on_disk: int | None) -> None:
    """Apply every pending migration with its version in a transaction, in the queue of writers.

    A file with records is copied to `backups/` before, and checked after. A new file gets all of its schema in a single
    transaction: each one waits for the disk several times.
    """
    # Under the queue: four processes that migrate a fresh file without a lock fail in a fifth of all tries.
    with writers_queue(path, verb):
        hold_to_own_files(path)
        conn = _open_for_upgrade(path)
        try:
            # The version is read again under the lock: another process may have upgraded the file while we waited.
            if on_disk is not None and (version_of(conn, path) or 0) < current() and _has_records(conn):
                _back_up(conn, path, on_disk)
            pending = sorted(_modules().items())
            for together in [pending] if on_disk is None else [[each] for each in pending]:
                _apply(conn, path, together)
            if on_disk is not None:
                _check(conn)
        except sqlite3.Error as error:
            raise translated(error, path) from error
        finally:
            conn.close()


def _open_for_upgrade(path: Path) -> sqlite3.Connection:
    try:
        # Made by ourselves with 0600, and never through a link: SQLite would create the file with the umask's rights.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        problem = error.strerror or str(error)
        raise errors.ControlPlaneReadOnly(path=str(path), problem=problem) from error
    return sqlite3.connect(path, isolation_level=None, timeout=30.0)


def _apply(conn: sqlite3.Connection, path: Path, migrations: Sequence[tuple[int, Any]]) -> None:
    # Off before BEGIN, where the pragma still works: rebuilding a parent table would delete every cascading child.
    conn.execute("PRAGMA foreign_keys = OFF")
    conn.execute("BEGIN IMMEDIATE")
    try:
        # Check, apply and record share a transaction, so a migration is applied exactly once.
        version = version_of(conn, path) or 0
        for number, migration in migrations:
            if version < number:
                migration.apply(_Database(conn))
                kv.record_version(conn, number)
                # With foreign keys off SQLite checks nothing at COMMIT, so the check is made here.
                if broken := conn.execute("PRAGMA foreign_key_check").fetchall():
                    raise sqlite3.IntegrityError(f"migration {number} broke {len(broken)} references")
        failpoint("commit.before")
        conn.execute("COMMIT")
        failpoint("commit.after")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def schemas() -> dict[int, str]:
    """Return the schema of each version as text, as its migrations make it in a fresh file."""
    conn = sqlite3.connect(":memory:")
    texts = {}
    for number, migration in sorted(_modules().items()):
        migration.apply(_Database(conn))
        texts[number] = "\n".join(schema_of(conn)) + "\n"
    conn.close()
    return texts


@cache
def _modules() -> dict[int, Any]:
    import importlib.util

    found = {}
    for file in shipped.migrations().glob("[0-9][0-9][0-9][0-9]_*.py"):
        # By path: a file whose name begins with a digit cannot be imported by name.
        spec = importlib.util.spec_from_file_location(f"swarm_migration_{file.stem}", file)
        if spec is None or spec.loader is None:
            raise ImportError(str(file))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found[int(file.stem[:4])] = module
    return {number: module for number, module in found.items() if number <= current()}


def _has_records(conn: sqlite3.Connection) -> bool:
    """Say whether the file has records; a file whose creation was interrupted between two migrations has none."""
    return conn.execute("SELECT 1 FROM runs UNION ALL SELECT 1 FROM events LIMIT 1").fetchone() is not None


def _back_up(conn: sqlite3.Connection, path: Path, on_disk: int) -> None:
    from swarm.clock import now

    folder = backups(path)
    # A link would lead the copy, and the removal of unfinished copies, to a folder of somebody else.
    if folder.is_symlink():
        raise errors.ControlPlaneForeign(
            path=str(path), problem=f"{folder.name} beside it is a link", remedy=remedy(path)
        )
    folder.mkdir(mode=0o700, exist_ok=True)
    # Unfinished copies have no living owner: only the head of the queue makes copies, and we are the head now.
    for left in folder.glob("control-plane-*.tmp"):
        left.unlink(missing_ok=True)
    moment = now().replace(":", "").replace(".", "-")
    target = folder / f"control-plane-v{on_disk}-{moment}.db"
    unfinished = target.with_suffix(".tmp")
    # Created first with 0600: the copy holds what the control plane holds.
    os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    copy = sqlite3.connect(unfinished)
    try:
        # SQLite's own backup: a plain copy could hold half of a write.
        conn.backup(copy)
    finally:
        copy.close()
    # The last name appears with a whole copy alone, so a remedy never names half a backup.
    unfinished.replace(target)


def _check(conn: sqlite3.Connection) -> None:
    found = conn.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        error = sqlite3.DatabaseError(f"quick_check after the upgrade says: {found}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error

"""Connection to the control plane: opening, and the mutation through which all writes go."""

import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, Self, TypeGuard
from urllib.parse import quote

from swarm import errors
from swarm.failpoints import failpoint
from swarm.store import forms, kv, migrations
from swarm.store.backups import remedy, remedy_of_none
from swarm.store.side_files import hold_to_own_files
from swarm.store.sqlite_errors import translated
from swarm.store.writers import writers_queue

# A reader waits as long as a writer waits in the queue; SQLite itself retries.
READ_WAIT_SECONDS: Final = 30.0
# Steps of SQLite's virtual machine for all statements of a command: minutes of work, and no time in which it waits.
MOST_STEPS: Final = 10_000_000_000
_STEPS: Final = 1_000_000
_LONGEST_VALUE: Final = 512 * 1024 * 1024
BULK_CACHE_KIB: Final = 128 * 1024
# The table in a line of `quick_check`.
_TABLE: Final = re.compile(r" in ([a-z_]+)(?:\.[a-z_]+)?$")


class Store:
    """An open control plane, a single connection for a command. Close the store, or use `with`."""

    def __init__(self, path: Path, conn: sqlite3.Connection, verb: str) -> None:
        self.path = path
        self.conn = conn
        self.verb = verb

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if isinstance(error, forms.DAMAGED) or _is_of_statement(error):
                self._refuse_forbidden_row(error)
        finally:
            self.conn.close()

    @contextmanager
    def mutation(self, *, bulk: bool = False) -> Iterator[sqlite3.Connection]:
        """Run the block as a `BEGIN IMMEDIATE` transaction, in the queue of writers.

        `bulk` keeps a large transaction in memory until it commits: pages spilled to the file would lock readers out.
        Raises ControlPlaneBusy, ControlPlaneReadOnly, ControlPlaneWriteFailed.
        """
        # The queue comes before BEGIN IMMEDIATE: SQLite's own waiting is unfair and can starve a writer.
        with writers_queue(self.path, self.verb):
            if bulk:
                self.conn.execute(f"PRAGMA cache_size = -{BULK_CACHE_KIB}")
            try:
                # A plain BEGIN that reads first loses to a second writer at once, whatever the timeout.
                self.conn.execute("BEGIN IMMEDIATE")
                yield self.conn
                failpoint("commit.before")
                self.conn.execute("COMMIT")
                failpoint("commit.after")
            except sqlite3.Error as error:
                self._roll_back()
                raise translated(error, self.path) from error
            # Ctrl-C arrives as KeyboardInterrupt, and the transaction must end then too.
            except BaseException:
                self._roll_back()
                raise

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Run the block on a fixed state of the file. A writer waits with its commit until the block ends."""
        # A plain BEGIN takes its read lock at the first SELECT, and all reads of the block then see the same state.
        self.conn.execute("BEGIN")
        try:
            yield self.conn
        finally:
            self._roll_back()

    @contextmanager
    def copy(self) -> Iterator[sqlite3.Connection]:
        """Run the block on a copy of the file, for a long look: a writer waits only while the copy is made."""
        # SQLite keeps a database without a name in a temporary file, and removes the file with the connection.
        with closing(sqlite3.connect("", isolation_level=None)) as made:
            forms.register(made, self.path)
            _set_bounds(made)
            self.conn.backup(made)
            yield made

    def refuse_read_only(self) -> None:
        """Raise ControlPlaneReadOnly, or another error of a write, before the command does anything."""
        with self.mutation() as conn:
            # BEGIN IMMEDIATE alone succeeds on a read-only file, too.
            kv.rewrite_version(conn)

    def forbid_writes(self) -> None:
        """Make SQLite refuse every write through this connection."""
        self.conn.execute("PRAGMA query_only = ON")
        # Only for readers: the CHECKs of our own schema call `json_valid`, which SQLite does not count as harmless.
        self.conn.execute("PRAGMA trusted_schema = OFF")

    def damage(self) -> str | None:
        """Return the problem that SQLite finds in the file, `None` for a sound file."""
        # `quick_check` leaves out the comparison of indexes with tables, which takes far longer on a large file.
        try:
            found = str(self.conn.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.OperationalError as error:
            # A CHECK that reads a text which is no JSON fails itself, and ends the comparison.
            if not _is_of_statement(error):
                raise
            found = str(error)
        return None if found == "ok" else found

    def _refuse_forbidden_row(self, error: Exception) -> None:
        """Raise ControlPlaneRowRefused for an error of a command, if a table has a row that its own schema forbids.

        The schema lists words, numbers and references, but a writer can switch its constraints off. To look at all
        rows before each command would take seconds on a large control plane, so a command looks after it failed.
        """
        with suppress(sqlite3.Error):
            # The CHECKs call `json_valid`; nothing is written through this connection any more.
            self.conn.execute("PRAGMA trusted_schema = ON")
            damage = self.damage()
            orphan = self.conn.execute("PRAGMA foreign_key_check").fetchone()
            if damage is not None:
                table = _TABLE.search(damage)
                name = table.group(1) if table else "a table"
                raise errors.ControlPlaneRowRefused(table=name, column="form", received=damage) from error
            if orphan is not None:
                problem = f"it names a row of {orphan[2]} that is not there"
                raise errors.ControlPlaneRowRefused(table=orphan[0], column="reference", received=problem) from error

    def _roll_back(self) -> None:
        # After some errors SQLite has ended the transaction by itself, and a ROLLBACK would raise and hide the error.
        if self.conn.in_transaction:
            self.conn.execute("ROLLBACK")


def _is_of_statement(error: object) -> TypeGuard[sqlite3.OperationalError]:
    """Return whether a statement met a value that it cannot use, such as a text that is no JSON."""
    return isinstance(error, sqlite3.OperationalError) and getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR


def open_store(path: Path, verb: str, *, create: bool = False) -> Store:
    """Open the control plane at `path`; a file of an older version is upgraded first.

    With `create`, a missing or empty file becomes a control plane. Raises ControlPlaneMissing,
    ControlPlaneSchemaTooNew, ControlPlaneSchemaCorrupt, ControlPlaneCorrupt, ControlPlaneBusy, ControlPlaneReadOnly.
    """
    hold_to_own_files(path)
    if not _holds_something(path):
        if not create:
            raise errors.ControlPlaneMissing(path=str(path), remedy=remedy_of_none(path))
        _make_folder(path.parent)
        migrations.upgrade(path, verb, None)
    store = Store(path, _connect(path), verb)
    try:
        _configure(store.conn)
        with store.snapshot():
            on_disk = migrations.version_of(store.conn, path)
        # After the first read, in which SQLite rolls back the journal of a killed writer: only then the length is
        # final.
        _hold_to_whole_pages(store.conn, path)
        if on_disk is None or on_disk < migrations.current():
            # An upgrade opens its own connection with foreign keys off, so this connection must hold no lock.
            store.conn.close()
            if on_disk is None and not create:
                raise errors.ControlPlaneMissing(path=str(path), remedy=remedy_of_none(path))
            migrations.upgrade(path, verb, on_disk)
            store.conn = _connect(path)
            _configure(store.conn)
    except sqlite3.Error as error:
        store.conn.close()
        raise translated(error, path) from error
    except BaseException:
        store.conn.close()
        raise
    return store


def _holds_something(path: Path) -> bool:
    try:
        status = path.stat()
    except OSError as error:
        if path.is_symlink():
            problem = "it is a link that leads to no file"
            raise errors.ControlPlaneCorrupt(path=str(path), problem=problem, remedy=remedy(path)) from error
        if isinstance(error, FileNotFoundError):
            return False
        problem = error.strerror or str(error)
        raise errors.ControlPlaneReadOnly(path=str(path), problem=problem) from error
    # Opening a FIFO or a device could block for ever.
    if not stat.S_ISREG(status.st_mode):
        raise errors.ControlPlaneCorrupt(path=str(path), problem="it is no regular file", remedy=remedy(path))
    return status.st_size > 0


def _hold_to_whole_pages(conn: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that ends within a page: SQLite would read the missing bytes as zeros."""
    (page,) = conn.execute("PRAGMA page_size").fetchone()
    if path.stat().st_size % page:
        problem = "it was cut off in the middle of a page"
        raise errors.ControlPlaneCorrupt(path=str(path), problem=problem, remedy=remedy(path))


def _make_folder(folder: Path) -> None:
    try:
        if not folder.is_dir():
            # Only folders that swarm makes get 0700; rights that the user set stay.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        problem = error.strerror or str(error)
        raise errors.WorkspaceNotWritable(path=str(folder), problem=problem) from error


def _connect(path: Path) -> sqlite3.Connection:
    # With `mode=rw` SQLite creates no file; reading verbs must also work on a read-only disk.
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    uri = f"file:{quote(str(path))}?mode={'rw' if writable else 'ro'}"
    try:
        conn = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=READ_WAIT_SECONDS)
    except sqlite3.Error as error:
        raise translated(error, path) from error
    forms.register(conn, path)
    return conn


def _configure(conn: sqlite3.Connection) -> None:
    # A rollback journal: WAL in SQLite before 3.51.3 can corrupt a file, and users copy the database as a single file.
    conn.execute("PRAGMA foreign_keys = ON")
    conn.execute("PRAGMA synchronous = FULL")
    # A file may come from anybody, and a damaged page is found as it is read.
    conn.execute("PRAGMA cell_size_check = ON")
    _set_bounds(conn)


def _set_bounds(conn: sqlite3.Connection) -> None:
    """End the statement that passes the bound of a command: pages that lead to each other could be read for ever."""
    budget = iter(range(MOST_STEPS // _STEPS))
    conn.set_progress_handler(lambda: next(budget, None) is None, _STEPS)
    conn.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)

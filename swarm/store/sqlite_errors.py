"""What SQLite's errors, and a lock that stays taken, mean to the user."""

import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Final

from swarm import errors

WAIT_SECONDS: Final = 30.0


def translated(error: sqlite3.Error, path: Path) -> Exception:
    """Return the error of ours that says what SQLite's means."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    problem = str(error)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return errors.ControlPlaneCorrupt(path=str(path), problem=problem, remedy=remedy(path))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        from swarm.locks import holder_of

        return _busy(path, holder_of(lock_file(path)))
    if code == sqlite3.SQLITE_CANTOPEN and path.is_file() and all(os.access(p, os.W_OK) for p in (path, path.parent)):
        # Its journal could not be made: the disk has no room for one more file.
        return errors.ControlPlaneWriteFailed(path=str(path), problem=problem)
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return errors.ControlPlaneReadOnly(path=str(path), problem=problem)
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return errors.ControlPlaneWriteFailed(path=str(path), problem=problem)
    return error


@contextmanager
def writers_queue(path: Path, verb: str) -> Iterator[None]:
    """Stand in the queue of writers: SQLite's own waiting is unfair. Raises ControlPlaneBusy, ControlPlaneReadOnly."""
    from swarm.locks import LockTaken, locked

    lock = lock_file(path)
    try:
        with locked(lock, verb, timeout=WAIT_SECONDS):
            yield
    except LockTaken as taken:
        raise _busy(path, taken.holder) from taken
    except OSError as error:
        if error.filename is None or os.fspath(error.filename) != str(lock):
            raise
        raise errors.ControlPlaneReadOnly(path=str(path), problem=error.strerror or str(error)) from error


def lock_file(path: Path) -> Path:
    """Return the lock file of the queue of writers."""
    return path.with_name(path.name + ".lock")


def backups(path: Path) -> Path:
    """Return the folder in which a control plane is copied before it is upgraded."""
    return path.parent / "backups"


def kept_copies(path: Path) -> list[Path]:
    """Return the backups of a control plane, oldest first."""
    files = [file for file in backups(path).glob("control-plane-*.db") if file.is_file()]
    return sorted(files, key=os.path.getmtime)


def _can_be_read(copy: Path) -> bool:
    """Say whether a backup is a control plane: what is put in the place of a damaged one must not be damaged, too."""
    try:
        with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as conn:
            return conn.execute("SELECT value FROM kv WHERE key = 'schema_version'").fetchone() is not None
    except sqlite3.Error:
        return False


def remedy(path: Path) -> str:
    """Return what to do about a damaged file, which is evidence and stays, naming the newest backup where there is one.

    Its journal goes with it, for SQLite would play it back into the backup.
    """
    if restored := _restored(path):
        return f"keep it, and put the newest backup in its place: `{restored}`"
    return f"move '{path}' aside and start anew with `swarm init <repo-path>`; there is no backup"


def remedy_of_none(path: Path) -> str:
    """Return what to do where there is no control plane, or an empty file."""
    begun = "`swarm init <repo-path>` or `swarm audit <repo-path>`"
    if restored := _restored(path):
        return f"if there was one, put the newest backup in its place: `{restored}`; {begun} would begin anew"
    return f"run {begun} to create one, or name one with `swarm --db PATH …`"


def _restored(path: Path) -> str:
    """Return the commands that put the newest backup in the place of what is there, `""` where there is no backup."""
    copies = [copy for copy in kept_copies(path) if _can_be_read(copy)]
    if not copies:
        return ""
    journal, aside = path.with_name(f"{path.name}-journal"), _aside(path)
    moves = [
        f"mv {shlex.quote(str(one))} {shlex.quote(f'{aside}{ending}')}"
        for one, ending in ((path, ""), (journal, "-journal"))
        if os.path.lexists(one)
    ]
    return " && ".join([*moves, f"cp {shlex.quote(str(copies[-1]))} {shlex.quote(str(path))}"])


def _aside(database: Path) -> Path:
    """Return a free name for a damaged database; what was put aside before it is not written over."""
    names = chain([f"{database.name}.damaged"], (f"{database.name}.damaged-{number}" for number in count(2)))
    places = (database.with_name(name) for name in names)
    return next(one for one in places if not any(map(os.path.lexists, (one, one.with_name(f"{one.name}-journal")))))


def _busy(path: Path, holder: str) -> errors.ControlPlaneBusy:
    pid, _, verb = holder.partition(" ")
    told = f" by process {pid} ({verb})" if pid.isdigit() else ""
    return errors.ControlPlaneBusy(path=str(path), waited=WAIT_SECONDS, holder=told)

"""Translation of SQLite's errors into errors of the catalogue."""

import os
import sqlite3
from pathlib import Path

from swarm import errors
from swarm.store.backups import remedy
from swarm.store.writers import _busy, lock_file


def translated(error: sqlite3.Error, path: Path) -> Exception:
    """Return the catalogue's error for an error of SQLite."""
    # The low byte is the primary code; the rest says which system call failed, which no message needs.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    problem = str(error)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return errors.ControlPlaneCorrupt(path=str(path), problem=problem, remedy=remedy(path))
    if code == sqlite3.SQLITE_INTERRUPT:
        return errors.ControlPlaneTooSlow(path=str(path), remedy=remedy(path))
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        # Imported here: the lock library costs start-up time, and this is the rare way.
        from swarm.locks import holder_of

        return _busy(path, holder_of(lock_file(path)))
    if code == sqlite3.SQLITE_CANTOPEN and path.is_file() and all(os.access(p, os.W_OK) for p in (path, path.parent)):
        # SQLite cannot create the journal although file and folder are writable: the disk is full.
        return errors.ControlPlaneWriteFailed(path=str(path), problem=problem)
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        return errors.ControlPlaneReadOnly(path=str(path), problem=problem)
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return errors.ControlPlaneWriteFailed(path=str(path), problem=problem)
    return error

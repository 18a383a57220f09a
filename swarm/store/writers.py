"""Queue of writers: an OS lock that orders the processes that write a database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from swarm import errors

WAIT_SECONDS: Final = 30.0


@contextmanager
def writers_queue(path: Path, verb: str) -> Iterator[None]:
    """Hold the lock of the queue: SQLite's own waiting is unfair, and starves a writer.

    Raises ControlPlaneBusy, ControlPlaneReadOnly.
    """
    # Imported here: reading verbs never wait in the queue, and start faster without the lock library.
    from swarm.locks import LockTaken, locked

    lock = lock_file(path)
    try:
        with locked(lock, verb, timeout=WAIT_SECONDS):
            yield
    except LockTaken as taken:
        raise _busy(path, taken.holder) from taken
    except OSError as error:
        # Only an error of the lock file is translated; the block's own errors of files pass through.
        if error.filename is None or os.fspath(error.filename) != str(lock):
            raise
        raise errors.ControlPlaneReadOnly(path=str(path), problem=error.strerror or str(error)) from error


def lock_file(path: Path) -> Path:
    """Return the lock file of the queue of writers."""
    return path.with_name(path.name + ".lock")


def _busy(path: Path, holder: str) -> "errors.ControlPlaneBusy":
    from swarm.locks import by_holder

    return errors.ControlPlaneBusy(path=str(path), waited=WAIT_SECONDS, holder=by_holder(holder))

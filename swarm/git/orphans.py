"""Wait for git processes that outlive the command which started them.

The lock of a killed command is released while its git goes on writing. So every git inherits an open handle that holds
a lock on the folder, and the next command waits for that lock.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_POLL_SECONDS: Final = 0.01
_lent: set[int] = set()


class StillAtWork(Exception):
    """A git of a dead command is still running after the time given."""


def lent() -> tuple[int, ...]:
    """Return the open folders that a git which is started now shall hold."""
    return tuple(_lent)


@contextmanager
def awaited(folder: Path, seconds: float) -> Iterator[None]:
    """Wait for the gits of dead commands, then let each git of the block hold the folder. Raises StillAtWork."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(handle, time.monotonic() + seconds)
        _lent.add(handle)
        yield
    finally:
        _lent.discard(handle)
        os.close(handle)


def _lock(handle: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EINTR}:
                # A file system without locks on folders, such as NFS.
                return
            if time.monotonic() > deadline:
                raise StillAtWork from error
            time.sleep(_POLL_SECONDS)
        else:
            return

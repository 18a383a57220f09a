"""OS lock files, which queue the processes that want the same thing.

A lock ends with its process. The holder writes `pid verb` into the file, so that a waiting command can name the holder.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

POLL_SECONDS = 0.01


class LockTaken(Exception):
    """Another process holds the lock; `holder` is the line that it wrote into the file, such as `4711 collect`."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        super().__init__(holder)


@contextmanager
def locked(path: Path, verb: str, *, timeout: float) -> Iterator[None]:
    """Hold the lock file at `path`, waiting at most `timeout` seconds. Raises `LockTaken`, or `OSError`."""
    end = time.monotonic() + timeout
    while (handle := _taken(path)) is None:
        if time.monotonic() >= end:
            raise LockTaken(holder_of(path))
        time.sleep(POLL_SECONDS)
    try:
        _sign(handle, verb)
        yield
    finally:
        os.close(handle)


def _taken(path: Path) -> int | None:
    """Return a handle that holds the lock, `None` where another holds it. Raises `OSError`."""
    import fcntl

    # Through a link, the signature would be written over the file that the link leads to.
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Somebody may have removed the file since it was opened: the next process would lock a new file.
        if os.fstat(handle).st_nlink:
            return handle
    except BlockingIOError:
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def holder_of(path: Path) -> str:
    """Return what the present or last holder wrote into a lock file, `""` where that is nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()[:100]
    except OSError:
        return ""


def by_holder(line: str) -> str:
    """Return the line of a holder as words of an error, `""` where it names no process."""
    pid, _, verb = line.partition(" ")
    # The lock file is plain text in the user's folder, so its holder is shown only where the text is a pid.
    return f" by process {pid} ({verb})" if pid.isdigit() else ""


def is_held(path: Path) -> bool:
    """Say whether a living process holds a lock file; nothing is written."""
    import fcntl

    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _sign(handle: int, verb: str) -> None:
    # On a full disk the lock is held without a name: the command's own writes will report the disk.
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()} {verb}\n".encode(), 0)

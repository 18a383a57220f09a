"""OS lock files, which queue the processes that want the same thing.

A lock ends with its process. The holder writes `pid verb` into the file, so that a waiting command can name the holder.
"""

import errno
import os
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
    from filelock import FileLock, Timeout

    # The lock library and the signature would empty the file that a link leads to.
    if path.is_symlink():
        raise OSError(errno.ELOOP, "a link stands in the place of the lock file", str(path))
    lock = FileLock(path, timeout=timeout, poll_interval=POLL_SECONDS, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise LockTaken(holder_of(path)) from None
    try:
        _sign(path, verb)
        yield
    finally:
        lock.release()


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


def _sign(path: Path, verb: str) -> None:
    # Opening another handle on the lock file is safe: flock belongs to the handle, not to the process.
    # On a full disk the lock is held without a name: the command's own writes will report the disk.
    with suppress(OSError), path.open("r+", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {verb}\n")
        file.truncate()

"""Scratch folders in the machine's temporary folder; the next command removes those of killed processes."""

import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_PREFIX: Final = "swarm-scratch-"
# As `mkdtemp` names them.
_NAMED: Final = re.compile(re.escape(_PREFIX) + "[a-z0-9_]{8}")
_MARK: Final = ".swarm-scratch"
_OURS_ALONE: Final = 0o700


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give an empty folder for this user alone and remove it afterwards; first remove those of killed processes.

    The maker holds a lock on the folder itself. A process id would not do: containers may share the temporary folder
    and not the ids.
    """
    place = _place()
    _sweep(place)
    folder, handle = _made(place)
    try:
        yield folder
    finally:
        _remove(folder)
        if handle is not None:
            os.close(handle)


def _remove(folder: Path) -> None:
    """Remove a folder and its content, the mark last: a removal that died is continued only where the mark is left."""
    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name != _MARK:
                entry.unlink(missing_ok=True)
        (folder / _MARK).unlink(missing_ok=True)
        folder.rmdir()


def _place() -> Path:
    # `tempfile` probes the folder by writing a file, which a kill at that moment would leave behind.
    named = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    for place in [*named, "/tmp", "/var/tmp"]:  # noqa: S108
        if place and os.path.isabs(place) and os.access(place, os.W_OK | os.X_OK):  # noqa: PTH117
            return Path(place)
    return Path(tempfile.gettempdir())


def _made(place: Path) -> tuple[Path, int | None]:
    """Make a folder, lock and mark it: a folder with content and without the mark is never swept."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        try:
            handle = _hold(folder)
        except OSError:
            if folder.exists():
                # A file system that has no locks for folders.
                return folder, None
            handle = None
        # Between its making and its locking, another process may sweep the folder as abandoned.
        if handle is not None and folder.exists():
            (folder / _MARK).touch()
            return folder, handle
        if handle is not None:
            os.close(handle)


def _hold(folder: Path) -> int | None:
    """Return the handle of a locked folder, `None` where another process holds the lock. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    return handle


def _sweep(place: Path) -> None:
    # A temporary folder may be writable and not readable.
    with suppress(OSError), os.scandir(place) as entries:
        for folder in [Path(entry) for entry in entries if _NAMED.fullmatch(entry.name)]:
            with suppress(OSError):
                _remove_left(folder)


def _remove_left(folder: Path) -> None:
    found = folder.lstat()
    is_ours = found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == _OURS_ALONE
    handle = _hold(folder) if is_ours else None
    if handle is None:
        return
    try:
        # A maker that died before marking the folder has left it empty.
        if (folder / _MARK).is_file() or not any(folder.iterdir()):
            _remove(folder)
    finally:
        os.close(handle)

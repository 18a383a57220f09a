"""Scratch folders in the machine's folder for temporary files, of which none outlives its process for long."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PREFIX: Final = "swarm-scratch-"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make an empty folder for this user alone, and remove it afterwards; first those whose makers were killed.

    Its maker holds a lock on the folder itself. A process id would not do: containers may share the place and not
    the ids.
    """
    place = _place()
    _sweep(place)
    folder, handle = _made(place)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _place() -> Path:
    # `tempfile` itself looks by writing a file, which stays behind when it is killed just then.
    told = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    for place in [*told, "/tmp", "/var/tmp"]:  # noqa: S108
        if place and os.path.isabs(place) and os.access(place, os.W_OK | os.X_OK):  # noqa: PTH117
            return Path(place)
    return Path(tempfile.gettempdir())


def _made(place: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        handle = _hold(folder)
        # Between making and locking it, somebody who sweeps may have taken it for one that was left.
        if handle is not None and folder.exists():
            return folder, handle
        if handle is not None:
            os.close(handle)


def _hold(folder: Path) -> int | None:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _sweep(place: Path) -> None:
    with os.scandir(place) as entries:
        left = [Path(entry) for entry in entries if entry.name.startswith(_PREFIX)]
    for folder in left:
        try:
            is_ours = folder.lstat().st_uid == os.geteuid()
        except OSError:
            continue
        handle = _hold(folder) if is_ours else None
        if handle is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)

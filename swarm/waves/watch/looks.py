"""Looks at a control plane, made again when its file or a journal beside it has changed."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from swarm import errors
from swarm.clock import seconds_until

Seen = TypeVar("Seen")
_Times = tuple[tuple[int, int, int] | None, ...]

PAUSE_SECONDS: Final = 0.5
# File systems keep times in steps, FAT in steps of two seconds: two changes within a step look like a single change.
_YOUNG_SECONDS: Final = 2.5
# A time-out passes and a killed launch loses its lock without any change of a file.
_LONGEST_SECONDS: Final = 10.0


class Look(NamedTuple, Generic[Seen]):
    """The finding of a look, the files beside the control plane whose changes call for another, and its latest time."""

    seen: Seen
    files: tuple[Path, ...] = ()
    again_in: float = _LONGEST_SECONDS


def looks(
    database: Path, look: Callable[[], Look[Seen]], pause: Callable[[], bool]
) -> Iterator[Seen | errors.SwarmError | sqlite3.Error | OSError]:
    """Yield what `look` sees: at first, and whenever that differs from what it saw before.

    `pause` waits between two looks at the times of the files, and returns False to end. Raises the errors of the first
    look; later errors are yielded, for a control plane that is replaced is there again a moment later.
    """
    shown: object = None
    files: tuple[Path, ...] = ()
    times: _Times = ()
    due = 0.0
    while True:
        # No connection is kept: it would stay with the file of a replaced database, and a stat costs no lock.
        now = _times(database, *files)
        if now != times or _is_young(now) or time.monotonic() >= due:
            key, found, again_in = _looked(look, is_first=not times)
            if isinstance(found, Look):
                files = found.files
            # The time of the database is that before the look: a change during the look calls for another.
            times, due = (now[0], *_times(*files)), time.monotonic() + again_in
            if key != shown:
                shown = key
                yield found.seen if isinstance(found, Look) else found
        if not pause():
            return


def _looked(
    look: Callable[[], Look[Seen]], *, is_first: bool
) -> tuple[object, Look[Seen] | errors.SwarmError | sqlite3.Error | OSError, float]:
    """Return what tells a look from others, the look or its error, and the seconds until the next."""
    try:
        found = look()
    except (errors.SwarmError, sqlite3.Error, OSError) as error:
        if is_first:
            raise
        return (type(error), str(error)), error, _LONGEST_SECONDS
    return found.seen, found, found.again_in


def _times(*files: Path) -> _Times:
    """Return the inode, size and time of change of each file, `None` for a file that is missing."""
    return tuple(map(_time, files))


def _time(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is_young(times: _Times) -> bool:
    return any(seconds_until(one[2] / 1e9) > -_YOUNG_SECONDS for one in times if one)

"""Processes that work in a place: asked by `os` and not by Path, as each kill asks and a machine runs hundreds."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

# Twice what an orphan has between TERM and KILL, on a slow machine.
_WATCHDOG_SECONDS = 20.0


def left_running(place: Path, *, apart_from: int = 0) -> list[str]:
    """Return the processes that still work below a place, without the process of the id `apart_from`."""
    found = []
    for pid in _pids():
        try:
            where = os.readlink(f"/proc/{pid}/cwd")
            if f"{where}/".startswith(f"{place}/") and pid != apart_from and (words := _words_of(pid)):
                found.append(f"{pid} {words.replace(bytes(1), b' ').decode('utf-8', 'replace')[:120]}")
        except OSError:
            continue
    return found


def await_watchdogs() -> None:
    """Wait until every watchdog of a dead supervisor has ended the attempts that it left, and itself.

    A place that is brought back has the attempts of the call before, with the same marks: a watchdog that is still at
    work would end those of the next call.
    """
    deadline = time.monotonic() + _WATCHDOG_SECONDS
    while time.monotonic() < deadline and any(_outlives_its_supervisor(pid) for pid in _pids()):
        time.sleep(0.002)


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _words_of(pid: int) -> bytes:
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read()


def _outlives_its_supervisor(pid: int) -> bool:
    try:
        words = _words_of(pid).split(b"\0")
        if len(words) < 3 or not words[-3].endswith(b"/swarm/runtimes/watchdog.py"):
            return False
        with open(f"/proc/{pid}/stat", "rb") as file:
            parent = file.read().rpartition(b")")[2].split()[1]
    except OSError:
        return False
    return words[-2] != parent

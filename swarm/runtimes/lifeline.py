"""Lifeline of attempts: a watchdog beside this process ends their processes when this process dies, however it dies.

The kernel's parent-death signal would not do: it follows the thread that forked, and a keeper or a sandbox stands
between.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

_WATCHDOG: Final = Path(__file__).with_name("watchdog.py")
_NUMBERS: Final = count()


@contextmanager
def lifeline(mark: Mapping[str, str]) -> Iterator[Callable[[int, str], None]]:
    """Let the watchdog end the processes that carry a mark, if this process dies within the block.

    Yields what takes pid and start of each leader of a group: a program can clear its environment, and the mark with
    it. Raises OSError where no watchdog can be started.
    """
    if not mark:
        yield _ignore
        return
    number, leaders = next(_NUMBERS), list[tuple[int, str]]()

    def led(pid: int, start: str) -> None:
        leaders.append((pid, start))
        _say(number, {"mark": dict(mark), "leaders": leaders})

    _say(number, {"mark": dict(mark), "leaders": []})
    try:
        yield led
    finally:
        _say(number, None)


def _ignore(pid: int, start: str) -> None:
    del pid, start


def _say(number: int, attempt: dict[str, Any] | None) -> None:
    # A watchdog that was killed or stopped must not hold up the attempts.
    with suppress(BrokenPipeError, BlockingIOError):
        os.write(_watchdog(), json.dumps([number, attempt]).encode() + b"\n")


@cache
def _watchdog() -> int:
    """Start the watchdog of this process; return the end of its pipe, which no other process has."""
    theirs, ours = os.pipe()
    os.set_blocking(ours, False)
    try:
        child = subprocess.Popen(
            # Our id is for those who read a list of processes: its parent shows it no more once we have died.
            [sys.executable, "-I", "-S", str(_WATCHDOG), str(os.getpid())],
            cwd="/",
            # It needs no variable but where a Python of its own may find its libraries, and it lives as long as we do.
            env={name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"},
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # No signal to our group may reach it.
            start_new_session=True,
        )
    finally:
        os.close(theirs)
    # It ends after us: nobody waits for it, which is what Python would warn of.
    child.returncode = 0
    return ours

"""Handling of Ctrl-C and SIGTERM: an exception at the current point, except inside a block that must finish.

A killed git leaves its locks behind, and a cleanup after COMMIT would delete what the database names.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_depth = 0
_waits = False


def listen() -> None:
    """Turn Ctrl-C and SIGTERM into KeyboardInterrupt, unless the parent process set them to be ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _told)


@contextmanager
def kept() -> Iterator[None]:
    """Let the block, such as an event loop, install its own signal handlers, and restore ours afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def postponed() -> Iterator[None]:
    """Run the block to its end before an interrupt is raised; a second interrupt is raised at once."""
    global _depth, _waits  # noqa: PLW0603 - signal handlers belong to the process
    import threading

    if threading.current_thread() is not threading.main_thread():
        # Python delivers signals to the main thread alone.
        yield
        return
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if _waits and not _depth:
            _waits = False
            raise KeyboardInterrupt


def _told(number: int, frame: object) -> None:
    global _waits  # noqa: PLW0603
    del number, frame
    if _depth and not _waits:
        _waits = True
        return
    raise KeyboardInterrupt

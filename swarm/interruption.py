"""Being told to end, by Ctrl-C or SIGTERM: an exception where we are, but not in the middle of what must not be torn.

git that is killed leaves its locks behind, and a cleanup after a commit would take away what the commit speaks of.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_depth = 0
_waits = False


def listen() -> None:
    """Take Ctrl-C and SIGTERM as KeyboardInterrupt, unless whoever started us has them ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _told)


@contextmanager
def kept() -> Iterator[None]:
    """Let the block, such as an event loop, take the signals its own way, and put ours back afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def postponed() -> Iterator[None]:
    """Run the block to its end before an interrupt is raised; a second one is raised at once."""
    global _depth, _waits  # noqa: PLW0603 - signals are the process's
    import threading

    if threading.current_thread() is not threading.main_thread():
        # The main thread alone is told of signals.
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

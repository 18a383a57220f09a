"""Blocks of ports for agents: two agents that run at once on one machine never get the same."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from swarm.runtimes.processes import listens_at_any
from swarm.trust import state_folder

SIZE: Final = 10
_LAST: Final = 65535


@contextmanager
def port_block(first: int) -> Iterator[int | None]:
    """Give the first of ten ports for as long as the block runs, looked for from `first` upward.

    Each block is a lock file in the user's state folder, so that waves of all control planes share them. `None` where
    the folder cannot be written, or every block is taken.
    """
    handle = None
    try:
        for base in range(first, _LAST - SIZE + 2, SIZE):
            handle = _claimed(base)
            if handle is not None and not listens_at_any(range(base, base + SIZE)):
                yield base
                return
            if handle is not None:
                os.close(handle)
                handle = None
        yield None
    finally:
        if handle is not None:
            os.close(handle)


def _claimed(base: int) -> int | None:
    """Take the lock of a block, which ends with this process; `None` where another agent has it."""
    try:
        folder = state_folder() / "ports"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / f"{base}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle

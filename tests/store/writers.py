"""Writers that act at the same moment, each with a connection of its own, and the events that they leave."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

from swarm.store import ledger
from swarm.store.connection import Store, open_store

Result = TypeVar("Result")


def at_once(database: Path, *acts: Callable[[Store], Result]) -> list[Result | Exception]:
    """Let each act write at the same moment; return their results, or the errors that they raised, in order."""
    together = Barrier(len(acts))

    def call(act: Callable[[Store], Result]) -> Result | Exception:
        with open_store(database, "test") as store:
            together.wait()
            try:
                return act(store)
            except Exception as error:  # noqa: BLE001  # the error is the result that a test asserts
                return error

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(call, acts))


def steps(store: Store, *kinds: str) -> list[tuple[str, str, str | None, str | None]]:
    """Return the events of these kinds, oldest first: kind, subject, state before and after."""
    return [
        (event.kind, event.subject, event.from_state, event.to_state)
        for event in ledger.events_after(store.conn, 0)
        if event.kind in kinds
    ]


def broken_link(conn: sqlite3.Connection) -> int | None:
    """Return the seq of the first event that does not fit its predecessor, `None` for a sound chain."""
    broken = ledger.examine(conn).broken
    return None if broken is None else broken.seq

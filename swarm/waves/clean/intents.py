"""Intents of `clean` and `rewind`: ledger entries made before anything is touched.

The next call continues a command that died from its intent, and `undo` reads there what to bring back.
"""

import sqlite3
from typing import Any, Final, NamedTuple

from swarm.store import ledger
from swarm.store.connection import Store
from swarm.store.ledger import Entry

CLEAN_BEGUN: Final = "clean_begun"
CLEANED: Final = "cleaned"
REWIND_BEGUN: Final = "rewind_begun"
REWOUND: Final = "rewound"
UNDONE: Final = "undone"
_KINDS: Final = frozenset({CLEAN_BEGUN, CLEANED, REWIND_BEGUN, REWOUND, UNDONE})


class Intent(NamedTuple):
    """The last destructive step of a run: kind, number and payload of its event."""

    kind: str
    seq: int
    payload: dict[str, Any]

    @property
    def verb(self) -> str:
        """The verb that made the step."""
        return "clean" if self.kind in {CLEAN_BEGUN, CLEANED} else "rewind"


def last(conn: sqlite3.Connection, run_id: str) -> Intent | None:
    """Return the last step of `clean` or `rewind` in a run, `None` where no step was made or the last was undone."""
    found = [event for event in ledger.events_of(conn, f"run:{run_id}") if event.kind in _KINDS]
    # Only the last step can be undone: an earlier state of the branches is no longer there.
    if not found or found[-1].kind == UNDONE:
        return None
    return Intent(found[-1].kind, found[-1].seq, found[-1].facts)


def is_rewinding(conn: sqlite3.Connection, run_id: str) -> bool:
    """Say whether a rewind of a run was begun, and neither ended nor undone."""
    known = last(conn, run_id)
    return known is not None and known.kind == REWIND_BEGUN


def begun(conn: sqlite3.Connection, run_id: str) -> frozenset[str]:
    """Return the names of all remnants that any `clean` of a run began to remove, undone or not."""
    begins = (event for event in ledger.events_of(conn, f"run:{run_id}") if event.kind == CLEAN_BEGUN)
    return frozenset(item["name"] for event in begins for item in event.facts["items"])


def begin(store: Store, run_id: str, kind: str, payload: dict[str, object], reason: str) -> None:
    """Record a step before its work begins, unless the same step is recorded and not finished."""
    known = last(store.conn, run_id)
    # A repeated call after a kill finds its own intent, and a second event would hide when the work began.
    if known is not None and known.kind == kind and known.payload == ledger.as_kept(payload):
        return
    with store.mutation() as conn:
        ledger.append(conn, entry(run_id, kind, payload, reason))


def entry(run_id: str, kind: str, payload: dict[str, object], reason: str) -> Entry:
    """Return the ledger's entry of a step."""
    return Entry(
        kind=kind,
        subject=f"run:{run_id}",
        run_id=run_id,
        wave_id=None,
        from_state=None,
        to_state=None,
        reason=reason,
        payload=payload,
    )

"""Intents of `clean` and `rewind`: ledger entries made before anything is touched.

The next call continues a command that died from its intent, and `undo` reads there what to bring back.
"""

import sqlite3
from typing import Any, Final, NamedTuple

from swarm.rules.ref_names import SNAPSHOTS, branches_of, salvage_refs, work_refs
from swarm.store import forms, ledger
from swarm.store.connection import Store
from swarm.store.ledger import Entry, Event

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
    return Intent(found[-1].kind, found[-1].seq, _payload(found[-1], run_id))


def is_rewinding(conn: sqlite3.Connection, run_id: str) -> bool:
    """Say whether a rewind of a run was begun, and neither ended nor undone."""
    known = last(conn, run_id)
    return known is not None and known.kind == REWIND_BEGUN


def begun(conn: sqlite3.Connection, run_id: str) -> frozenset[str]:
    """Return the names of all remnants that any `clean` of a run began to remove, undone or not."""
    begins = (event for event in ledger.events_of(conn, f"run:{run_id}") if event.kind == CLEAN_BEGUN)
    return frozenset(item["name"] for event in begins for item in _payload(event, run_id)["items"])


def _payload(event: Event, run_id: str) -> dict[str, Any]:
    """Return the payload of a step: what `undo` gives to git, and where it writes. Raises ControlPlaneRowRefused."""
    return forms.made("events", lambda facts: _held(event.kind, facts, run_id), forms.facts_of(event.payload))


def _held(kind: str, facts: dict[str, Any], run_id: str) -> dict[str, Any]:
    own_branches, folders = branches_of(run_id.rpartition("-")[2]), (salvage_refs(run_id), work_refs(run_id), SNAPSHOTS)
    if kind in {REWIND_BEGUN, REWOUND}:
        named: list[tuple[str, str | None, tuple[str, ...]]]
        named = [("branch", facts["branch"], ("",))]
        # What the user typed may be any revision, such as `HEAD~1`; it is compared and never given to git.
        forms.hold("events", "payload (savePoint)", forms.WORD, facts["savePoint"])
        named += [("ref", saved["ref"], folders) for saved in facts["refs"]]
        commits = [facts["from"], facts["to"], *(saved["commit"] for saved in facts["refs"])]
        kinds = [saved["kind"] for saved in facts["refs"]]
        waves = facts.get("waves", [])
        if not all(isinstance(word, str) for word in kinds) or not all(isinstance(wave, int) for wave in waves):
            raise TypeError("a kind or a wave of another type")
    elif kind in {CLEAN_BEGUN, CLEANED}:
        items = facts["items"]
        named = [("branch", item["branch"], (own_branches,)) for item in items]
        named += [("ref", ref, folders) for item in items for ref in (item["salvage"], item.get("work"))]
        named += [("name", item["name"], ("",)) for item in items]
        commits = [item[key] or None for item in items for key in ("commit", "tip", "base")]
    else:
        return facts
    for column, name, begins in named:
        forms.hold("events", f"payload ({column})", forms.BRANCH, name)
        if name is not None and not name.startswith(begins):
            raise ValueError(f"{name} is none of this run's")
    for commit in commits:
        forms.hold("events", "payload (commit)", forms.COMMIT, commit)
    return facts


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

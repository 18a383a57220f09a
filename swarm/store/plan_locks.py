"""Table `plan_locks`: how the agents of a wave are to be launched, as it was locked; the newest lock counts."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from swarm.clock import now
from swarm.store.ledger import Entry, append, events_of
from swarm.store.waves import Wave

# The key of the payload of each event that locks a plan.
IN_LEDGER: Final = "planLock"


class PlanLock(NamedTuple):
    """A lock: its canonical JSON text, the digest of it, and the signature in hexadecimal digits with its key's id."""

    text: str
    sha256: str
    key_id: str | None = None
    signature: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The lock as JSON values."""
        found: dict[str, Any] = json.loads(self.text)
        return found


def add(conn: sqlite3.Connection, wave_id: int, lock: PlanLock, reason: str | None = None) -> None:
    """Record the lock of a wave, whose digest an event of the same transaction holds."""
    conn.execute(
        "INSERT INTO plan_locks (wave_id, document, sha256, key_id, signature, reason, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (wave_id, *lock, reason, now()),
    )


def renew(conn: sqlite3.Connection, wave: Wave, lock: PlanLock, reason: str, changes: Sequence[str]) -> None:
    """Record another lock of a wave, with an event that says why and what is other."""
    add(conn, wave.id, lock, reason)
    payload: dict[str, object] = {IN_LEDGER: lock.sha256, "keyId": lock.key_id, "changes": list(changes)}
    append(conn, Entry("plan_locked", f"wave:{wave.id}", wave.run_id, wave.id, reason=reason, payload=payload))


def newest(conn: sqlite3.Connection, wave_id: int) -> PlanLock | None:
    """Return the lock of a wave that counts, `None` for a wave that an older build dispatched."""
    row = conn.execute(
        "SELECT document, sha256, key_id, signature FROM plan_locks WHERE wave_id = ? ORDER BY id DESC LIMIT 1",
        (wave_id,),
    ).fetchone()
    return None if row is None else PlanLock._make(row)


def digest_in_ledger(conn: sqlite3.Connection, wave: Wave) -> str | None:
    """Return the digest of a wave's newest lock by the ledger, which nobody can edit unseen."""
    found = (event.facts.get(IN_LEDGER) for event in reversed(events_of(conn, f"wave:{wave.id}")))
    return next((str(digest) for digest in found if digest), None)

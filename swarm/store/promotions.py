"""Table promotions: each recorded step from a phase to the next."""

import json
import sqlite3
from typing import Final, NamedTuple

from swarm.clock import now
from swarm.store.ledger import Entry, append


class NewPromotion(NamedTuple):
    """A promotion as it is recorded: `gates` are JSON values, `overridden` the names of those that were passed."""

    run_id: str
    wave_id: int | None
    from_phase: str
    to_phase: str
    gates: tuple[object, ...]
    overridden: tuple[str, ...]
    reason: str | None
    receipt_id: int | None


class Promotion(NamedTuple):
    """A recorded step from one phase to the next. `gates` and `overridden` are JSON."""

    id: int
    run_id: str
    wave_id: int | None
    from_phase: str
    to_phase: str
    gates: str
    overridden: str
    reason: str | None
    receipt_id: int | None
    created: str


def add_promotion(conn: sqlite3.Connection, new: NewPromotion) -> None:
    """Record a promotion; the run's and the wave's own moves are recorded where they are made."""
    gates, overridden = json.dumps(new.gates), json.dumps(new.overridden)
    row = conn.execute(
        "INSERT INTO promotions (run_id, wave_id, from_phase, to_phase, gates, overridden, reason, receipt_id, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (*new[:4], gates, overridden, new.reason, new.receipt_id, now()),
    ).fetchone()
    payload: dict[str, object] = {"overridden": list(new.overridden)}
    step = (new.from_phase, new.to_phase, new.reason, payload)
    append(conn, Entry("promoted", f"promotion:{row[0]}", new.run_id, new.wave_id, *step))


def promotions_of(conn: sqlite3.Connection, run_id: str) -> list[Promotion]:
    """Return the promotions of a run, oldest first."""
    rows = conn.execute(f"SELECT {_PROMOTION} FROM promotions WHERE run_id = ? ORDER BY id", (run_id,))  # noqa: S608
    return list(map(Promotion._make, rows))


_PROMOTION: Final = "id, run_id, wave_id, from_phase, to_phase, gates, overridden, reason, receipt_id, created"

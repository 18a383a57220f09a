"""Table `promotions`: the steps of runs from a phase to the next."""

import json
import sqlite3
from typing import Any, Final, NamedTuple

from swarm.clock import now
from swarm.rules.gates import Gate, GateName
from swarm.store import forms
from swarm.store.ledger import Entry, append


class NewPromotion(NamedTuple):
    """A promotion, before the row is recorded. `overridden` names the gates that were passed for a reason."""

    run_id: str
    wave_id: int | None
    from_phase: str
    to_phase: str
    gates: tuple[Gate, ...]
    overridden: tuple[str, ...]
    reason: str | None
    receipt_id: int | None


class Promotion(NamedTuple):
    """A recorded step from one phase to the next. `overridden` names the gates that were passed for a reason."""

    id: int
    run_id: str
    wave_id: int | None
    from_phase: str
    to_phase: str
    gates: tuple[Gate, ...]
    overridden: tuple[str, ...]
    reason: str | None
    receipt_id: int | None
    created: str


def add_promotion(conn: sqlite3.Connection, new: NewPromotion) -> None:
    """Record a promotion; `transitions` records the moves of the run and of the wave."""
    # The gates as they were judged: recomputed later, they would show a state that the promotion never saw.
    gates, overridden = json.dumps([gate._asdict() for gate in new.gates]), json.dumps(new.overridden)
    row = conn.execute(
        "INSERT INTO promotions (run_id, wave_id, from_phase, to_phase, gates, overridden, reason, receipt_id, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (*new[:4], gates, overridden, new.reason, new.receipt_id, now()),
    ).fetchone()
    payload: dict[str, object] = {"overridden": list(new.overridden)}
    step = (new.from_phase, new.to_phase, new.reason, payload)
    append(conn, Entry("promoted", f"promotion:{row[0]}", new.run_id, new.wave_id, *step))


class StateAt(NamedTuple):
    """A wave of the past, and the last event of the ledger that belongs to its state."""

    number: int
    commit: str
    seq: int


def recorded_at(conn: sqlite3.Connection, run_id: str, number: int | None) -> StateAt | None:
    """Return a wave, or the newest, with the event by which it recorded its findings, `None` where it recorded none."""
    row = conn.execute(
        "SELECT number, dispatch_sha, max(seq) FROM waves JOIN events ON subject = 'wave:' || waves.id"
        " AND kind = 'findings_recorded' WHERE waves.run_id = ?1 AND status != 'aborted_for_rewind'"
        " AND (?2 IS NULL OR number = ?2) GROUP BY waves.id ORDER BY number DESC LIMIT 1",
        (run_id, number),
    ).fetchone()
    return None if row is None else _state_at(row)


def _state_at(row: tuple[Any, ...]) -> StateAt:
    """Return a row of number, commit and event; the commit is held to its form, since it becomes an argument of git."""
    number, commit, seq = row
    forms.hold("waves", "dispatch_sha", forms.COMMIT, commit)
    return StateAt(number, commit, seq)


def newest_at(conn: sqlite3.Connection, run_id: str) -> StateAt | None:
    """Return the wave of a run's last promotion with the event of the promotion, `None` where no wave was promoted.

    A promotion whose wave a rewind aborted does not count.
    """
    row = conn.execute(
        "SELECT number, dispatch_sha, max(seq) FROM promotions JOIN waves ON waves.id = promotions.wave_id"
        " JOIN events ON subject = 'promotion:' || promotions.id AND kind = 'promoted'"
        " WHERE promotions.run_id = ? AND waves.status != 'aborted_for_rewind'"
        " GROUP BY promotions.id ORDER BY promotions.id DESC LIMIT 1",
        (run_id,),
    ).fetchone()
    return None if row is None else _state_at(row)


def promotions_of(conn: sqlite3.Connection, run_id: str) -> list[Promotion]:
    """Return the promotions of a run, oldest first."""
    rows = conn.execute(f"SELECT {_PROMOTION} FROM promotions WHERE run_id = ? ORDER BY id", (run_id,))  # noqa: S608
    return [forms.made("promotions", _promotion, row) for row in rows]


def _promotion(row: tuple[Any, ...]) -> Promotion:
    promotion = Promotion._make(row)
    gates = tuple(
        # Field by field: rows of an older version may lack the reason.
        Gate(GateName(gate["name"]), bool(gate["passed"]), bool(gate["overridable"]), gate.get("reason") or "")
        for gate in json.loads(str(promotion.gates))
    )
    return promotion._replace(gates=gates, overridden=tuple(json.loads(str(promotion.overridden))))


_PROMOTION: Final = "id, run_id, wave_id, from_phase, to_phase, gates, overridden, reason, receipt_id, created"

"""Table promotions: a step with its gates; an override needs its reason."""

import sqlite3

import pytest

from swarm.rules.gates import Gate, GateName
from swarm.store import gate_counts, promotions
from swarm.store.connection import Store
from swarm.store.promotions import NewPromotion
from swarm.store.waves import Wave
from tests.store import rows
from tests.store.writers import steps

GATES = tuple(Gate(name, name != next(iter(GateName)), True, "seen") for name in GateName)


def promotion(wave: Wave, overridden: tuple[str, ...] = (), reason: str | None = None) -> NewPromotion:
    return NewPromotion(
        run_id=rows.RUN,
        wave_id=wave.id,
        from_phase="health-audit-a",
        to_phase="health-audit-b",
        gates=GATES,
        overridden=overridden,
        reason=reason,
        receipt_id=None,
    )


def test_a_promotion_is_returned_with_its_gates_and_is_in_the_ledger(store: Store, wave: Wave) -> None:
    new = promotion(wave, (GATES[0].name,), "known to be so")
    assert gate_counts.promoted_wave(store.conn, rows.RUN) == 0
    with store.mutation() as conn:
        promotions.add_promotion(conn, new)
    (kept,) = promotions.promotions_of(store.conn, rows.RUN)
    assert tuple(kept[1:-1]) == tuple(new)
    assert steps(store, "promoted") == [("promoted", "promotion:1", "health-audit-a", "health-audit-b")]
    assert gate_counts.promoted_wave(store.conn, rows.RUN) == wave.number


def test_an_override_without_a_reason_is_refused_and_leaves_no_event(store: Store, wave: Wave) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        promotions.add_promotion(store.conn, promotion(wave, (GATES[0].name,)))
    assert promotions.promotions_of(store.conn, rows.RUN) == []
    assert steps(store, "promoted") == []

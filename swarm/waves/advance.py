"""`advance`: check every gate and, where they pass, promote the run to its next phase."""

import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple

from swarm import errors
from swarm.results.advance import AdvanceResult, GateShown
from swarm.results.receipt import ReceiptPromotion
from swarm.rules import assessment, gates
from swarm.rules.gates import Judgement, Verdict
from swarm.rules.phases import Phase
from swarm.rules.states import WaveStatus
from swarm.store import promotions, receipts, runs, transitions, waves
from swarm.store.connection import Store
from swarm.store.promotions import NewPromotion
from swarm.store.runs import Run
from swarm.waves.look.receipt import promotions_shown, receipt
from swarm.waves.run_facts import RunState, run_state

AsDocument = Callable[[Any], Any]


class GateReview(NamedTuple):
    """The gates of a run now. `overridden` names the gates that the caller's reason passes."""

    run: Run
    found: RunState
    judgement: Judgement
    overridden: tuple[str, ...]

    @property
    def may_pass(self) -> bool:
        """Permission to promote the run: the gates pass, or a reason overrides them."""
        return self.judgement.verdict is Verdict.ADVANCE or bool(self.overridden)


def review(conn: sqlite3.Connection, run: Run, override: str | None = None) -> GateReview:
    """Check every gate of a run; `override` is the reason for passing gates that allow an override."""
    found = run_state(conn, run)
    judgement = gates.evaluate(found.facts.gates)
    is_passed = override is not None and judgement.can_be_overridden
    return GateReview(run, found, judgement, tuple(gate.name for gate in judgement.failed) if is_passed else ())


def check(conn: sqlite3.Connection, run: Run, override: str | None = None) -> AdvanceResult:
    """Return the result of `advance` without a promotion."""
    seen = review(conn, run, override)
    return _result(conn, seen, seen, override, promoted=False)


def advance(store: Store, run: Run, override: str | None, as_document: AsDocument) -> AdvanceResult:
    """Promote a run whose gates pass or are overridden with a reason; otherwise only report the gates.

    `as_document` turns a receipt into JSON values for its row. Raises StateConflict when another process promoted the
    run meanwhile.
    """
    seen = review(store.conn, run, override)
    if not seen.may_pass:
        return _result(store.conn, seen, seen, override, promoted=False)
    with store.mutation() as conn:
        now = runs.find(conn, run.id)
        if now is None or now.status != run.status:
            raise errors.StateConflict(subject=f"Run {run.id}", expected=run.status, run_id=run.id)
        # Judged again inside the transaction: a finding or a violation may have come since.
        seen = review(conn, now, override)
        if seen.may_pass:
            _promote(conn, seen, override, as_document)
    after = runs.find(store.conn, run.id) or now
    # The next command belongs to the state after the promotion, the verdict to the state before.
    return _result(store.conn, seen, review(store.conn, after), override, promoted=seen.may_pass)


def _promote(conn: sqlite3.Connection, seen: GateReview, override: str | None, as_document: AsDocument) -> None:
    run, judgement = seen.run, seen.judgement
    target = judgement.to_phase
    if target is None:
        raise AssertionError(run.status)
    shown = _shown(judgement)
    reason = override if seen.overridden else None
    step = ReceiptPromotion(run.status, target, shown, seen.overridden, reason)
    wave = seen.found.judged if gates.judged_wave(seen.found.facts.gates) else None
    receipt_id = None
    if wave is not None:
        # Before the receipt, which holds the wave as it is after the promotion.
        transitions.move_wave(conn, wave, WaveStatus.ADVANCED, reason=reason)
        moved = waves.numbered(conn, run.id, wave.number) or wave
        document = as_document(receipt(conn, run, moved, step))
        receipt_id = receipts.add_receipt(conn, run.id, wave.id, None, document).id
    promotions.add_promotion(
        conn,
        NewPromotion(
            run_id=run.id,
            wave_id=wave.id if wave else None,
            from_phase=run.status,
            to_phase=target,
            gates=judgement.gates,
            overridden=seen.overridden,
            reason=reason,
            receipt_id=receipt_id,
        ),
    )
    transitions.move_run(conn, run.id, run.status, target)


def _result(
    conn: sqlite3.Connection, seen: GateReview, after: GateReview, override: str | None, *, promoted: bool
) -> AdvanceResult:
    judgement = seen.judgement
    passes = seen.may_pass
    reason = judgement.reason
    if seen.overridden:
        reason = f"overridden: {reason}"
    return AdvanceResult(
        run_id=seen.run.id,
        verdict=Verdict.ADVANCE if passes else judgement.verdict,
        promoted=promoted,
        from_phase=judgement.from_phase,
        to_phase=judgement.to_phase,
        next_phase=judgement.to_phase if passes else judgement.next_phase,
        reason=reason,
        gates=_shown(judgement),
        overrides=seen.overridden,
        override_reason=override if seen.overridden else None,
        next_action=assessment.assessed(after.found.facts, after.judgement)[2],
        history=promotions_shown(conn, seen.run.id),
    )


def is_done(result: AdvanceResult) -> bool:
    """Say whether nothing blocks the run: the gates pass, or the run is complete."""
    return result.verdict == Verdict.ADVANCE or result.from_phase == Phase.COMPLETE


def _shown(judgement: Judgement) -> tuple[GateShown, ...]:
    return tuple(GateShown(*gate) for gate in judgement.gates)

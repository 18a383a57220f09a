"""`swarm advance`."""

from collections.abc import Iterator

import click

from swarm.cli.call import Call
from swarm.cli.options import require_reason, run_argument, usage, verb
from swarm.results.advance import AdvanceResult
from swarm.show import text
from swarm.show.escape import plain
from swarm.show.receipt import gate_word


@verb()
@run_argument
@click.option("--check-only", is_flag=True, help="Report the gates and promote nothing.")
@click.option("--override", is_flag=True, help="Pass the gates that allow an override; needs --reason.")
@click.option("--reason", metavar="TEXT", help="Reason for the override; recorded.")
@click.option("--history", is_flag=True, help="List every promotion and promote nothing.")
def command(
    call: Call, run: str | None, *, check_only: bool, override: bool, reason: str | None, history: bool
) -> None:
    """Promote RUN to its next phase when every gate passes. Every gate is checked and reported each time.

    Exit 0: promoted, or would be with --check-only; 1: a gate does not pass. A complete run stays as it is.
    """
    from swarm.results.document import document
    from swarm.waves import advance

    if history and (check_only or override):
        raise usage("--history goes alone", "advance")
    if reason is not None and not override:
        raise usage("--reason goes with --override", "advance")
    why = None
    if override:
        from swarm.cli.decision_verbs import bounded

        why = bounded(require_reason(reason, "overriding a gate"), "--reason", "advance")
    if check_only or history:
        with call.read() as store:
            result = advance.check(store.conn, call.run(store, run), why)
        code = 0 if history else _exit_code(result)
        call.answer(result, lambda: _history(result) if history else _lines(result), code)
    with call.write() as store:
        selected = call.run(store, run, tell=True)
        result = advance.advance(store, selected, why, document)
        numbers = [step.wave_number for step in result.history if step.wave_number is not None]
        if numbers:
            from swarm.cli.receipt import receipt_of
            from swarm.cli.receipt_files import keep
            from swarm.waves.selection import select_wave

            # Written after each call: a call that was killed after its commit left no files.
            keep(call, receipt_of(store, selected, select_wave(store.conn, selected, numbers[-1])))
    call.answer(result, lambda: _lines(result), _exit_code(result))


def _exit_code(result: AdvanceResult) -> int:
    from swarm.waves.advance import is_done

    return 0 if is_done(result) else 1


def _lines(result: AdvanceResult) -> Iterator[str]:
    yield f"{result.verdict}: {plain(result.reason)}"
    yield ""
    rows = (
        (gate.name, _word(gate_word(gate, result.overrides), gate.overridable), gate.reason) for gate in result.gates
    )
    yield from text.table(rows, ("gate", "result", "reason"))
    yield ""
    if result.promoted:
        yield f"Promoted: {result.from_phase} → {result.to_phase}"
    elif result.to_phase and result.next_phase in {None, result.to_phase}:
        yield f"Not promoted: {result.from_phase} stays; the gates lead to {result.to_phase}"
    elif result.to_phase:
        then = f"; {result.to_phase} follows when the gates pass"
        yield f"Not promoted: {result.from_phase} stays; work goes on in {result.next_phase}{then}"
    else:
        yield f"Not promoted: {result.from_phase}"
    yield f"Next: {result.next_action}"


def _word(word: str, overridable: bool) -> str:  # noqa: FBT001
    return f"{word} (--override)" if word == "not passed" and overridable else word


def _history(result: AdvanceResult) -> Iterator[str]:
    if not result.history:
        yield "No promotions."
    for step in result.history:
        wave = f"wave {step.wave_number}" if step.wave_number is not None else "no wave"
        overridden = f"  overridden: {', '.join(step.overrides)} ({plain(step.reason or '')})" if step.overrides else ""
        yield f"{step.created}  {step.from_phase} → {step.to_phase}  {wave}{overridden}"
    yield f"Next: {result.next_action}"

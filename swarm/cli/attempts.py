"""`swarm attempts`."""

import json
from collections.abc import Iterator

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.results.attempts import AttemptsResult
from swarm.show import text
from swarm.show.escape import plain

_ACTS = ("list", "show", "verify")


@verb()
@click.argument("words", nargs=-1, metavar="[list|show ID|verify] [RUN] [WAVE]", shell_complete=completions.runs)
def command(call: Call, words: tuple[str, ...]) -> None:
    """List the processes that were launched for WAVE, by default the newest wave of RUN.

    `show ID` prints the record of an attempt; `verify` holds each record file against the database, and exits 1 where
    a file is missing or another.
    """
    from swarm.store import attempts as table
    from swarm.waves.launch import attempts as use
    from swarm.waves.selection import select_wave, split_run_and_wave

    act, rest = (words[0], words[1:]) if words[:1] and words[0] in _ACTS else ("list", words)
    shown = _attempt_id(rest[0] if rest else "") if act == "show" else 0
    rest = rest[1:] if act == "show" else rest
    if len(rest) > 2:  # noqa: PLR2004
        raise usage("it takes a run and a wave at most", "attempts")
    named, number = split_run_and_wave(rest)
    with call.read() as store:
        run = call.run(store, named)
        # An attempt's id names its wave, so that no other has to be named with it.
        if act == "show" and number is None:
            number = table.wave_number_of(store.conn, run.id, shown)
        wave = select_wave(store.conn, run, number)
        if act == "show":
            result = use.record_shown(store.conn, run, wave, shown)
        else:
            result = (use.records_checked if act == "verify" else use.attempts)(store.conn, run, wave)
    wrong = any(one.state != "same" for one in result.checked)
    lines = {"list": _lines, "show": _record_lines, "verify": _checked_lines}[act]
    call.answer(result, lambda: lines(result), int(wrong))


def _attempt_id(word: str) -> int:
    number = word.removeprefix("attempt:")
    if not (number.isascii() and number.isdigit() and len(number) < 10):  # noqa: PLR2004
        raise usage("show takes the id of an attempt, such as attempt:3", "attempts")
    return int(number)


def _record_lines(result: AttemptsResult) -> Iterator[str]:
    # Escaped, so that nothing of an agent's words is taken for a command of the terminal.
    yield from json.dumps(result.record, indent=2).splitlines()


def _checked_lines(result: AttemptsResult) -> Iterator[str]:
    same = sum(one.state == "same" for one in result.checked)
    mark = "✓" if same == len(result.checked) and result.checked else "⊘"
    say = "says" if len(result.checked) == 1 else "say"
    yield f"{mark} {same} of {text.counted(len(result.checked), 'record')} {say} what the database says"
    for one in result.checked:
        if one.state != "same":
            yield f"  attempt:{one.attempt_id} of {plain(one.domain)}: {one.state}  {plain(one.path)}"


def _lines(result: AttemptsResult) -> Iterator[str]:
    yield f"Wave {result.wave_number} of {result.run_id}"
    rows = [
        (
            f"attempt:{attempt.id}",
            agent.domain,
            attempt.runtime,
            attempt.outcome or "open",
            "" if attempt.exit_code is None else str(attempt.exit_code),
            "" if attempt.duration_ms is None else f"{attempt.duration_ms:,} ms",
            attempt.isolation,
            plain(attempt.record_path),
        )
        for agent in result.agents
        for attempt in agent.attempts
    ]
    if not rows:
        yield "Nothing was launched."
        return
    yield from text.table(rows, ("attempt", "agent", "runtime", "outcome", "exit", "took", "sandbox", "record"))

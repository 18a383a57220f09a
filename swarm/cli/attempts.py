"""`swarm attempts`."""

from collections.abc import Iterator

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import usage, verb
from swarm.results.attempts import AttemptsResult
from swarm.show import text
from swarm.show.escape import plain


@verb()
@click.argument("words", nargs=-1, metavar="[RUN] [WAVE]", shell_complete=completions.runs)
def command(call: Call, words: tuple[str, ...]) -> None:
    """List the processes that were launched for WAVE, by default the newest wave of RUN."""
    from swarm.waves.launch.attempts import attempts
    from swarm.waves.selection import select_wave, split_run_and_wave

    if len(words) > 2:  # noqa: PLR2004
        raise usage("it takes a run and a wave at most", "attempts")
    named, number = split_run_and_wave(words)
    with call.read() as store:
        run = call.run(store, named)
        result = attempts(store.conn, run, select_wave(store.conn, run, number))
    call.answer(result, lambda: _lines(result))


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

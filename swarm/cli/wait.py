"""`swarm wait`."""

from collections.abc import Iterator

import click

from swarm.cli.call import Call
from swarm.cli.live_table import HEAD, LiveTable
from swarm.cli.options import Duration, run_argument, verb
from swarm.results.wait import WaitResult
from swarm.show import text
from swarm.show.escape import plain
from swarm.show.live import rows_of


@verb()
@run_argument
@click.option("--timeout", type=Duration(), default="10m", show_default=True, help="The longest time to wait.")
def command(call: Call, run: str | None, timeout: int) -> None:
    """Wait until the launch of RUN's newest wave has ended, or an agent needs a decision.

    Agents that still run when the time is over are no error. Attempts whose launch died are closed. Exit 3: an agent's
    runtime failed; 127: its program was not found.
    """
    from swarm.waves.watch.wait import wait

    with call.write() as store, LiveTable(call) as table:
        selected = call.run(store, run, tell=True)
        result = wait(store, call.workspace, selected, seconds=timeout, shown=table.show)
    call.answer(result, lambda: _lines(result), result.exit_class)


def _lines(result: WaitResult) -> Iterator[str]:
    yield f"Wave {result.wave_number}: {'still running' if result.is_running else 'no launch is running'}"
    yield from text.table(rows_of(result.live), HEAD)
    for agent in result.needs_attention:
        why = agent.stall_reason or agent.doing or ""
        yield f"⚠ {plain(agent.domain)}: {plain(agent.state)}: {plain(why)}"
        if agent.artifacts:
            yield f"  Files: {plain(agent.artifacts[0].rpartition('/')[0])}"
        yield f"  Explained by: swarm explain attempt:{agent.attempt_id}"
    yield f"Next: {result.next_action}"

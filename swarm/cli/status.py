"""`swarm status`."""

import click

from swarm.cli.call import Call
from swarm.cli.options import run_argument, usage, verb
from swarm.cli.shared_options import value_of
from swarm.show.status import lines_of


@verb()
@run_argument
@click.option("--watch", is_flag=True, help="Show each change, until q, Ctrl-C, or the end of the run.")
def command(call: Call, run: str | None, *, watch: bool) -> None:
    """Show the state of RUN: domains, wave, agents, findings, blockers, and the next command.

    With --watch a terminal shows the present state in its place, with agents at work as `wait` does; a pipe gets a line
    for each change of state, with --format json a document on a line. Between two waves the watch goes on.
    """
    if watch and value_of("quiet") and call.form == "text":
        raise usage("--watch and --quiet exclude each other", "status")
    if watch:
        from swarm.cli.status_watch import watch_status

        watch_status(call, run)
    else:
        from swarm.waves.look.status import status

        with call.read() as store:
            result = status(store.conn, call.workspace, call.run(store, run), call.trust)
        call.answer(result, lambda: lines_of(result))

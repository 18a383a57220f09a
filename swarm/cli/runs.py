"""`swarm runs`."""

from collections.abc import Iterator

import click

from swarm import errors
from swarm.cli.call import Call
from swarm.cli.options import Duration, usage, verb
from swarm.results.runs import RunShown
from swarm.show import text


@verb()
@click.option("--set-timeout", type=Duration(), metavar="DURATION", help="Change the time-out policy of --run.")
@click.option("--run", metavar="RUN", help="Run whose policy is changed.")
def command(call: Call, set_timeout: int | None, run: str | None) -> None:
    """List all runs, newest first."""
    from swarm.waves.look import runs

    if set_timeout is not None:
        with call.write() as store:
            runs.set_timeout(store, call.run(store, run, tell=True), set_timeout)
    elif run is not None:
        raise usage("--run goes with --set-timeout", "runs")
    try:
        with call.read() as store:
            found = runs.runs(store.conn)
    except errors.ControlPlaneMissing:
        found = []
    call.answer(found, lambda: _lines(found))


def _lines(found: list[RunShown]) -> Iterator[str]:
    if not found:
        yield "No runs found."
        return
    rows = [
        (
            r.id,
            r.repo,
            r.status,
            r.branch or "(detached)",
            str(r.wave_count),
            f"{r.finding_count:,}",
            f"{r.created[:10]} {r.created[11:16]}",
        )
        for r in found
    ]
    yield from text.table(rows, ("run", "repo", "status", "branch", "waves", "findings", "created"))

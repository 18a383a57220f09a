"""`swarm events`."""

import json
import time

import click

from swarm.cli import stdout
from swarm.cli.call import Call, write_exact
from swarm.cli.options import usage, verb
from swarm.results.events import EventsResult

_POLL_SECONDS = 0.3


@verb()
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only events with a higher seq.")
@click.option("--follow", is_flag=True, help="Wait for new events until interrupted.")
def command(call: Call, after: int, *, follow: bool) -> None:
    """Print the ledger: one JSON object a line, oldest first."""
    from swarm.results.document import document
    from swarm.waves.look.events import events

    if follow and call.form == "json":
        raise usage("--follow is text alone", "events")
    with call.read() as store:
        if call.form == "json":
            found = tuple(events(store.conn, after))
            result = EventsResult(found, found[-1].seq if found else after)
            call.answer(result, lambda: ())
        while True:
            for event in events(store.conn, after):
                write_exact(json.dumps(document(event), ensure_ascii=True))
                after = event.seq
            if not follow:
                return
            stdout.flush()
            time.sleep(_POLL_SECONDS)

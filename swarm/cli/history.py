"""`swarm history`."""

from collections.abc import Iterator

import click

from swarm.cli import completions
from swarm.cli.call import Call
from swarm.cli.options import run_option, verb
from swarm.results.events import EventShown
from swarm.show.escape import plain


@verb()
@click.argument("subject", metavar="WAVE|FINDING", shell_complete=completions.findings)
@run_option
def command(call: Call, subject: str, run: str | None) -> None:
    """List the ledger events of a wave (its number) or of a finding (its id)."""
    from swarm.waves.look.history import history

    with call.read() as store:
        result = history(store.conn, call.run(store, run), subject)
    call.answer(result, lambda: event_lines(result.events))


def event_lines(events: tuple[EventShown, ...]) -> Iterator[str]:
    """Yield a line for each event."""
    for event in events:
        step = f"{event.from_ or '—'} → {event.to}" if event.to else ""
        reason = f"  {plain(event.reason)}" if event.reason else ""
        yield f"{event.seq:>6}  {event.ts}  {event.subject}  {event.kind}  {step}{reason}".rstrip()

"""`swarm history`."""

from collections.abc import Iterator

import click

from swarm.cli.call import Call
from swarm.cli.options import run_option, verb
from swarm.results.events import EventShown, EventsResult
from swarm.show.escape import plain


@verb()
@click.argument("subject", metavar="WAVE|FINDING")
@run_option
def command(call: Call, subject: str, run: str | None) -> None:
    """Tell the ledger of one wave (a number in the run) or of one finding (its id)."""
    from swarm.waves.look.history import finding_history, wave_history
    from swarm.waves.look.show import one_finding
    from swarm.waves.selection import is_wave_number, select_wave, wave_number

    with call.read() as store:
        selected = call.run(store, run)
        if is_wave_number(subject):
            events = wave_history(store.conn, select_wave(store.conn, selected, wave_number(subject)))
        else:
            events = finding_history(store.conn, one_finding(store.conn, selected, subject).row_id)
    result = EventsResult(events, events[-1].seq if events else 0)
    call.answer(result, lambda: event_lines(events))


def event_lines(events: tuple[EventShown, ...]) -> Iterator[str]:
    """Yield one line an event."""
    for event in events:
        step = f"{event.from_ or '—'} → {event.to}" if event.to else ""
        reason = f"  {plain(event.reason)}" if event.reason else ""
        yield f"{event.seq:>6}  {event.ts}  {event.subject}  {event.kind}  {step}{reason}".rstrip()

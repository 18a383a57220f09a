"""`swarm status --watch`: a run's state on a terminal in its place, in a pipe each change as a line."""

import json
import os
import select
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Final, NamedTuple

from swarm import errors
from swarm.cli.call import Call, envelope, failure, write, write_exact
from swarm.cli.live_table import HEAD
from swarm.cli.screen import Screen
from swarm.clock import now
from swarm.results.document import document
from swarm.results.status import StatusResult
from swarm.results.wait import LiveAgent
from swarm.rules.phases import ENDED_RUN_STATUSES
from swarm.show import text
from swarm.show.live import changes_of_status, rows_of, states_of
from swarm.show.status import lines_of
from swarm.waves.look.status import status
from swarm.waves.watch.live import agents_of_newest, is_at_work, journals_of
from swarm.waves.watch.looks import PAUSE_SECONDS, Look, looks

_TICK_SECONDS: Final = 1.0


class _Watched(NamedTuple):
    """A state of a run, and the agents of its newest launch."""

    status: StatusResult
    agents: tuple[LiveAgent, ...]


_Failed = errors.SwarmError | sqlite3.Error | OSError
_Changes = Iterator[_Watched | _Failed]
_Watching = Callable[[Callable[[], bool]], _Changes]


def watch_status(call: Call, named: str | None) -> None:
    """Show each change of a run's state until the user ends it, or the run has ended. Raises as `status` does."""
    is_drawn = call.form != "json" and text.is_terminal() and os.environ.get("TERM") != "dumb"
    # The run stays the same, also where a newer run begins meanwhile.
    selected: list[str] = []

    def look() -> Look[_Watched]:
        with call.read() as store:
            run = call.run(store, selected[0] if selected else named)
            selected[:] = [run.id]
            agents = agents_of_newest(store.conn, run)
            found = _Watched(status(store.conn, call.workspace, run, call.trust), agents)
        # The times in the table go on, also where nothing else does.
        ticks = is_drawn and any(map(is_at_work, agents))
        return Look(found, journals_of(agents), *([_TICK_SECONDS] if ticks else []))

    def watching(pause: Callable[[], bool]) -> _Changes:
        for found in looks(call.workspace.database, look, pause):
            yield found
            if isinstance(found, _Watched) and found.status.run.status in ENDED_RUN_STATUSES:
                return

    with suppress(KeyboardInterrupt):
        if call.form == "json":
            _documents(call, watching)
        elif is_drawn:
            _draw(watching)
        else:
            _print(watching)


def _draw(watching: _Watching) -> None:
    last: _Watched | _Failed | None = None
    try:
        with Screen() as screen:
            for last in watching(lambda: screen.pause(PAUSE_SECONDS)):
                screen.foot = f"Changed {now()[11:19]} UTC; q ends."
                screen.draw(partial(_lines, last))
    finally:
        # The screen before has come back, and the last state stays readable on it.
        if last is not None:
            for line in _lines(last):
                write(text.harmless(line))


def _lines(found: _Watched | _Failed) -> Iterator[str]:
    if not isinstance(found, _Watched):
        yield _unread(found)
        return
    live = found.agents
    if any(map(is_at_work, live)):
        yield from lines_of(found.status, lambda _: text.table(rows_of(live), HEAD))
    else:
        yield from lines_of(found.status)


def _unread(error: _Failed) -> str:
    hint = f" Next: {error.hint}" if isinstance(error, errors.SwarmError) and error.hint else ""
    return f"⚠ The state cannot be read: {error}.{hint}"


def _print(watching: _Watching) -> None:
    before: dict[str, str] = {}
    for found in watching(_pause):
        if isinstance(found, _Watched):
            states = states_of(found.status, found.agents)
            for line in changes_of_status(before, states):
                write(line)
            before = states
        else:
            write(text.harmless(_unread(found)))
        sys.stdout.flush()


def _documents(call: Call, watching: _Watching) -> None:
    before: StatusResult | None = None
    for found in watching(_pause):
        if not isinstance(found, _Watched):
            before = None
            write_exact(json.dumps(failure(call.verb, found, 1), ensure_ascii=False))
        elif found.status != before:
            before = found.status
            write_exact(json.dumps(envelope(call.verb, 0, document(before)), ensure_ascii=False))
        sys.stdout.flush()


def _pause() -> bool:
    """Wait for the next look. Raises BrokenPipeError where nobody reads stdout any more."""
    # A pipe reports its closed end without a write; a watch without changes would wait for ever.
    poll = select.poll()
    with suppress(OSError, ValueError, AttributeError):
        poll.register(sys.stdout.fileno(), 0)
    if poll.poll(PAUSE_SECONDS * 1000):
        raise BrokenPipeError
    return True

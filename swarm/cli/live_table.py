"""Table of agents at work on a terminal, drawn in place; in a pipe a plain line for each change of state."""

import contextlib
import sqlite3
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Self

from swarm import errors, log_lines, stage_events
from swarm.cli.call import Call
from swarm.show import text
from swarm.show.live import changes, rows_of, state_of

if TYPE_CHECKING:
    from swarm.results.wait import LiveAgent

HEAD: Final = ("agent", "runtime", "state", "now", "time", "tokens", "cost")
_SECONDS: Final = 0.5


class LiveTable:
    """Shows agents on stderr. A JSON answer in a pipe gets no lines beside it."""

    def __init__(self, call: Call) -> None:
        self._is_on = call.form != "json"
        self.is_in_place = False
        with contextlib.suppress(AttributeError, ValueError):
            self.is_in_place = self._is_on and sys.stderr.isatty()
        self._states: dict[str, str] = {}
        self._drawn = 0
        # An event of the launch and the next drawing come from two threads.
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        """Remove the table: the answer follows."""
        self.erase()

    def show(self, agents: "tuple[LiveAgent, ...]") -> None:
        """Draw the agents in the place of the table before, or print what changed."""
        if not self._is_on:
            return
        if not self.is_in_place:
            self._write("".join(f"{log_lines.shown_lines(line)}\n" for line in changes(self._states, agents)))
            self._states = {agent.domain: state_of(agent) for agent in agents}
            return
        lines = list(text.table(rows_of(agents), HEAD)) if agents else []
        with self._lock:
            self._write(self._erased() + "".join(f"{line}\n" for line in lines))
            self._drawn = len(lines)

    def erase(self) -> None:
        """Remove the table."""
        with self._lock:
            self._write(self._erased())

    def _erased(self) -> str:
        # Up by the lines of the table, then clear to the end of the screen.
        erased = f"\x1b[{self._drawn}F\x1b[J" if self._drawn else ""
        self._drawn = 0
        return erased

    def _write(self, words: str) -> None:
        # A stderr that fails never breaks a verb.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(words)
            sys.stderr.flush()


@contextlib.contextmanager
def table_beside_launch(call: Call, run: str | None) -> Iterator[None]:
    """Draw the agents of a launch of this process while it runs, on a terminal; do nothing in a pipe.

    Lines of progress are left out, and warnings stand above the table.
    """
    table = LiveTable(call)
    if not table.is_in_place:
        yield
        return
    over = threading.Event()
    thread = threading.Thread(target=_draw, args=(call, run, table, over), daemon=True)
    with stage_events.above(table.erase):
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            table.erase()


def _draw(call: Call, run: str | None, table: LiveTable, over: threading.Event) -> None:
    from swarm.waves.watch.live import agents_at_work

    # The first drawing comes late: most waves of analyzers are over by then.
    while not over.wait(_SECONDS):
        # The workspace may not be there yet, and a look that fails is made again.
        with contextlib.suppress(errors.SwarmError, sqlite3.Error, OSError), call.read() as store:
            table.show(agents_at_work(store.conn, call.run(store, run)))

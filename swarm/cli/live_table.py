"""Table of agents at work on a terminal, drawn in place; in a pipe a plain line for each change of state."""

import contextlib
import sqlite3
import sys
import threading
from types import TracebackType
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
        self.is_in_place = False
        self._is_on = call.form != "json"
        with contextlib.suppress(AttributeError, ValueError):
            self.is_in_place = sys.stderr.isatty()
        self._states: dict[str, str] = {}
        self._drawn = 0
        # An event of the launch and the next drawing come from two threads.
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the table: the answer follows."""
        del kind, error, trace
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


class TableBesideLaunch:
    """Draws the agents of a launch of this process while it runs, on a terminal; does nothing in a pipe."""

    def __init__(self, call: Call, run: str | None) -> None:
        self._call = call
        self._run = run
        self._table = LiveTable(call)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Begin to draw; lines of progress are left out, and warnings stand above the table."""
        if self._table.is_in_place and self._call.form != "json":
            self._stack.enter_context(stage_events.above(self._table.erase))
            self._thread = threading.Thread(target=self._draw, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the table: the answer follows."""
        del kind, error, trace
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._table.erase()
        self._stack.close()

    def _draw(self) -> None:
        from swarm.waves.watch.live import agents_at_work

        # The first drawing comes late: most waves of analyzers are over by then.
        while not self._over.wait(_SECONDS):
            # The workspace may not be there yet, and a look that fails is made again.
            with contextlib.suppress(errors.SwarmError, sqlite3.Error, OSError), self._call.read() as store:
                self._table.show(agents_at_work(store.conn, self._call.run(store, self._run)))

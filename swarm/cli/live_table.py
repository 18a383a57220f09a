"""Table of agents at work on a terminal, drawn in place; in a pipe a plain line for each change of state."""

import contextlib
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from swarm import errors, log_lines, stage_events
from swarm.cli.call import Call
from swarm.clock import now
from swarm.show import text
from swarm.show.live import changes, rows_of, state_of

if TYPE_CHECKING:
    from swarm.results.wait import LiveAgent

HEAD: Final = ("agent", "runtime", "state", "now", "time", "tokens", "cost")
_SECONDS: Final = 0.5
# A launch that waits spends a hundredth of a core on its table; the longest pause is for thousands of agents.
_SHARE: Final = 100
_LONGEST_SECONDS: Final = 10.0
# Two changes in the same moment may leave a file of the same time and size.
_AGAIN_SECONDS: Final = 30.0


class LiveTable:
    """Shows agents on stderr. A JSON answer in a pipe gets no lines beside it."""

    def __init__(self, call: Call) -> None:
        self.is_on = call.form != "json"
        self.is_in_place = False
        with contextlib.suppress(AttributeError, ValueError):
            self.is_in_place = self.is_on and sys.stderr.isatty()
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
        if not self.is_on:
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
def table_beside_launch(
    call: Call, run: str | None = None, *, folder: Path | None = None, lines: bool = True, attaches: bool = False
) -> Iterator[None]:
    """Draw the agents of a launch of this process while it runs; in a pipe print, with `lines`, what changes.

    A launch that `attaches` to orders of an earlier call has lines of its agents, too.

    The run is the one that is named, else that of the repository around a folder, else around the caller. On a
    terminal lines of progress are left out, and warnings stand above the table.
    """
    table = LiveTable(call)
    # Who asked for events, or for none, gets no other lines.
    if not (table.is_in_place or (lines and table.is_on and not stage_events.is_asked())):
        yield
        return
    over = threading.Event()
    drawing = (call, run, folder or call.folder, table, over, "" if attaches else now())
    thread = threading.Thread(target=_draw, args=drawing, daemon=True)
    with stage_events.above(table.erase):
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            table.erase()


def _draw(call: Call, run: str | None, folder: Path, table: LiveTable, over: threading.Event, begun: str) -> None:
    from swarm.waves.selection import select_run
    from swarm.waves.watch.live import again, agents_at_work, agents_of_newest, mark_of

    agents: tuple[LiveAgent, ...] = ()
    seen, looked = None, 0.0
    look = agents_at_work if table.is_in_place else agents_of_newest
    is_over, pause = False, _SECONDS
    # The first drawing comes late: most waves of analyzers are over by then. Lines end with the states at the end.
    while not is_over:
        is_over = over.wait(pause)
        if is_over and table.is_in_place:
            return
        begin = time.thread_time()
        # The workspace may not be there yet, and a look that fails is made again.
        with contextlib.suppress(errors.SwarmError, sqlite3.Error, OSError):
            mark = mark_of(call.workspace.database, agents)
            if mark is not None and mark == seen and not is_over and time.monotonic() < looked + _AGAIN_SECONDS:
                agents = again(agents)
            else:
                looked = time.monotonic()
                with call.read() as store:
                    agents = look(store.conn, select_run(store.conn, run, folder))
            seen = mark
            # Lines are about the launch of this call: a call that is refused has none.
            if table.is_in_place or any((agent.since or "") >= begun for agent in agents):
                table.show(agents)
        # A look at hundreds of agents takes a tenth of a second, which the launch would lack each second.
        pause = min(max(_SECONDS, _SHARE * (time.thread_time() - begin)), _LONGEST_SECONDS)

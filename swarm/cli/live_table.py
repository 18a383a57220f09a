"""Table of agents at work on a terminal, drawn in place; in a pipe a plain line for each change of state."""

import contextlib
import sys
from types import TracebackType
from typing import Self

from swarm import log_lines
from swarm.cli.call import Call
from swarm.results.wait import LiveAgent
from swarm.show import text
from swarm.show.live import changes, rows_of, state_of

_HEAD = ("agent", "runtime", "state", "now", "time", "tokens", "cost")


class LiveTable:
    """Shows agents on stderr. A JSON answer in a pipe gets no lines beside it."""

    def __init__(self, call: Call) -> None:
        self._in_place = False
        self._is_on = call.form != "json"
        with contextlib.suppress(AttributeError, ValueError):
            self._in_place = sys.stderr.isatty()
        self._states: dict[str, str] = {}
        self._drawn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the table: the answer follows."""
        del kind, error, trace
        self._write(self._erased())

    def show(self, agents: tuple[LiveAgent, ...]) -> None:
        """Draw the agents in the place of the table before, or print what changed."""
        if not self._is_on:
            return
        if self._in_place:
            lines = list(text.table(rows_of(agents), _HEAD))
            self._write(self._erased() + "".join(f"{line}\n" for line in lines))
            self._drawn = len(lines)
            return
        self._write("".join(f"{log_lines.shown_lines(line)}\n" for line in changes(self._states, agents)))
        self._states = {agent.domain: state_of(agent) for agent in agents}

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

"""Protocol of a conversation with the process of an agent: its lines read into events, and what is written to it."""

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

from swarm.rules.agent_events import AgentEvent, Said

LONGEST_LINE: Final = 50 * 1024 * 1024


class Heard(NamedTuple):
    """Meaning of a line: its events, and what is written to the agent's stdin because of it.

    With `is_over` the agent has said everything: its stdin is closed, and it has a moment to end.
    """

    events: tuple[AgentEvent, ...] = ()
    reply: bytes = b""
    is_over: bool = False


class Conversation(Protocol):
    """A conversation with one process; it is made anew for each."""

    keeps_input_open: bool

    def opening(self) -> bytes:
        """Return what is written to stdin at the start: the prompt, or the first request of a protocol."""

    def heard(self, line: bytes) -> Heard:
        """Return the meaning of a line of stdout, without its end. A line of any content is taken, none raises."""

    def logged(self, line: bytes) -> Heard:
        """Return the meaning of a line of stderr: programs log there why they ask their provider again."""

    def permit(self, call: str, decision: str) -> Heard:
        """Return the answer to a request for permission: `once`, `always` or `reject`."""

    def cancel(self) -> bytes:
        """Return what asks the agent to end its turn, nothing where the program has no word for it."""

    def said(self) -> Said:
        """Return what the agent has said so far."""


class LineCutter:
    """Cuts a stream into lines; a line beyond the bound is given up to its bound, and its rest is dropped."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> Iterator[bytes]:
        """Yield each line that a chunk ends."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._keep(part)
            yield self._line()
        self._keep(rest)

    def rest(self) -> bytes:
        """Return the last line, which has no end."""
        return self._line()

    def _keep(self, part: bytes) -> None:
        room = self._longest - self._size
        if part and room > 0:
            self._parts.append(part[:room])
            self._size += min(len(part), room)

    def _line(self) -> bytes:
        line = b"".join(self._parts).removesuffix(b"\r")
        self._parts, self._size = [], 0
        return line

"""A conversation with the process of an agent, while the process runs."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

from swarm.rules.agent_events import AgentEvent, EventKind, Said
from swarm.rules.stalls import Stall, StallClock, Terms
from swarm.runtimes.child import Hold
from swarm.runtimes.conversation import Conversation, Heard, LineCutter

TICK_SECONDS: Final = 0.5
# An agent that has answered may still write its session down.
LAST_WORDS_SECONDS: Final = 5.0
# A program that does not say that its answer is its last word may begin another turn.
ANSWERED_SECONDS: Final = 30.0
_LONGEST_LOGGED: Final = 64 * 1024


class Talk:
    """A conversation with a process while it runs: its lines heard, its replies written, its idle time watched."""

    def __init__(
        self,
        conversation: Conversation,
        terms: Terms,
        listener: Callable[[AgentEvent], None],
        decided: Callable[[], Mapping[str, str]],
    ) -> None:
        self._conversation = conversation
        self._listener = listener
        self._decided = decided
        self._lines = LineCutter()
        self._logged = LineCutter(_LONGEST_LOGGED)
        self._hold = Hold()
        self._clock = StallClock(terms, time.monotonic())
        self._is_over = False
        self.stall: Stall | None = None

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[Hold]:
        """Give the hold on the process, and watch its idle time until it has ended."""
        self._hold.write(self._conversation.opening())
        if not self._conversation.keeps_input_open:
            self._hold.close_input()
        watching = asyncio.create_task(self._watched())
        try:
            yield self._hold
        finally:
            watching.cancel()

    def take(self, chunk: bytes) -> None:
        """Take a chunk of stdout."""
        if not chunk.endswith(b"\n"):
            self._clock.saw_bytes(time.monotonic())
        for line in self._lines.add(chunk):
            self._hear(self._conversation.heard(line))

    def take_logged(self, chunk: bytes) -> None:
        """Take a chunk of stderr, which is no progress by itself."""
        for line in self._logged.add(chunk):
            self._hear(self._conversation.logged(line))

    def end(self, code: int, *, timed_out: bool) -> int:
        """Hear the last line, judge the end, and return the exit code that counts for the process."""
        if rest := self._lines.rest():
            self._hear(self._conversation.heard(rest))
        if timed_out:
            self.stall = self._clock.waits_for()
            return code
        if self.stall:
            return code
        # An agent that has answered and does not end by itself is ended by us, which is no failure of its.
        code = 0 if self._is_over and code < 0 else code
        self.stall = self._clock.at_exit(code, self.said().final_text)
        return code

    def said(self) -> Said:
        """Return what the agent said."""
        return self._conversation.said()

    async def _watched(self) -> None:
        while self.stall is None:
            before = time.monotonic()
            await asyncio.sleep(TICK_SECONDS)
            # What the agent said meanwhile has not been read: its silence is ours.
            moment = time.monotonic()
            self._clock.missed(max(0.0, moment - before - TICK_SECONDS), moment)
            if self._clock.waits_for():
                self._pass_decisions()
            if self._is_over:
                continue
            if (self._clock.idle_since_answer(time.monotonic()) or 0.0) >= ANSWERED_SECONDS:
                # It hangs after its answer, in a server that it started or in an output that nobody reads.
                self._end_well()
            else:
                self.stall = self._clock.stall(time.monotonic())
        self._hold.write(self._conversation.cancel())
        self._hold.end()

    def _pass_decisions(self) -> None:
        for call, decision in self._decided().items():
            heard = self._conversation.permit(call, decision)
            ended = AgentEvent(EventKind.PERMISSION_ENDED, call=call)
            # Once, whether or not the program says that it took the decision.
            events = tuple(event for event in heard.events if event.kind is not EventKind.PERMISSION_ENDED)
            self._hear(heard._replace(events=(*events, ended)))

    def _hear(self, heard: Heard) -> None:
        for event in heard.events:
            self._clock.saw(event, time.monotonic())
            self._listener(event)
        if heard.reply:
            self._hold.write(heard.reply)
        if heard.is_over and not self._is_over:
            self._end_well()

    def _end_well(self) -> None:
        """Let the process end, which has answered."""
        self._is_over = True
        self._hold.close_input()
        self._hold.end(LAST_WORDS_SECONDS)

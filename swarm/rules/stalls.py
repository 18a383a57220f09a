"""Stalls of an agent: the clock of its idle time, and the reasons for which an attempt is ended.

The clock runs from the last progress, never from the start of the attempt. Times are seconds of any steady clock.
"""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from posixpath import join, normpath
from typing import Final, NamedTuple

from swarm.rules.agent_events import LONGEST_TEXT, AgentEvent, EventKind, Fault, remember
from swarm.rules.sandbox_policy import is_below


class StallReason(StrEnum):
    """Reason for which an attempt counts as stalled."""

    PROVIDER_ZERO_PROGRESS = "provider_zero_progress"
    PROVIDER_BLANK_ASSISTANT = "provider_blank_assistant"
    PROVIDER_ERROR = "provider_error"
    PROVIDER_REASONING_CONTENT_ERROR = "provider_reasoning_content_error"
    READ_TOOL_STALLED = "read_tool_stalled"
    TOOL_STALLED = "tool_stalled"
    READ_TOOL_INVALID_INPUT = "read_tool_invalid_input"
    TOOL_INVALID_INPUT = "tool_invalid_input"
    INCOMPLETE_ASSISTANT_ROUND = "incomplete_assistant_round"
    BACKEND_NO_FINAL_TEXT = "backend_no_final_text"
    TOOL_LOOP_NO_COMPLETION = "tool_loop_no_completion"
    READ_ONLY_WRITE_INTENT = "read_only_write_intent"
    EXTERNAL_DIRECTORY_PERMISSION_PENDING = "external_directory_permission_pending"
    PERMISSION_PENDING = "permission_pending"


class InfrastructureFailure(StrEnum):
    """Failure of what an agent stands on. It ends an attempt as a stall does, and is no stall."""

    BACKEND_UNREACHABLE = "backend_unreachable"
    NOT_FOUND = "not_found"
    CORRUPTED = "corrupted"
    RESOURCE_EXHAUSTED = "resource_exhausted"


class Limits(NamedTuple):
    """Seconds of idle time after which an attempt is stalled, by what it waits for."""

    no_event: float = 90.0
    blank_turn: float = 120.0
    read_tool: float = 60.0
    tool: float = 900.0
    incomplete_round: float = 120.0
    # After an error most programs end by themselves, and some go on.
    error: float = 10.0


class Terms(NamedTuple):
    """Terms on which an attempt is watched; `tree` and `output` are absolute paths.

    A read-only attempt may write its output, and outside of its tree.
    """

    limits: Limits = Limits()
    is_read_only: bool = False
    tree: str = ""
    output: str = ""

    def forbids(self, event: AgentEvent) -> bool:
        """Say whether a tool call writes where a read-only attempt must not."""
        if not (self.is_read_only and event.is_write):
            return False
        # A target that nobody names may be anywhere.
        target = normpath(join(self.tree, event.target)) if event.target else self.tree
        return target != self.output and is_below(target, self.tree)


class Stall(NamedTuple):
    """The end of an attempt that does not go on: its reason, what was seen, in a sentence, and the error behind it."""

    reason: StallReason | InfrastructureFailure
    summary: str
    error: AgentEvent | None = None


_FAULTS: Final[Mapping[Fault, StallReason | InfrastructureFailure]] = {
    Fault.REASONING_CONTENT: StallReason.PROVIDER_REASONING_CONTENT_ERROR,
    Fault.UNREACHABLE: InfrastructureFailure.BACKEND_UNREACHABLE,
    Fault.NOT_FOUND: InfrastructureFailure.NOT_FOUND,
    Fault.CORRUPTED: InfrastructureFailure.CORRUPTED,
    Fault.EXHAUSTED: InfrastructureFailure.RESOURCE_EXHAUSTED,
}
# An agent that tries again a few times learns from what it reads.
_MOST_FAILURES_OF_A_CALL: Final = 5
_MOST_MALFORMED_CALLS: Final = 3
# The program itself ends a tool at the limit of the tool, and says so a moment later.
_AFTER_OWN_LIMIT: Final = 30.0
_NO_PROGRESS: Final = frozenset({EventKind.PLACEHOLDER, EventKind.USAGE, EventKind.RETRY, EventKind.ERROR})
# The program says these of itself, also while its provider fails.
_NO_ANSWER_OF_PROVIDER: Final = frozenset({*_NO_PROGRESS, EventKind.SESSION, EventKind.TURN_ENDED})


class StallClock:
    """The idle clock of one process."""

    def __init__(self, terms: Terms, began: float) -> None:
        self._terms = terms
        self._progress = began
        self._tools: dict[str, AgentEvent] = {}
        self._permissions: dict[str, AgentEvent] = {}
        self._failures: Counter[tuple[str, str]] = Counter()
        self._malformed: list[AgentEvent] = []
        self._error: AgentEvent | None = None
        self._erred = began
        self._retry: AgentEvent | None = None
        self._has_text = self._has_tools = self._are_tools_done = self._is_blank = self._is_answered = False
        self._verdict: Stall | None = None

    def saw_bytes(self, moment: float) -> None:
        """Take a part of a line: a long answer in one line is no silence."""
        self._progress = moment

    def missed(self, seconds: float, moment: float) -> None:
        """Leave out a time before a moment in which nobody listened: the supervisor was busy, or the machine asleep."""
        self._progress = min(self._progress + seconds, moment)
        self._erred = min(self._erred + seconds, moment)

    def saw(self, event: AgentEvent, moment: float) -> None:
        """Take an event of the stream."""
        if event.kind not in _NO_PROGRESS:
            self._progress = moment
        if event.kind not in _NO_ANSWER_OF_PROVIDER:
            self._error = self._retry = None
            self._is_blank = False
        match event.kind:
            case EventKind.TEXT | EventKind.FINAL if event.text.strip():
                self._has_text, self._are_tools_done = True, False
                self._is_answered = event.kind is EventKind.FINAL
                self._malformed = []
            case EventKind.TURN_ENDED:
                self._is_blank = not (self._has_text or self._has_tools)
                self._has_text = self._has_tools = False
            case EventKind.RETRY:
                self._retry = event
            case EventKind.ERROR:
                self._error, self._erred = event, moment
            case _:
                self._saw_call(event)

    def _saw_call(self, event: AgentEvent) -> None:
        match event.kind:
            case EventKind.TOOL:
                self._tool_began(event)
            case EventKind.TOOL_ENDED:
                self._tool_ended(event)
            case EventKind.PERMISSION:
                remember(self._permissions, event.call, event)
            case EventKind.PERMISSION_ENDED:
                self._permissions.pop(event.call, None)
            case _:
                pass

    def waits_for(self) -> Stall | None:
        """Return the decision that an agent waits for. It stops the clock: nothing is wrong with the agent."""
        if not self._permissions:
            return None
        asked = next(iter(self._permissions.values()))
        outside = asked.target.startswith("/") and not is_below(asked.target, self._terms.tree)
        reason = StallReason.PERMISSION_PENDING
        if outside:
            reason = StallReason.EXTERNAL_DIRECTORY_PERMISSION_PENDING
        return Stall(reason, f"it waits for a decision about {asked.name or 'a tool'} {asked.target}".rstrip())

    def idle_since_answer(self, moment: float) -> float | None:
        """Return the idle seconds of an agent whose last word is its final answer, `None` for any other agent."""
        return moment - self._progress if self._is_answered else None

    def stall(self, moment: float) -> Stall | None:
        """Return the stall of the process at a moment, `None` while it works."""
        if self._verdict or self._permissions or self._is_answered:
            return self._verdict
        limits, idle = self._terms.limits, moment - self._progress
        if self._error and moment - self._erred >= limits.error:
            return of_error(self._error)
        if self._tools:
            return self._stalled_tool(idle)
        if self._malformed and idle >= limits.read_tool:
            return _of_malformed(self._malformed[-1])
        if self._is_blank:
            return _after(
                idle, limits.blank_turn, StallReason.PROVIDER_BLANK_ASSISTANT, "no text and no tool in a turn"
            )
        if self._are_tools_done and not self._retry:
            reason = StallReason.INCOMPLETE_ASSISTANT_ROUND
            return _after(idle, limits.incomplete_round, reason, "its tools are done, and no text came")
        if self._retry and idle >= limits.no_event:
            return of_error(self._retry)
        return _after(idle, limits.no_event, StallReason.PROVIDER_ZERO_PROGRESS, "no event")

    def at_exit(self, code: int, final_text: str | None) -> Stall | None:
        """Return the stall of a process that has ended by itself with a code; `None` where its end is its own."""
        if self._verdict or self._error:
            return self._verdict or (of_error(self._error) if self._error else None)
        if self._permissions:
            return self.waits_for()
        if code == 0 and not (final_text or "").strip():
            if self._malformed:
                return _of_malformed(self._malformed[-1])
            if self._is_blank:
                return Stall(StallReason.PROVIDER_BLANK_ASSISTANT, "it ended with no text and no tool in its turn")
            return Stall(StallReason.BACKEND_NO_FINAL_TEXT, "it ended with exit code 0 and no final text")
        return None

    def _tool_began(self, event: AgentEvent) -> None:
        self._has_tools = True
        remember(self._tools, event.call, event)
        # A program that goes on after its answer is watched as before.
        self._is_answered = False
        if self._terms.forbids(event):
            summary = f"{event.name or 'a tool'} would write {event.target}, and the phase only reads".replace(
                "  ", " "
            )
            self._verdict = Stall(StallReason.READ_ONLY_WRITE_INTENT, summary)
        self._malformed = [*self._malformed, event] if event.is_malformed else []
        if len(self._malformed) >= _MOST_MALFORMED_CALLS:
            self._verdict = self._verdict or _of_malformed(event)

    def _tool_ended(self, event: AgentEvent) -> None:
        began = self._tools.pop(event.call, None)
        self._are_tools_done = True
        if not event.has_failed:
            # Work between two failures, such as an edit between two runs of the tests, is no loop.
            self._failures.clear()
            self._malformed = []
        # A text that was cut may differ beyond the cut.
        elif began and len(began.text) < LONGEST_TEXT:
            key = (began.name, began.text or began.target)
            self._failures[key] += 1
            if self._failures[key] >= _MOST_FAILURES_OF_A_CALL and not began.is_malformed:
                summary = f"{began.name or 'a tool'} failed {self._failures[key]} times with the same input"
                self._verdict = self._verdict or Stall(StallReason.TOOL_LOOP_NO_COMPLETION, summary)

    def _stalled_tool(self, idle: float) -> Stall | None:
        # The most patient tool decides: programs report the results of parallel calls together.
        slowest = max(self._tools.values(), key=self._budget)
        if idle < self._budget(slowest):
            return None
        if slowest.is_malformed:
            return _of_malformed(slowest)
        reason = StallReason.READ_TOOL_STALLED if slowest.is_read else StallReason.TOOL_STALLED
        return Stall(reason, f"{slowest.name or 'a tool'} has been open for {idle:.0f} s")

    def _budget(self, tool: AgentEvent) -> float:
        limits = self._terms.limits
        if tool.limit_seconds:
            return tool.limit_seconds + _AFTER_OWN_LIMIT
        return limits.read_tool if tool.is_read or tool.is_malformed else limits.tool


def _after(idle: float, limit: float, reason: StallReason, seen: str) -> Stall | None:
    return Stall(reason, f"{seen} for {idle:.0f} s") if idle >= limit else None


def of_error(error: AgentEvent) -> Stall:
    """Return the end of an attempt that an error ended."""
    reason = _FAULTS.get(error.fault or Fault.UNKNOWN, StallReason.PROVIDER_ERROR)
    status = f"{error.status} " if error.status else ""
    return Stall(reason, f"{status}{error.text or error.fault or 'no reason given'}", error)


def _of_malformed(tool: AgentEvent) -> Stall:
    reason = StallReason.READ_TOOL_INVALID_INPUT if tool.is_read else StallReason.TOOL_INVALID_INPUT
    return Stall(reason, f"{tool.name or 'a tool'} was called with a malformed input: {tool.text or '{}'}")

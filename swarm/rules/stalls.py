"""Stalls of an agent: the clock of its idle time, and the reasons for which an attempt is ended.

The clock runs from the last progress, never from the start of the attempt. Times are seconds of any steady clock.
"""

from enum import StrEnum
from typing import NamedTuple

from swarm.rules.agent_events import AgentEvent, EventKind


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


class Limits(NamedTuple):
    """Seconds of idle time after which an attempt is stalled, by what it waits for."""

    no_event: float = 90.0
    blank_turn: float = 120.0
    read_tool: float = 60.0
    tool: float = 900.0
    incomplete_round: float = 120.0


class Stall(NamedTuple):
    """A stall: its reason, and what was seen, in a sentence."""

    reason: StallReason
    summary: str


class StallClock:
    """The idle clock of one process."""

    def __init__(self, limits: Limits, began: float) -> None:
        self._limits = limits
        self._progress = began

    def saw(self, event: AgentEvent, moment: float) -> None:
        """Take an event of the stream."""
        if event.kind is not EventKind.PLACEHOLDER:
            self._progress = moment

    def stall(self, moment: float) -> Stall | None:
        """Return the stall of the process at a moment, `None` while it works."""
        idle = moment - self._progress
        if idle < self._limits.no_event:
            return None
        return Stall(StallReason.PROVIDER_ZERO_PROGRESS, f"no event in {idle:.0f} s")

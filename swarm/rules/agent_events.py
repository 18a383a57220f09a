"""Events of an agent's stream, in the same words for every coding agent, and what an agent said in all.

An adapter of `runtimes/agents/` makes them of the lines that its program prints. The clock of `rules/stalls.py`, the
journal of an attempt and the live table read nothing else of a stream.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

# A journal is read by people: a text or an input of a tool is cut here, in characters.
LONGEST_TEXT: Final = 400
# No healthy agent has so many calls open; of a flood only the newest are remembered.
MOST_CALLS: Final = 1000
# A number beyond it is no count of anything, and no column of a database takes it.
MOST_COUNTED: Final = 2**53
_Value = TypeVar("_Value")


class EventKind(StrEnum):
    """EventKind of an event."""

    SESSION = "session"  # a session began; `call` is its id, `name` the model that answers
    TEXT = "text"  # words of the assistant
    REASONING = "reasoning"  # thoughts of the assistant
    PLACEHOLDER = "placeholder"  # a sign of life without content, which is no progress
    TOOL = "tool"  # a tool call began; `call` is its id, `name` the tool, `text` its input
    TOOL_ENDED = "tool_ended"  # `call` is its id
    PERMISSION = "permission"  # the agent waits for a decision; `call` is the id of the request
    PERMISSION_ENDED = "permission_ended"  # the request `call` was answered
    RETRY = "retry"  # the program asks its provider again; `text` says why
    USAGE = "usage"  # tokens and cost so far, which is no progress
    TURN_ENDED = "turn_ended"  # the assistant ended a turn
    ERROR = "error"  # the provider or the program failed; `code` says how
    FINAL = "final"  # the last answer; `text` is its beginning


class Fault(StrEnum):
    """Cause of an error event, as far as its words or its status tell."""

    CREDENTIAL = "credential"  # 401, 403
    QUOTA = "quota"  # 429, or a limit of the plan
    PROVIDER = "provider"  # 5xx, overloaded, half a stream
    UNREACHABLE = "unreachable"  # no connection
    REASONING_CONTENT = "reasoning_content"  # the provider refuses to go on with thoughts of an earlier turn
    NOT_FOUND = "not_found"  # the model or the session is not there
    CORRUPTED = "corrupted"  # the stream is no stream of this program
    EXHAUSTED = "resource_exhausted"  # memory, disk or context
    UNKNOWN = "unknown"


class AgentEvent(NamedTuple):
    """An event. Texts are cut to 400 characters; `resets_at` is seconds since 1970, `limit_seconds` a tool's own.

    `tokens` and `cost_usd` are sums of the process so far.
    """

    kind: EventKind
    text: str = ""
    name: str = ""
    call: str = ""
    target: str = ""
    fault: Fault | None = None
    status: int | None = None
    is_read: bool = False
    is_write: bool = False
    is_malformed: bool = False
    has_failed: bool = False
    resets_at: float | None = None
    limit_seconds: float | None = None
    tokens: int | None = None
    cost_usd: float | None = None

    def document(self) -> dict[str, Any]:
        """Return the event as an object of JSON, without fields that say nothing."""
        fields = self._asdict()
        return {"event": fields.pop("kind").value, **{name: value for name, value in fields.items() if value}}


class Usage(NamedTuple):
    """Tokens and cost of an attempt, as its program reports them; `None` where it reports nothing. Cost is in USD."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_usd: float | None = None

    def event(self) -> AgentEvent:
        """Return the event that says how much was used so far."""
        counts = [count for count in (self.tokens_in, self.tokens_out) if count is not None]
        return AgentEvent(EventKind.USAGE, tokens=sum(counts) if counts else None, cost_usd=self.cost_usd)


class Said(NamedTuple):
    """Sum of what an agent said in a process, from its first line to its last."""

    session_id: str | None = None
    model: str | None = None
    final_text: str | None = None
    turns: int | None = None
    tools: int = 0
    usage: Usage = Usage()
    denials: Sequence[str] = ()
    error: AgentEvent | None = None


def cut(text: str) -> str:
    """Return a text within the bound of an event."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def remember(calls: dict[str, _Value], call: str, value: _Value) -> None:
    """Put a call among those that are remembered, and forget the oldest of too many."""
    calls[call] = value
    if len(calls) > MOST_CALLS:
        del calls[next(iter(calls))]

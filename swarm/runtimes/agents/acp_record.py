"""Record of what an agent reports by the Agent Client Protocol: its words, its tool calls, its tokens and cost."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from swarm.rules.agent_events import AgentEvent, EventKind, Usage, cut, remember
from swarm.runtimes.agents.acp_messages import kind_of, paths_of, table, whole
from swarm.runtimes.agents.stream import number_in

_READS: Final = frozenset({"read", "search", "fetch", "think"})
WRITES: Final = frozenset({"edit", "delete", "move"})
# Of the words of an answer more is kept than any answer has; of a flood only the end.
_MOST_TEXT: Final = 16 * 1024 * 1024


class AcpRecord:
    """Words, tool calls and usage that an agent has reported of a turn."""

    def __init__(self) -> None:
        self._tools: dict[str, tuple[str, bool]] = {}
        self.tools = 0
        self._text: list[str] = []
        self._size = 0
        self._final = ""
        self.usage = Usage()

    @property
    def final_text(self) -> str | None:
        """The words after the last tool call, else the last words before."""
        return ("".join(self._text).strip() or self._final) or None

    def count(self, usage: Mapping[str, Any]) -> None:
        """Take the tokens that the agent counted for the turn."""
        self.usage = self.usage._replace(
            tokens_in=whole(usage.get("inputTokens"), self.usage.tokens_in),
            tokens_out=whole(usage.get("outputTokens"), self.usage.tokens_out),
        )

    def updated(self, update: Mapping[str, Any]) -> Iterator[AgentEvent]:
        """Yield the events of a report."""
        match update.get("sessionUpdate"):
            case "agent_message_chunk":
                yield self._chunk(table(update.get("content")))
            case "agent_thought_chunk":
                yield AgentEvent(EventKind.REASONING, text=cut(str(table(update.get("content")).get("text", ""))))
            case "tool_call":
                yield from self._tool_began(update)
            case "tool_call_update":
                yield from self._tool_changed(update)
            case "plan":
                yield AgentEvent(EventKind.REASONING, text="plan")
            case "usage_update":
                cost = table(update.get("cost"))
                amount = number_in(cost, "amount")
                if cost.get("currency") == "USD" and amount is not None:
                    self.usage = self.usage._replace(cost_usd=max(0.0, float(amount)))
                yield self.usage.event()
            case _:
                yield AgentEvent(EventKind.PLACEHOLDER)

    def _chunk(self, content: Mapping[str, Any]) -> AgentEvent:
        text = str(content.get("text") or "")
        self._text.append(text)
        self._size += len(text)
        if self._size > 2 * _MOST_TEXT:
            self._text = ["".join(self._text)[-_MOST_TEXT:]]
            self._size = _MOST_TEXT
        return AgentEvent(EventKind.TEXT if text.strip() else EventKind.PLACEHOLDER, text=cut(text))

    def _tool_began(self, tool: Mapping[str, Any]) -> Iterator[AgentEvent]:
        # What was said before a tool call is no final text, unless nothing follows.
        self._final = "".join(self._text).strip() or self._final
        self._text, self._size = [], 0
        yield self.tool_event(tool)
        yield from self._tool_changed(tool)

    def tool_event(self, tool: Mapping[str, Any]) -> AgentEvent:
        """Record a tool call, and return its event."""
        call, name = cut(str(tool.get("toolCallId"))), cut(str(tool.get("title") or kind_of(tool)))
        self.tools += call not in self._tools
        remember(self._tools, call, (name, bool(tool.get("rawInput"))))
        paths = list(paths_of(tool))
        return AgentEvent(
            kind=EventKind.TOOL,
            text=cut(json.dumps(tool.get("rawInput"), ensure_ascii=False)) if tool.get("rawInput") else "",
            name=name,
            call=call,
            target=cut(paths[0]) if paths else "",
            is_read=kind_of(tool) in _READS,
            is_write=kind_of(tool) in WRITES,
        )

    def _tool_changed(self, tool: Mapping[str, Any]) -> Iterator[AgentEvent]:
        call, status = cut(str(tool.get("toolCallId"))), tool.get("status")
        name, has_input = self._tools.get(call, ("", False))
        has_input = has_input or bool(tool.get("rawInput"))
        if call in self._tools:
            self._tools[call] = (name, has_input)
        if status not in {"completed", "failed"}:
            return
        has_failed = status == "failed"
        yield AgentEvent(
            kind=EventKind.TOOL_ENDED,
            name=name,
            call=call,
            has_failed=has_failed,
            # Agents report a call before its input is whole, so that only the end shows that there was none.
            is_malformed=has_failed and not has_input and tool.get("rawInput") == {},
        )

"""Client of the Agent Client Protocol, version 1: JSON-RPC 2.0, an object a line, on the stdin and stdout of an agent.

The agent says what it can do, is given a session and a prompt, reports each step, and asks before it touches things.
This client offers no files and no terminals of its own: the agent works in its tree with its own tools.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from swarm.clock import epoch
from swarm.rules.agent_events import AgentEvent, EventKind, Fault, Said, cut
from swarm.rules.agent_faults import fault_of
from swarm.runtimes.agents.acp_messages import (
    GRANTS,
    choice_of,
    current_model,
    is_inside,
    kind_of,
    line_of,
    notice_of,
    paths_of,
    result_of,
    table,
    tables,
    title_of,
    whole,
)
from swarm.runtimes.agents.acp_record import WRITES, AcpRecord
from swarm.runtimes.agents.resets import resets_at
from swarm.runtimes.agents.stream import NOTHING, SIGN_OF_LIFE, Retries, object_of
from swarm.runtimes.conversation import Heard

VERSION: Final = 1
_NO_SUCH_METHOD: Final = -32601
# A person decides about a few requests at a time; the further ones of an agent that asks without end are rejected.
_MOST_OPEN: Final = 20
_MOST_DENIALS: Final = 100


class Assignment(NamedTuple):
    """Work of an agent: a prompt, the tree that it works in, and what it may do there.

    Where it `is_reader`, it writes nothing. `session` is an earlier session that it goes on with. `retry` matches a
    line of its log about a request that it repeats, with the groups `status` and `words`.
    """

    prompt: str
    tree: str
    is_reader: bool
    model: str | None = None
    session: str | None = None
    has_tools: bool = True
    retry: re.Pattern[str] | None = None


class AcpConversation:
    """A conversation with an agent that speaks the protocol."""

    keeps_input_open = True

    def __init__(self, work: Assignment) -> None:
        self._work = work
        self._asked: dict[int, str] = {}
        self._next = 0
        self._session: str | None = None
        self._model = work.model
        self._replays = False
        self._is_over = False
        self._open: dict[str, Mapping[str, Any]] = {}
        self._record = AcpRecord()
        self._denials: list[str] = []
        self._error: AgentEvent | None = None
        self._retries = Retries()

    def opening(self) -> bytes:
        """Return the request that begins every conversation."""
        offers = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
        client = {"name": "swarm", "title": "swarm", "version": "1"}
        return self._ask("initialize", {"protocolVersion": VERSION, "clientCapabilities": offers, "clientInfo": client})

    def heard(self, line: bytes) -> Heard:
        """Return the meaning of a message; what is no message is a sign of life."""
        message = object_of(line)
        if message is None:
            # Agents print warnings among their messages.
            return SIGN_OF_LIFE if line.strip() else NOTHING
        method, params = message.get("method"), table(message.get("params"))
        if isinstance(method, str):
            if "id" in message:
                return self._requested(method, message["id"], params)
            return self._updated(table(params.get("update"))) if method == "session/update" else NOTHING
        # Only our own numbers are answers to us; an answer that comes twice counts once.
        number = message.get("id")
        asked = self._asked.pop(number, None) if type(number) is int else None
        if asked is None or self._is_over:
            return NOTHING
        if "error" in message:
            return self._refused(asked, table(message["error"]))
        return self._answered(asked, table(message.get("result")))

    def logged(self, line: bytes) -> Heard:
        """Return the meaning of a line of stderr: the protocol has no word for a request that is repeated."""
        if self._work.retry is None or self._is_over:
            return NOTHING
        found = self._work.retry.search(line.decode("utf-8", "replace"))
        if found is None:
            return NOTHING
        status, words = int(found["status"]) if found["status"] else None, found["words"]
        fault = fault_of(status, words)
        event = self._retries.again(words, fault, status, resets_at(words, epoch()))
        if event.kind is EventKind.ERROR:
            self._error = event
        return Heard((event,))

    def permit(self, call: str, decision: str) -> Heard:
        """Answer a request for permission by the option of the agent that fits the decision."""
        request = self._open.pop(call, None)
        if request is None:
            return NOTHING
        if decision not in GRANTS:
            self._denials = [*self._denials[-_MOST_DENIALS:], title_of(request)]
        ended = AgentEvent(EventKind.PERMISSION_ENDED, text=decision, call=call)
        return Heard((ended,), choice_of(request, decision))

    def cancel(self) -> bytes:
        """Return what ends the turn: agents know either form, and each open request for permission is cancelled."""
        if self._session is None or self._is_over:
            return b""
        parts = [result_of(request["id"], {"outcome": {"outcome": "cancelled"}}) for request in self._open.values()]
        self._open.clear()
        parts.append(notice_of("session/cancel", {"sessionId": self._session}))
        parts += [
            notice_of("$/cancel_request", {"requestId": number})
            for number, method in self._asked.items()
            if method == "session/prompt"
        ]
        return b"".join(parts)

    def said(self) -> Said:
        """Return what the agent has said so far."""
        return Said(
            session_id=self._session,
            model=self._model,
            final_text=self._record.final_text,
            turns=1 if self._session else 0,
            tools=self._record.tools,
            usage=self._record.usage,
            denials=tuple(self._denials),
            error=self._error,
        )

    def _ask(self, method: str, params: Mapping[str, Any]) -> bytes:
        self._next += 1
        self._asked[self._next] = method
        return line_of({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})

    def _answered(self, asked: str, result: Mapping[str, Any]) -> Heard:
        match asked:
            case "initialize":
                return self._initialized(result)
            case "session/new" | "session/load" | "session/resume":
                return self._began(result)
            case "session/prompt":
                return self._ended(result)
        return NOTHING

    def _updated(self, update: Mapping[str, Any]) -> Heard:
        # An agent repeats the updates of an earlier session, and may send more after its answer: neither is progress.
        if self._replays or self._is_over:
            return NOTHING
        events = tuple(self._record.updated(update))
        if any(event.kind not in {EventKind.PLACEHOLDER, EventKind.USAGE} for event in events):
            self._retries.progressed()
            self._error = None
        return Heard(events)

    def _initialized(self, result: Mapping[str, Any]) -> Heard:
        if result.get("protocolVersion") != VERSION:
            words = f"it speaks version {cut(str(result.get('protocolVersion')))} of the protocol, not {VERSION}"
            return self._fail(words, Fault.CORRUPTED)
        place = {"cwd": self._work.tree, "mcpServers": []}
        if self._work.session is None:
            return Heard(reply=self._ask("session/new", place))
        offers = table(result.get("agentCapabilities"))
        old = {**place, "sessionId": self._work.session}
        if "resume" in table(offers.get("sessionCapabilities")):
            return Heard(reply=self._ask("session/resume", old))
        if offers.get("loadSession") is True:
            # The agent tells the whole session again before it answers.
            self._replays = True
            return Heard(reply=self._ask("session/load", old))
        return self._fail("it cannot go on with an earlier session", Fault.NOT_FOUND)

    def _began(self, result: Mapping[str, Any]) -> Heard:
        self._replays = False
        found = result.get("sessionId") or self._work.session
        if not isinstance(found, str) or not found:
            return self._fail("it gave no id of a session", Fault.CORRUPTED)
        self._session = found
        reply = b""
        if self._work.model is not None:
            reply = self._choose_model(result, self._work.model)
        else:
            self._model = current_model(result)
        text = [{"type": "text", "text": self._work.prompt}]
        reply += self._ask("session/prompt", {"sessionId": found, "prompt": text})
        return Heard((AgentEvent(EventKind.SESSION, call=cut(found), name=cut(self._model or "")),), reply)

    def _choose_model(self, result: Mapping[str, Any], model: str) -> bytes:
        """Return the request that chooses a model, in the form in which the agent offers its models."""
        for option in tables(result.get("configOptions")):
            if option.get("category") == "model" or option.get("id") == "model":
                params = {"sessionId": self._session, "configId": option.get("id"), "value": model}
                return self._ask("session/set_config_option", params)
        return self._ask("session/set_model", {"sessionId": self._session, "modelId": model})

    def _ended(self, result: Mapping[str, Any]) -> Heard:
        reason = str(result.get("stopReason"))
        self._record.count(table(result.get("usage")))
        self._is_over = True
        events = [AgentEvent(EventKind.TURN_ENDED, text=cut(reason))]
        if reason in {"max_tokens", "max_turn_requests", "refusal"}:
            fault = Fault.EXHAUSTED if reason != "refusal" else Fault.UNKNOWN
            self._error = AgentEvent(EventKind.ERROR, text=f"it stopped: {reason}", fault=fault)
            events.append(self._error)
        if text := self.said().final_text:
            events.append(AgentEvent(EventKind.FINAL, text=cut(text)))
        return Heard(tuple(events), is_over=True)

    def _refused(self, asked: str, error: Mapping[str, Any]) -> Heard:
        words = f"{error.get('message')} {json.dumps(error.get('data')) if error.get('data') else ''}".strip()
        if asked in {"session/set_config_option", "session/set_model"}:
            self._denials.append(cut(f"model {self._work.model}: {words}"))
            self._model = None
            return self._fail(f"it does not take the model {self._work.model}: {words}", Fault.NOT_FOUND)
        status = whole(table(error.get("data")).get("status"), None)
        return self._fail(words, fault_of(status, words), status)

    def _fail(self, words: str, fault: Fault, status: int | None = None) -> Heard:
        self._is_over = True
        moment = resets_at(words, epoch()) if fault is Fault.QUOTA else None
        self._error = AgentEvent(EventKind.ERROR, text=cut(words), fault=fault, status=status, resets_at=moment)
        return Heard((self._error,), is_over=True)

    def _requested(self, method: str, number: Any, params: Mapping[str, Any]) -> Heard:
        if method != "session/request_permission":
            problem = {"code": _NO_SUCH_METHOD, "message": f"this client has no {cut(method)}"}
            return Heard(reply=line_of({"jsonrpc": "2.0", "id": number, "error": problem}))
        tool = table(params.get("toolCall"))
        request = {"id": number, "tool": tool, "options": tables(params.get("options"))}
        call = cut(str(number))
        paths = list(paths_of(tool))
        outside = [path for path in paths if not is_inside(path, self._work.tree)]
        self._open[call] = request
        if not self._work.has_tools or (self._work.is_reader and kind_of(tool) in WRITES):
            event = self._record.tool_event(tool)
            answer = self.permit(call, "reject")
            return answer._replace(events=(event, *answer.events))
        if not outside:
            return self.permit(call, "once")
        if len(self._open) > _MOST_OPEN:
            return self.permit(call, "reject")
        event = AgentEvent(
            EventKind.PERMISSION, text=cut(title_of(request)), name=kind_of(tool), call=call, target=cut(outside[0])
        )
        return Heard((event,))

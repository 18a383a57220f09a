"""The client of the Agent Client Protocol: what it asks, answers and reports, and what it makes of odd agents."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm.config import Config
from swarm.rules.agent_events import AgentEvent, EventKind, Fault
from swarm.rules.phases import Phase
from swarm.runtimes.agents.acp import ACP_AGENTS
from swarm.runtimes.agents.acp_client import AcpConversation, Assignment
from swarm.runtimes.agents.stream import MOST_RETRIES
from swarm.runtimes.conversation import Conversation, Heard
from swarm.runtimes.runtime import Job, ProcessStep
from swarm.runtimes.supervisor import Orders, run_steps

TREE = "/work/tree"
WORK = Assignment(prompt="Fix it.", tree=TREE, is_reader=False)
OPTIONS = [
    {"optionId": "yes", "name": "Allow", "kind": "allow_once"},
    {"optionId": "ever", "name": "Always", "kind": "allow_always"},
    {"optionId": "no", "name": "Reject", "kind": "reject_once"},
]


def line(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def update(what: str, /, **fields: Any) -> bytes:
    return line(method="session/update", params={"sessionId": "s", "update": {"sessionUpdate": what, **fields}})


def chunk(text: str) -> bytes:
    return update("agent_message_chunk", content={"type": "text", "text": text})


def sent(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(each) for each in body.splitlines()]


def asks(tool: dict[str, Any], number: Any = 7) -> bytes:
    return line(method="session/request_permission", id=number, params={"toolCall": tool, "options": OPTIONS})


def outcome(heard: Heard) -> Any:
    (answer,) = sent(heard.reply)
    return answer["id"], answer["result"]["outcome"]


def begun(work: Assignment = WORK, *, result: dict[str, Any] | None = None) -> AcpConversation:
    """A conversation whose prompt has been sent: its requests have the numbers 1, 2 and 3."""
    talk = AcpConversation(work)
    talk.opening()
    talk.heard(line(id=1, result={"protocolVersion": 1, "agentCapabilities": {"loadSession": True}}))
    talk.heard(line(id=2, result=result or {"sessionId": "s"}))
    return talk


def test_an_agent_is_asked_for_a_session_and_given_the_prompt() -> None:
    talk = AcpConversation(WORK)
    (first,) = sent(talk.opening())
    assert (first["id"], first["method"], first["params"]["protocolVersion"]) == (1, "initialize", 1)
    (second,) = sent(talk.heard(line(id=1, result={"protocolVersion": 1})).reply)
    assert (second["method"], second["params"]) == ("session/new", {"cwd": TREE, "mcpServers": []})
    heard = talk.heard(line(id=2, result={"sessionId": "s", "models": {"currentModelId": "m"}}))
    assert heard.events == (AgentEvent(EventKind.SESSION, call="s", name="m"),)
    (third,) = sent(heard.reply)
    text = [{"type": "text", "text": "Fix it."}]
    assert (third["method"], third["params"]) == ("session/prompt", {"sessionId": "s", "prompt": text})


def test_words_tools_tokens_and_cost_are_reported() -> None:
    talk = begun()
    events: list[AgentEvent] = []
    tool = {"toolCallId": "t", "title": "Read a.py", "kind": "read", "rawInput": {"path": "a.py"}}
    lines = [
        update("agent_thought_chunk", content={"text": "hm"}),
        chunk("Looking."),
        update("tool_call", **tool),
        update("tool_call_update", toolCallId="t", status="completed"),
        update("usage_update", used=1, size=2, cost={"amount": 0.25, "currency": "USD"}),
        chunk('{"domain"'),
        chunk(": 1}"),
        line(id=3, result={"stopReason": "end_turn", "usage": {"inputTokens": 12, "outputTokens": 3}}),
    ]
    for each in lines:
        events += talk.heard(each).events
    assert [event.kind.value for event in events] == [
        *("reasoning", "text", "tool", "tool_ended", "usage", "text", "text", "turn_ended", "final"),
    ]
    read = events[2]
    assert (read.name, read.target, read.is_read, read.is_write) == ("Read a.py", "a.py", True, False)
    said = talk.said()
    assert (said.final_text, said.tools, said.session_id) == ('{"domain": 1}', 1, "s")
    assert tuple(said.usage) == (12, 3, 0.25)


def test_the_words_before_a_tool_count_when_nothing_follows() -> None:
    talk = begun()
    talk.heard(chunk("All done."))
    talk.heard(update("tool_call", toolCallId="t", title="Edit", kind="edit", status="completed"))
    assert talk.heard(line(id=3, result={"stopReason": "end_turn"})).is_over
    assert talk.said().final_text == "All done."


@pytest.mark.parametrize(
    ("tool", "is_reader", "answer"),
    [
        ({"kind": "edit", "locations": [{"path": f"{TREE}/a.py"}]}, False, "yes"),
        ({"kind": "edit", "rawInput": {"file_path": "a.py"}}, False, "yes"),
        ({"kind": "execute", "rawInput": {"command": "make test"}}, False, "yes"),
        ({"kind": "execute", "rawInput": {"command": "grep x"}}, True, "yes"),
        ({"kind": "edit", "locations": [{"path": f"{TREE}/a.py"}]}, True, "no"),
        ({"kind": "delete", "locations": []}, True, "no"),
    ],
)
def test_what_an_agent_may_do_in_its_tree_is_decided_at_once(
    tool: dict[str, Any], answer: str, *, is_reader: bool
) -> None:
    talk = begun(WORK._replace(is_reader=is_reader))
    heard = talk.heard(asks({"toolCallId": "t", "title": "Work", **tool}))
    assert outcome(heard) == (7, {"outcome": "selected", "optionId": answer})
    assert talk.said().denials == (() if answer == "yes" else ("Work",))
    assert any(event.is_write for event in heard.events) == (answer == "no")


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/a.py", f"{TREE}-2/a.py", "~/.ssh/id"])
def test_what_lies_outside_of_its_tree_waits_for_a_person(path: str) -> None:
    talk = begun()
    heard = talk.heard(asks({"toolCallId": "t", "title": "Edit", "kind": "edit", "locations": [{"path": path}]}, "q-1"))
    (event,) = heard.events
    assert (heard.reply, event.kind, event.call, event.target) == (b"", EventKind.PERMISSION, "q-1", path)
    answered = talk.permit("q-1", "always")
    assert outcome(answered) == ("q-1", {"outcome": "selected", "optionId": "ever"})
    assert [event.kind for event in answered.events] == [EventKind.PERMISSION_ENDED]
    # A reply is taken once.
    assert talk.permit("q-1", "reject") == Heard()


def test_a_request_without_a_fitting_option_is_cancelled() -> None:
    talk = begun(WORK._replace(is_reader=True))
    request = {"toolCall": {"toolCallId": "t", "kind": "edit"}, "options": [OPTIONS[0], "x", {"kind": 1}]}
    assert outcome(talk.heard(line(method="session/request_permission", id=9, params=request))) == (
        9,
        {"outcome": "cancelled"},
    )


def test_methods_that_this_client_does_not_have_are_refused() -> None:
    talk = begun()
    for method in ("fs/read_text_file", "terminal/create", "x/y"):
        (answer,) = sent(talk.heard(line(method=method, id="a", params={})).reply)
        assert (answer["id"], answer["error"]["code"]) == ("a", -32601)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ({"code": -32000, "message": "Authentication required"}, Fault.CREDENTIAL),
        ({"code": 429, "message": "Rate limit exceeded"}, Fault.QUOTA),
        ({"code": -32603, "message": "Internal error", "data": {"status": 503}}, Fault.PROVIDER),
        ({"code": -32603, "message": "x", "data": {"details": "connect ECONNREFUSED 127.0.0.1:9"}}, Fault.UNREACHABLE),
        ({"code": -32603, "message": "odd"}, Fault.UNKNOWN),
        ({}, Fault.UNKNOWN),
    ],
)
def test_a_refused_prompt_is_an_error_with_its_cause(error: dict[str, Any], fault: Fault) -> None:
    heard = begun().heard(line(id=3, error=error))
    (event,) = heard.events
    assert (heard.is_over, event.kind, event.fault) == (True, EventKind.ERROR, fault)


def test_an_agent_of_another_version_and_one_without_a_session_are_refused() -> None:
    for answers in ([{"protocolVersion": 2}], [{"protocolVersion": 1}, {}], [{"protocolVersion": 1}, {"sessionId": 5}]):
        talk = AcpConversation(WORK)
        talk.opening()
        heard = [talk.heard(line(id=number, result=result)) for number, result in enumerate(answers, 1)][-1]
        assert (heard.is_over, heard.events[0].fault) == (True, Fault.CORRUPTED)


def test_an_earlier_session_is_gone_on_with_and_its_replay_is_no_answer() -> None:
    talk = AcpConversation(WORK._replace(session="old", prompt="Go on."))
    talk.opening()
    (load,) = sent(
        talk.heard(line(id=1, result={"protocolVersion": 1, "agentCapabilities": {"loadSession": True}})).reply
    )
    assert (load["method"], load["params"]["sessionId"]) == ("session/load", "old")
    assert talk.heard(chunk("of an earlier turn")) == Heard()
    (prompt,) = sent(talk.heard(line(id=2, result=None)).reply)
    assert prompt["params"] == {"sessionId": "old", "prompt": [{"type": "text", "text": "Go on."}]}
    talk.heard(chunk("new"))
    assert talk.said().final_text == "new"


def test_an_agent_that_cannot_go_on_with_a_session_is_not_asked_to() -> None:
    talk = AcpConversation(WORK._replace(session="old"))
    talk.opening()
    assert talk.heard(line(id=1, result={"protocolVersion": 1})).events[0].fault is Fault.NOT_FOUND


def test_a_model_is_chosen_in_the_form_in_which_the_agent_offers_models() -> None:
    talk = AcpConversation(WORK._replace(model="big"))
    talk.opening()
    talk.heard(line(id=1, result={"protocolVersion": 1}))
    options = [{"id": "mode"}, {"id": "llm", "category": "model", "currentValue": "small"}]
    choose, prompt = sent(talk.heard(line(id=2, result={"sessionId": "s", "configOptions": options})).reply)
    assert choose["params"] == {"sessionId": "s", "configId": "llm", "value": "big"}
    assert prompt["method"] == "session/prompt"
    refused = talk.heard(line(id=choose["id"], error={"code": -32602, "message": "no such model"}))
    assert (refused.is_over, refused.events[0].fault, talk.said().model) == (True, Fault.NOT_FOUND, None)
    plain = begun(WORK._replace(model="big"))
    assert plain.said().model == "big"


def test_a_turn_is_cancelled_in_either_form_and_its_end_counts_once() -> None:
    talk = begun()
    talk.heard(asks({"kind": "edit", "locations": [{"path": "/etc/passwd"}]}))
    permission, notice, request = sent(talk.cancel())
    assert (permission["id"], permission["result"]) == (7, {"outcome": {"outcome": "cancelled"}})
    assert (notice["method"], notice["params"]) == ("session/cancel", {"sessionId": "s"})
    assert (request["method"], request["params"]) == ("$/cancel_request", {"requestId": 3})
    assert talk.heard(line(id=3, result={"stopReason": "end_turn"})).is_over
    # Some agents answer a second time.
    assert talk.heard(line(id=3, result={"stopReason": "cancelled"})) == Heard()
    assert talk.heard(chunk("late")) == Heard()
    assert talk.cancel() == b""


@pytest.mark.parametrize(
    "body",
    [
        b"warning: something", b"[]", b"1", b"\xff\xfe", b"{", b"[" * 100_000, b'{"id": [], "result": 1}', b'{"id": 3.0}',
        b'{"method": 1}', b'{"method": "session/update"}', b'{"method": "session/update", "params": {"update": 1}}',
        b'{"method": "session/update", "params": {"update": {"sessionUpdate": "tool_call"}}}',
        b'{"method": "session/update", "params": {"update": {"sessionUpdate": "agent_message_chunk", "content": 4}}}',
        b'{"method": "session/request_permission", "id": {}, "params": []}', b'{"id": true, "result": {}}', b"",
    ],
)  # fmt: skip
def test_no_line_breaks_a_conversation(body: bytes) -> None:
    talk = begun()
    assert not talk.heard(body).is_over
    talk.heard(chunk("fine"))
    assert talk.heard(line(id=3, result={"stopReason": "end_turn"})).is_over
    assert talk.said().error is None


@pytest.mark.parametrize("reason", ["max_tokens", "refusal", "max_turn_requests"])
def test_a_turn_that_the_model_did_not_end_is_an_error(reason: str) -> None:
    talk = begun()
    heard = talk.heard(line(id=3, result={"stopReason": reason}))
    assert [event.kind for event in heard.events] == [EventKind.TURN_ENDED, EventKind.ERROR]


@pytest.fixture
def conversed(tmp_path: Path) -> Callable[..., Any]:
    def call(*script: Any) -> Any:
        (tmp_path / "attempt").mkdir()
        log = tmp_path / "log"
        argv = (sys.executable, str(Path(__file__).with_name("acp_agent.py")), json.dumps(script), str(log))
        work = WORK._replace(tree=str(tmp_path))
        orders = Orders(
            steps=[ProcessStep(argv, conversation=AcpConversation(work))],
            tree=tmp_path,
            folder=tmp_path / "attempt",
            environment={"PATH": os.environ["PATH"]},
            seconds=60.0,
            spawned=lambda *_: None,
        )
        return asyncio.run(run_steps(orders)), sent(log.read_bytes())

    return call


def test_a_process_that_speaks_the_protocol_is_served_to_its_end(conversed: Callable[..., Any], tmp_path: Path) -> None:
    asked = {"toolCall": {"toolCallId": "t", "kind": "edit", "rawInput": {"path": "a.py"}}, "options": OPTIONS}
    ran, log = conversed(
        {"jsonrpc": "2.0", "id": 5, "method": "session/request_permission", "params": asked},
        "wait",
        json.loads(chunk("Done.")),
        {"jsonrpc": "2.0", "id": "prompt", "result": {"stopReason": "end_turn"}},
    )
    assert (ran.exit_code, ran.results[0].said.final_text) == (0, "Done.")
    assert [message.get("method", "answer") for message in log] == [
        *("initialize", "session/new", "session/prompt", "answer"),
    ]
    events = [json.loads(each)["event"] for each in (tmp_path / "attempt" / "events.jsonl").read_text().splitlines()]
    assert events == ["spawned", "session", "permission_ended", "text", "turn_ended", "final"]


# Lines that the programs logged while a server refused them; an id and a path are replaced.
OPENCODE = (
    'timestamp=2026-11-29T17:30:17.260Z level=ERROR run=540ae598 message="stream error" providerID=fake'
    " modelID=fake-model session.id=ses_1 small={small} agent=build mode=primary"
    ' error.error="AI_APICallError: {words}"'
)
GEMINI = "[2026-11-29T17:32:02.718Z] [WARN] Attempt 1 failed{status}. Retrying with backoff... {words}"
LOGGED: dict[str, tuple[str, str, Fault, int | None]] = {
    "opencode at its limit": (
        "opencode",
        OPENCODE.format(small="false", words="usage limit reached, try again in 2 hours"),
        *(Fault.QUOTA, None),
    ),
    "opencode without a network": (
        "opencode",
        OPENCODE.format(small="false", words=r"Cannot connect to API: Unable to connect. (cause: \"x\")"),
        *(Fault.UNREACHABLE, None),
    ),
    "gemini at its limit": (
        "gemini",
        GEMINI.format(status=" with status 429", words='_ApiError: {"error":{"code":429}}'),
        *(Fault.QUOTA, 429),
    ),
    "gemini without a network": (
        "gemini",
        GEMINI.format(status="", words="Error: exception TypeError: fetch failed sending request"),
        *(Fault.UNREACHABLE, None),
    ),
}


def launched(name: str, tmp_path: Path) -> Conversation:
    (tmp_path / "prompt.md").write_text("Fix it.")
    job = Job(
        phase=Phase.HEALTH_AMEND_A,
        domain="code",
        files=["a.py"],
        tree=tmp_path,
        attempt_folder=tmp_path,
        prompt_path=tmp_path / "prompt.md",
        output_path=tmp_path / "output.json",
        config=Config(),
    )
    (step,) = ACP_AGENTS[name](None).steps(job)
    assert step.conversation is not None
    return step.conversation


@pytest.mark.parametrize("name", LOGGED)
def test_a_program_that_is_silent_in_the_protocol_says_in_its_log_why_it_asks_again(name: str, tmp_path: Path) -> None:
    program, logged, fault, status = LOGGED[name]
    talk = launched(program, tmp_path)
    (event,) = talk.logged(logged.encode()).events
    assert (event.kind, event.fault, event.status) == (EventKind.RETRY, fault, status)
    assert (event.resets_at is not None) == ("try again" in logged)
    # After so many the program would go on for minutes all the same.
    kinds = [each.kind for _ in range(MOST_RETRIES - 1) for each in talk.logged(logged.encode()).events]
    assert kinds == [*([EventKind.RETRY] * (MOST_RETRIES - 2)), EventKind.ERROR]
    assert talk.said().error is not None
    # An answer takes it back.
    talk.heard(chunk("Well."))
    assert talk.said().error is None


def test_other_lines_of_a_log_mean_nothing(tmp_path: Path) -> None:
    title = OPENCODE.format(small="true", words="usage limit reached").encode()
    endless = b'message="stream error" small=false ' * 1800
    for program, logged in (
        *(("opencode", title), ("opencode", endless), ("qwen", title)),
        ("gemini", b"[WARN] Ripgrep is not available."),
    ):
        assert launched(program, tmp_path).logged(logged) == Heard()

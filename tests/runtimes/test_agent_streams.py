"""Streams that real coding agents printed, read into events and into what the agent said.

They were recorded against the model server of `tests/agents/`; paths and ids are replaced.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swarm.rules.agent_events import AgentEvent, EventKind, Fault, Said, Usage
from swarm.rules.agent_faults import fault_of
from swarm.runtimes.agents.aider import AiderText
from swarm.runtimes.agents.claude import ClaudeStream
from swarm.runtimes.agents.codex import CodexStream
from swarm.runtimes.agents.resets import resets_at
from swarm.runtimes.conversation import Conversation

STREAMS = Path(__file__).parents[1] / "data/streams"
PROGRAMS: dict[str, Callable[[bytes], Conversation]] = {
    "claude": ClaudeStream,
    "codex": CodexStream,
    "aider": AiderText,
}
# The events of each stream but signs of life, then the fault and the status of what ended it.
ENDS = {
    "claude/edit": ("session tool tool_ended tool tool_ended text turn_ended final", None, None),
    "claude/say": ("session reasoning text turn_ended final", None, None),
    "claude/blank": ("session turn_ended", None, None),
    "claude/bad_tool": ("session tool tool_ended text turn_ended final", None, None),
    "claude/loop": (f"session {'tool tool_ended ' * 4}text turn_ended final", None, None),
    "claude/denied": ("session tool tool_ended tool tool_ended text turn_ended final", None, None),
    "claude/401": ("session retry error error error error", Fault.CREDENTIAL, 401),
    "claude/429": ("session retry retry retry retry error", Fault.QUOTA, 429),
    "claude/500": ("session retry retry retry retry error", Fault.PROVIDER, 500),
    "claude/half": ("session error", Fault.PROVIDER, None),
    "claude/silence": ("session", Fault.CORRUPTED, None),
    "codex/edit": ("session tool tool_ended text turn_ended final", None, None),
    "codex/say": ("session reasoning text turn_ended final", None, None),
    "codex/blank": ("session turn_ended", None, None),
    "codex/bad_tool": ("session text turn_ended final", None, None),
    "codex/loop": ("session text turn_ended final", None, None),
    "codex/denied": ("session text turn_ended final", None, None),
    "codex/401": ("session retry error", Fault.CREDENTIAL, 401),
    "codex/429": ("session retry retry retry retry retry error", Fault.QUOTA, 429),
    "codex/500": ("session retry retry retry retry retry error", Fault.PROVIDER, None),
    "codex/half": ("session retry retry retry retry retry error", Fault.PROVIDER, None),
    "codex/silence": ("session", Fault.CORRUPTED, None),
}


def heard(program: str, body: bytes) -> tuple[list[AgentEvent], Said]:
    conversation = PROGRAMS[program](b"the prompt")
    events = [event for line in body.splitlines() for event in conversation.heard(line).events]
    return events, conversation.said()


def recorded(name: str) -> tuple[list[AgentEvent], Said]:
    (file,) = STREAMS.glob(f"{name}.*")
    return heard(name.partition("/")[0], file.read_bytes())


def test_every_recorded_stream_is_read() -> None:
    found = {f"{file.parent.name}/{file.stem}" for file in STREAMS.glob("*/*.jsonl") if file.parent.name in PROGRAMS}
    assert found == set(ENDS)


@pytest.mark.parametrize("name", ENDS)
def test_a_stream_becomes_events_and_its_end_has_a_cause(name: str) -> None:
    events, said = recorded(name)
    words, fault, status = ENDS[name]
    left_out = {EventKind.PLACEHOLDER, EventKind.USAGE}
    assert " ".join(event.kind for event in events if event.kind not in left_out) == words
    assert (said.error and said.error.fault, said.error and said.error.status) == (fault, status)
    assert (said.final_text is None) == (fault is not None or name.endswith("/blank"))


def test_claude_says_its_session_its_tools_and_what_it_cost() -> None:
    events, said = recorded("claude/edit")
    assert said == Said(
        session_id="00000000-0000-4000-8000-000000000001",
        model="claude-fake",
        final_text="Done: the import is removed.",
        turns=3,
        tools=2,
        usage=Usage(3600, 240, 0.024),
    )
    read, edit = (event for event in events if event.kind is EventKind.TOOL)
    assert (read.name, read.target, read.is_read, read.is_write) == ("Read", "/work/tree/a.py", True, False)
    assert (edit.name, edit.target, edit.is_read, edit.is_write) == ("Edit", "/work/tree/a.py", False, True)


def test_what_claude_has_used_so_far_is_known_before_its_end() -> None:
    used = [event.tokens for event in recorded("claude/edit")[0] if event.kind is EventKind.USAGE]
    # Each message once, though it comes in pieces; its end says how much it wrote.
    assert used == [1201, 2402, 3603]


def test_a_refused_tool_of_claude_is_a_denial_although_its_result_is_a_success() -> None:
    assert recorded("claude/denied")[1].denials == ("Edit /work/tree/a.py",)


def test_an_empty_input_of_a_tool_that_needs_some_is_malformed() -> None:
    (tool,) = (event for event in recorded("claude/bad_tool")[0] if event.kind is EventKind.TOOL)
    assert (tool.name, tool.text, tool.is_malformed) == ("Edit", "{}", True)


def test_codex_says_its_thread_its_edit_and_its_tokens() -> None:
    events, said = recorded("codex/edit")
    assert said == Said(
        session_id="00000000-0000-4000-8000-000000000001",
        final_text="Done: the import is removed.",
        turns=1,
        tools=1,
        usage=Usage(2400, 160, None),
    )
    (tool,) = (event for event in events if event.kind is EventKind.TOOL)
    assert (tool.name, tool.target, tool.is_write) == ("file_change", "/work/tree/a.py", True)


def test_codex_that_waits_for_the_network_for_ever_has_failed() -> None:
    line = (
        b'{"type":"error","message":"Reconnecting... waiting for network (Connection failed: error sending request)"}'
    )
    (event,), said = heard("codex", line)
    assert (event.kind, event.fault) == (EventKind.ERROR, Fault.UNREACHABLE)
    assert said.error == event


def test_aider_exits_with_0_when_it_is_refused_and_its_words_are_an_error() -> None:
    _, said = recorded("aider/401")
    assert said.error is not None
    assert said.error.fault is Fault.CREDENTIAL


def test_aider_says_what_it_edited_and_its_tokens() -> None:
    events, said = recorded("aider/edit")
    assert [event.target for event in events if event.kind is EventKind.TOOL] == ["a.py"]
    assert (said.model, said.turns, said.usage) == ("openai/fake-model", 1, Usage(1200, 80, None))
    assert said.error is None


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ("Tokens: 1.5k sent, 2 received. Cost: $0.1 message, $0.25 session.", Usage(1500, 2, 0.25)),
        ("Tokens: 1.2.3 sent, 2 received. Cost: $0.1 message, $1.2.3 session.", Usage(0, 2, None)),
        (f"Tokens: {'9' * 400} sent, , received. Cost: $0.1 message, ${'9' * 400} session.", Usage(0, 0, None)),
        (f"Tokens: 1 sent{'1' * 200_000}", Usage()),
    ],
)
def test_a_model_that_prints_the_line_with_aider_s_tokens_itself_harms_nobody(line: str, usage: Usage) -> None:
    _, said = heard("aider", line.encode())
    assert said.usage == usage


def test_aider_that_asks_again_and_again_has_failed() -> None:
    events, said = recorded("aider/429")
    assert {event.fault for event in events if event.kind is EventKind.ERROR} == {Fault.QUOTA}
    assert events[-1].kind is EventKind.RETRY
    assert said.error is not None
    assert said.error.fault is Fault.QUOTA


def test_a_limit_of_the_plan_keeps_the_time_at_which_it_ends() -> None:
    limit = b'{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795960000}}'
    result = b'{"type":"result","subtype":"success","is_error":true,"result":"usage limit reached"}'
    events, said = heard("claude", limit + b"\n" + result)
    assert [event.resets_at for event in events] == [1795960000, 1795960000]
    assert (said.error and said.error.resets_at, said.error and said.error.fault) == (1795960000, Fault.QUOTA)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("You have hit your usage limit. Try again in 2 hours 5 minutes.", 1_000_000 + 7500),
        ("Please try again in 1d 3h.", 1_000_000 + 97_200),
        ("Claude AI usage limit reached|1795960000", 1_795_960_000),
        ("usage_limit_reached, resets_at: 1795960000", 1_795_960_000),
        ("Too many requests", None),
        ("Try again at 3:99 PM.", None),
        (f"Try again in {'9' * 400} hours.", None),
    ],
)
def test_the_end_of_a_limit_is_read_from_words(text: str, moment: float | None) -> None:
    assert resets_at(text, 1_000_000) == moment


@pytest.mark.parametrize(
    ("status", "text", "fault"),
    [
        (401, "", Fault.CREDENTIAL),
        (None, "Invalid API key · Please run /login", Fault.CREDENTIAL),
        (None, "Not logged in", Fault.CREDENTIAL),
        (429, "", Fault.QUOTA),
        (None, "Your credit balance is too low", Fault.QUOTA),
        (529, "Overloaded", Fault.PROVIDER),
        (None, "stream disconnected before completion", Fault.PROVIDER),
        (None, "stream disconnected before completion: error sending request for url", Fault.UNREACHABLE),
        (None, "connect ECONNREFUSED 127.0.0.1:9", Fault.UNREACHABLE),
        (404, "", Fault.NOT_FOUND),
        (None, "No conversation found with session ID: 1", Fault.NOT_FOUND),
        (None, "Prompt is too long", Fault.EXHAUSTED),
        (None, "error_max_turns", Fault.EXHAUSTED),
        (400, "Invalid `signature` in thinking block; Invalid signature in thinking", Fault.REASONING_CONTENT),
        (None, "something else", Fault.UNKNOWN),
    ],
)
def test_a_fault_is_known_by_its_status_else_by_its_words(status: int | None, text: str, fault: Fault) -> None:
    assert fault_of(status, text) is fault


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "message", "content", "item", "usage", "error", "result", "subtype", "id", "input"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
KINDS = ["system", "assistant", "user", "result", "rate_limit_event", "error", "item.completed", "turn.completed"]


@pytest.mark.parametrize("program", PROGRAMS)
@settings(max_examples=40)
@given(kind=st.sampled_from(KINDS), rest=st.dictionaries(st.text(max_size=8), VALUES, max_size=3), garbage=st.binary())
def test_no_line_of_a_stream_raises(program: str, kind: str, rest: dict[str, object], garbage: bytes) -> None:
    import json

    nested = dict.fromkeys(("message", "item", "usage", "error", "rate_limit_info"), rest)
    for document in ({**rest, "type": kind}, {**nested, "type": kind}):
        heard(program, json.dumps(document).encode() + b"\n" + garbage)

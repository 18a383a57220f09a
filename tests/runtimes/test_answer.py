"""Answers of agents are read alike from a file and from printed output, whatever a CLI wraps around them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from swarm import errors
from swarm.runtimes.answer import answer_of, printed_answer
from tests.sweeping import swept

ANSWER: dict[str, Any] = {"domain": "code", "stage": "A", "summary": "Looked {", "findings": [{"id": "1", "note": "}"}]}
BARE = json.dumps(ANSWER, indent=1)
EXAMPLE = BARE.replace("code", "example")
READERS: dict[str, Callable[[bytes], Any]] = {"printed": printed_answer, "file": lambda body: answer_of(body, "output")}


def wrapped(text: str) -> str:
    return json.dumps({"type": "result", "is_error": False, "result": text, "usage": {"input_tokens": 3}})


def lines(*events: object) -> str:
    return "\n".join(json.dumps(event) for event in events)


READABLE = {
    "bare": BARE,
    "crlf": BARE.replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + BARE,
    "fence": f"```json\n{BARE}\n```\n",
    "text around": f"I looked at {{x}} and f'{{y}}'.\n{BARE}\nDone }}",
    "string": json.dumps(BARE),
    "envelope": wrapped(BARE),
    "fence in an envelope": wrapped(f"Here:\n```json\n{BARE}\n```"),
    "envelope in an envelope": wrapped(wrapped(BARE)),
    "object in an envelope": json.dumps({"type": "result", "structured_output": ANSWER, "result": "Done."}),
    "array of events": json.dumps(
        [{"type": "system"}, {"type": "user", "content": EXAMPLE}, json.loads(wrapped(BARE))]
    ),
    "lines of events": lines(
        {"type": "user", "message": {"content": EXAMPLE}},
        {"type": "assistant", "message": {"content": [{"type": "text", "text": BARE}]}},
        {"type": "tool_result", "content": EXAMPLE},
        {"type": "turn.completed", "usage": {}},
    ),
    "last line of a log": lines({"level": "info", "domain": "example.org"}, ANSWER),
    "before a status": f"{BARE}\n{json.dumps({'domain': 'code', 'summary': 'done'})}",
    "the last of two": f"{EXAMPLE}\n{BARE}",
    "a broken start": BARE[: len(BARE) // 2] + "\n" + BARE,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", READABLE)
def test_an_answer_is_found_in_whatever_a_cli_wraps_around_it(name: str, reader: str) -> None:
    assert READERS[reader](READABLE[name].encode()) == ANSWER


UNREADABLE = {
    "a comma at the end": ('{"domain": "code", "summary": "s",\n}', "a comma stands before a closing bracket: line 2"),
    "a comma in a fence": (
        f"Here:\n```json\n{BARE[:-2]},\n}}\n```",
        "a comma stands before a closing bracket: line 13",
    ),
    "a comma in an envelope": (wrapped('{"domain": "code", "x": [1,]}'), "a comma stands before a closing bracket"),
    "a key twice": ('{"domain": "code", "domain": "b", "summary": "s"}', "the key 'domain' stands twice in one object"),
    "a part of a broken answer": (
        f'{{"domain": "code", "summary": "s", "findings": [], "x": {json.dumps(ANSWER)},}}',
        "a comma stands before a closing bracket",
    ),
    "no number": ('{"domain": "code", "summary": "s", "findings": [NaN]}', "NaN is no JSON number"),
    "Python": ("{\"domain\": 'code', \"summary\": __import__('os')}", "Expecting value: line 1 column 12"),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_answer_is_refused_with_its_place(name: str, reader: str) -> None:
    text, reason = UNREADABLE[name]
    with pytest.raises(errors.BoundedJsonParseFailed) as caught:
        READERS[reader](text.encode())
    assert caught.value.problem.startswith(reason)


def test_a_text_without_an_answer_is_none_where_printed_and_itself_in_a_file() -> None:
    assert [printed_answer(text) for text in (b"", b"done", b"{}", b'{"a": {"b": 1}}', b"[" * 9)] == [None] * 5
    assert answer_of(b'{"domain": "code"}', "output") == {"domain": "code"}


@pytest.mark.parametrize(
    "noise", swept(['{"', '{"a":', '{"a":[', "f(){ return {'a': b} }\n", '{"a":1}', '{"domain":"d"}\n'])
)
def test_an_answer_behind_a_flood_of_brackets_is_found(noise: str) -> None:
    assert printed_answer((noise * 200_000 + "\n" + BARE).encode()) == ANSWER


# --- streams of coding agents ---------------------------------------------------------------------------------


FINAL = {"domain": "code", "stage": "A", "summary": "final", "findings": []}
# An agent reads the example of its prompt, plans it, and lets tools print it: none of that is its answer.
QUOTED = json.dumps({"domain": "code", "stage": "A", "summary": "quoted", "findings": [{"id": "1"}]})
SAID = f"Here it is:\n```json\n{json.dumps(FINAL, indent=1)}\n```\nDone."
CUT = json.dumps(FINAL)[:25], json.dumps(FINAL)[25:]


def item(kind: str, **content: Any) -> dict[str, Any]:
    return {"type": "item.completed", "item": {"type": kind, **content}}


def update(kind: str, text: str) -> dict[str, Any]:
    said = {"sessionUpdate": kind, "content": {"type": "text", "text": text}}
    return {"jsonrpc": "2.0", "method": "session/update", "params": {"update": said}}


STREAMS: dict[str, list[dict[str, Any]]] = {
    "claude, one object": [{"type": "result", "is_error": False, "result": SAID}],
    "claude, a stream": [
        {"type": "assistant", "message": {"content": [{"type": "text", "text": SAID}]}},
        {"type": "assistant", "message": {"content": [{"type": "tool_use", "input": {"command": f"echo {QUOTED}"}}]}},
        {"type": "user", "message": {"role": "user", "content": [{"type": "tool_result", "content": QUOTED}]}},
        {"type": "assistant", "message": {"content": [{"type": "thinking", "thinking": QUOTED}]}},
    ],
    "claude, in pieces": [
        {
            "type": "stream_event",
            "event": {"type": "content_block_delta", "delta": {"type": "text_delta", "text": piece}},
        }
        for piece in CUT
    ],
    "codex": [
        item("agent_message", text=SAID),
        item("command_execution", aggregated_output=QUOTED),
        item("mcp_tool_call", result={"content": QUOTED}),
        item("reasoning", text=QUOTED),
        item("file_change", changes=[{"diff": QUOTED}]),
        item("todo_list", items=[QUOTED]),
        {"type": "turn.completed", "usage": {}},
    ],
    "opencode": [
        {"type": "text", "part": {"type": "text", "text": SAID}},
        {"type": "tool_use", "part": {"type": "tool", "state": {"output": QUOTED}}},
        {"type": "reasoning", "part": {"type": "reasoning", "text": QUOTED}},
    ],
    "gemini, one object": [{"response": SAID, "stats": {}}],
    "gemini, in pieces": [
        {"type": "message", "role": "user", "content": QUOTED},
        *({"type": "message", "role": "assistant", "content": piece, "delta": True} for piece in CUT),
        {"type": "tool_result", "output": QUOTED},
    ],
    "acp": [
        update("user_message_chunk", QUOTED),
        *(update("agent_message_chunk", piece) for piece in CUT),
        update("agent_thought_chunk", QUOTED),
        update("tool_call_update", QUOTED),
    ],
    "a chat": [{"choices": [{"message": {"role": "assistant", "content": SAID}}]}],
}


@pytest.mark.parametrize("events", STREAMS.values(), ids=STREAMS)
def test_the_answer_in_a_stream_is_what_the_agent_said_last_and_not_what_it_read(events: list[dict[str, Any]]) -> None:
    body = "".join(json.dumps(event) + "\n" for event in events).encode()
    assert printed_answer(body) == FINAL
    assert printed_answer(b"a banner\n" + body) == FINAL


@pytest.mark.parametrize("event", [{"delta": True, "role": ["user"]}, {"params": 1}, {"event": [], "role": {}}])
def test_a_stream_of_odd_events_holds_no_answer(event: dict[str, Any]) -> None:
    assert printed_answer(json.dumps(event).encode() + b"\n") is None

"""Dialects of the model server: what a request of a provider's API holds, and how an answer to it looks."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tests.agents.steps import Call, Fail, Request, Say


class Answer(NamedTuple):
    """Answer in a dialect: a content type, and the pieces of a stream."""

    kind: str
    pieces: Sequence[bytes]


class Dialect:
    """An API of a provider: what a request holds, and what an answer looks like."""

    def __init__(self, request: Request, number: int) -> None:
        self.request = request
        self.body = request.body
        self.number = number

    def is_aside(self) -> bool:
        """Say whether the request is no part of a conversation: a title, a check of the quota."""
        return not self.body.get("tools")

    def aside(self) -> str:
        """Return the answer to a request that is no part of a conversation."""
        return "ok"

    def done(self) -> int:
        """Return how many answers of this turn the conversation holds."""
        raise NotImplementedError

    def answer(self, step: Say | Call) -> Answer:
        """Return an answer."""
        raise NotImplementedError

    def failure(self, step: Fail) -> object:
        """Return the body of a failure."""
        return {"error": {"message": step.message, "type": _error_type(step.status), "code": _error_type(step.status)}}


class _Messages(Dialect):
    """Anthropic's /v1/messages."""

    def is_aside(self) -> bool:
        return super().is_aside() or self.body.get("max_tokens") == 1

    def done(self) -> int:
        return _since_last_prompt(
            list(self.body.get("messages", ())), lambda message: message["role"] == "assistant", _is_words
        )

    def answer(self, step: Say | Call) -> Answer:
        blocks: list[dict[str, Any]] = []
        if isinstance(step, Say):
            if step.thought:
                blocks.append({"type": "thinking", "thinking": step.thought, "signature": "c2lnbmF0dXJl"})
            if step.text:
                blocks.append({"type": "text", "text": step.text})
        else:
            blocks.append(
                {"type": "tool_use", "id": f"toolu_{self.number:04d}", "name": step.name, "input": step.input}
            )
        reason = "tool_use" if isinstance(step, Call) else "end_turn"
        usage = {"input_tokens": 1200, "output_tokens": 80}
        message = {
            "id": f"msg_{self.number:04d}",
            "type": "message",
            "role": "assistant",
            "model": self.request.model,
            "content": blocks,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": usage,
        }
        if not self.body.get("stream"):
            return Answer("application/json", [json.dumps(message).encode()])
        start = {**message, "content": [], "stop_reason": None, "usage": {"input_tokens": 1200, "output_tokens": 1}}
        events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
        for index, block in enumerate(blocks):
            events += _block_events(index, block)
        delta = {"stop_reason": reason, "stop_sequence": None}
        events += [
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 80}},
            {"type": "message_stop"},
        ]
        return Answer("text/event-stream", [_event(event, event["type"]) for event in events])

    def failure(self, step: Fail) -> object:
        return {"type": "error", "error": {"type": _error_type(step.status), "message": step.message}}


def _block_events(index: int, block: dict[str, Any]) -> list[dict[str, Any]]:
    empty: dict[str, Any]
    deltas: list[dict[str, Any]]
    match block["type"]:
        case "text":
            empty = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": part} for part in _parts(block["text"])]
        case "thinking":
            empty = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [
                {"type": "thinking_delta", "thinking": block["thinking"]},
                {"type": "signature_delta", "signature": block["signature"]},
            ]
        case _:
            empty = {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in _parts(json.dumps(block["input"]))]
    return [
        {"type": "content_block_start", "index": index, "content_block": empty},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


class _Responses(Dialect):
    """OpenAI's /v1/responses."""

    def done(self) -> int:
        def is_answer(item: Mapping[str, Any]) -> bool:
            return item.get("type") in {"function_call", "custom_tool_call", "local_shell_call"} or (
                item.get("role") == "assistant"
            )

        return _since_last_prompt(list(self.body.get("input", ())), is_answer, lambda item: item.get("role") == "user")

    def answer(self, step: Say | Call) -> Answer:
        item: dict[str, Any]
        if isinstance(step, Say):
            content = [{"type": "output_text", "text": step.text, "annotations": []}]
            item = {
                "type": "message",
                "id": f"item_{self.number}",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        elif isinstance(step.input, str):
            item = {
                "type": "custom_tool_call",
                "id": f"item_{self.number}",
                "call_id": f"call_{self.number:04d}",
                "name": step.name,
            }
            item["input"] = step.input
        else:
            item = {
                "type": "function_call",
                "id": f"item_{self.number}",
                "call_id": f"call_{self.number:04d}",
                "name": step.name,
            }
            item["arguments"] = json.dumps(step.input)
        usage = {
            "input_tokens": 1200,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 80,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 1280,
        }
        response = {
            "id": f"resp_{self.number}",
            "object": "response",
            "status": "completed",
            "model": self.request.model,
        }
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        ]
        if isinstance(step, Say) and step.thought:
            thought = {
                "type": "reasoning",
                "id": f"rs_{self.number}",
                "summary": [{"type": "summary_text", "text": step.thought}],
            }
            events.append({"type": "response.output_item.done", "output_index": 0, "item": thought})
        events += [
            {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": {**response, "output": [item], "usage": usage}},
        ]
        return Answer("text/event-stream", [_event(event, event["type"]) for event in events])


class _Chat(Dialect):
    """OpenAI's /v1/chat/completions."""

    def is_aside(self) -> bool:
        # A program without tools of its own edits by its text, and asks for a title by these words.
        return "title generator" in self.request.text[:2000]

    def done(self) -> int:
        return _since_last_prompt(
            list(self.body.get("messages", ())),
            lambda message: message["role"] == "assistant",
            lambda message: message["role"] == "user",
        )

    def answer(self, step: Say | Call) -> Answer:
        message: dict[str, Any] = {"role": "assistant", "content": step.text if isinstance(step, Say) else None}
        if isinstance(step, Call):
            function = {"name": step.name, "arguments": json.dumps(step.input)}
            message["tool_calls"] = [
                {"index": 0, "id": f"call_{self.number:04d}", "type": "function", "function": function}
            ]
        reason = "tool_calls" if isinstance(step, Call) else "stop"
        usage = {"prompt_tokens": 1200, "completion_tokens": 80, "total_tokens": 1280}
        head = {"id": f"chatcmpl-{self.number}", "created": 1, "model": self.request.model}
        if not self.body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason}
            whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
            return Answer("application/json", [json.dumps(whole).encode()])
        head["object"] = "chat.completion.chunk"
        chunks: list[dict[str, Any]] = [
            {**head, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage},
        ]
        return Answer("text/event-stream", [*(_event(chunk) for chunk in chunks), b"data: [DONE]\n\n"])


class _Gemini(Dialect):
    """Gemini's :generateContent and :streamGenerateContent."""

    def aside(self) -> str:
        # Before each turn the program asks how hard the task is. Words instead of the JSON of its schema would make it
        # ask five times, for 90 s, before it begins.
        schema = self.body.get("generationConfig", {}).get("responseJsonSchema")
        return json.dumps(_instance(schema)) if schema else super().aside()

    def done(self) -> int:
        def is_prompt(content: Mapping[str, Any]) -> bool:
            return content.get("role") == "user" and any("text" in part for part in content.get("parts", ()))

        return _since_last_prompt(
            list(self.body.get("contents", ())), lambda content: content.get("role") == "model", is_prompt
        )

    def answer(self, step: Say | Call) -> Answer:
        parts: list[dict[str, Any]]
        if isinstance(step, Say):
            parts = [{"text": step.thought, "thought": True}] if step.thought else []
            parts.append({"text": step.text})
        else:
            parts = [{"functionCall": {"name": step.name, "args": step.input}}]
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        usage = {"promptTokenCount": 1200, "candidatesTokenCount": 80, "totalTokenCount": 1280}
        whole = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": self.request.model}
        if "streamGenerateContent" in self.request.path:
            begun = {**whole, "candidates": [{"content": candidate["content"], "index": 0}]}
            ended = {**whole, "candidates": [{**candidate, "content": {"role": "model", "parts": [{"text": ""}]}}]}
            return Answer("text/event-stream", [_event(begun), _event(ended)])
        return Answer("application/json", [json.dumps(whole).encode()])

    def failure(self, step: Fail) -> object:
        return {"error": {"code": step.status, "message": step.message, "status": _error_type(step.status).upper()}}


DIALECTS: Sequence[tuple[str, Callable[[Request, int], Dialect]]] = (
    (r"/v1/messages(\?|$)", _Messages),
    (r"/responses(\?|$)", _Responses),
    (r"/chat/completions(\?|$)", _Chat),
    (r":(streamG|g)enerateContent", _Gemini),
)


def _instance(schema: Mapping[str, Any]) -> object:
    """Return a value of a JSON schema."""
    match str(schema.get("type")).lower():
        case "object":
            return {name: _instance(each) for name, each in schema.get("properties", {}).items()}
        case "array":
            return []
        case "integer" | "number":
            return 1
        case "boolean":
            return False
        case _:
            return next(iter(schema.get("enum", ())), "ok")


def _since_last_prompt(
    items: Sequence[Mapping[str, Any]],
    is_answer: Callable[[Mapping[str, Any]], bool],
    is_prompt: Callable[[Mapping[str, Any]], bool],
) -> int:
    count = 0
    for item in reversed(items):
        if is_prompt(item):
            break
        count += is_answer(item)
    return count


def _is_words(message: Mapping[str, Any]) -> bool:
    content = message["content"]
    if message["role"] != "user":
        return False
    return isinstance(content, str) or all(block.get("type") != "tool_result" for block in content)


def _parts(text: str) -> list[str]:
    middle = max(1, len(text) // 2)
    return [part for part in (text[:middle], text[middle:]) if part]


def _event(document: object, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(document)}\n\n".encode()


def _error_type(status: int) -> str:
    names = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error", 529: "overloaded_error"}
    return names.get(status, "api_error")

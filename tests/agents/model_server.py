"""A model provider on the loopback interface that plays a script: the same steps in the API of four providers.

It speaks Anthropic's messages, OpenAI's responses and chat completions, and Gemini's content streams, so that real
coding agents work against it without a network and without a key. A script is a list of steps; each request of a
conversation gets the step after those that the conversation already holds.
"""

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Say(NamedTuple):
    """The model answers with a text, and its turn is over."""

    text: str
    thought: str = ""


class Edit(NamedTuple):
    """The model replaces a text of a file, by the tools that the program offers. `path` is relative to its folder."""

    path: str
    old: str
    new: str


class Write(NamedTuple):
    """The model writes a file. `path` is relative to the folder of the program, or absolute."""

    path: str
    content: str


class Shell(NamedTuple):
    """The model runs a command line."""

    line: str


class Call(NamedTuple):
    """The model calls a tool by its name, with any input, also one that no tool takes."""

    name: str
    input: Any


class Fail(NamedTuple):
    """The provider answers with a status; `retry_after` and `resets_at` are what it says on when to come again."""

    status: int
    message: str = "the script says so"
    retry_after: int | None = None
    resets_at: int | None = None


class Half(NamedTuple):
    """The provider begins to answer and closes the connection."""

    text: str = "I have begun, and "


class Silence(NamedTuple):
    """The provider accepts the request and never answers."""


Step = Say | Edit | Write | Shell | Call | Fail | Half | Silence
Script = Callable[[str], Sequence[Step]]


class Request(NamedTuple):
    """A request as it came: its path, its headers in small letters, its JSON body, and the texts in it."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Return every text of the request, one after the other."""
        return "\n".join(_texts(self.body))

    @property
    def model(self) -> str:
        """Return the model that is asked."""
        found = re.search(r"/models/([^:/]+):", self.path)
        return found[1] if found else str(self.body.get("model"))


class Answer(NamedTuple):
    """What a dialect sends for a step: a content type, and the pieces of a stream."""

    kind: str
    pieces: Sequence[bytes]


class ModelServer:
    """A server that plays a script. `requests` are those of conversations; small helper requests are in `asides`."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.asides: list[Request] = []
        self.released = threading.Event()
        self._ids = itertools.count(1)

    base: str

    def fresh_id(self) -> int:
        """Return a number that no other answer has: programs join messages of the same id."""
        return next(self._ids)

    def step(self, request: Request, done: int) -> Step:
        """Return the step that answers a request of a conversation which holds some answers already."""
        steps = _flat(self.script(request.text), request)
        return steps[min(done, len(steps) - 1)]


@contextmanager
def model_server(*steps: Step, script: Script | None = None) -> Iterator[ModelServer]:
    """Serve a script on a free port of the loopback interface: fixed steps, or a function of what was asked."""
    model = ModelServer(script or (lambda _text: steps))

    class Handler(_Handler):
        server_model = model

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_model: ModelServer

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass

    def do_HEAD(self) -> None:
        self._send(200, "text/plain", b"")

    def do_GET(self) -> None:
        # Lists of models, and signs of life: nothing that a conversation hangs on.
        self._send(200, "application/json", b'{"data": [], "object": "list", "models": []}')

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = {}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, body if isinstance(body, dict) else {})
        dialect = next((made for ending, made in _DIALECTS if re.search(ending, self.path)), None)
        if dialect is None:
            self._send(200, "application/json", b"{}")
            return
        self._answer(dialect(request, self.server_model.fresh_id()), request)

    def _answer(self, dialect: "_Dialect", request: Request) -> None:
        model = self.server_model
        if dialect.is_aside():
            model.asides.append(request)
            step: Step = Say("ok")
        else:
            model.requests.append(request)
            step = model.step(request, dialect.done())
        try:
            match step:
                case Fail():
                    self._fail(dialect, step)
                case Silence():
                    model.released.wait(600)
                    self.close_connection = True
                case Half():
                    self._stream(dialect.answer(Say(step.text)), cut=True)
                case Say() | Call():
                    self._stream(dialect.answer(step), cut=False)
                case _:
                    raise AssertionError(step)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _fail(self, dialect: "_Dialect", step: Fail) -> None:
        headers = {}
        if step.retry_after is not None:
            headers["Retry-After"] = str(step.retry_after)
        if step.resets_at is not None:
            headers["anthropic-ratelimit-unified-reset"] = str(step.resets_at)
            headers["anthropic-ratelimit-unified-status"] = "rejected"
        self._send(step.status, "application/json", json.dumps(dialect.failure(step)).encode(), headers)

    def _stream(self, answer: Answer, *, cut: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        pieces = answer.pieces[: max(1, len(answer.pieces) // 2)] if cut else answer.pieces
        for piece in pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        if cut:
            # Without the last chunk, which would say that the answer is whole.
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Dialect:
    """An API of a provider: what a request holds, and what an answer looks like."""

    def __init__(self, request: Request, number: int) -> None:
        self.request = request
        self.body = request.body
        self.number = number

    def is_aside(self) -> bool:
        """Say whether the request is no part of a conversation: a title, a check of the quota."""
        return not self.body.get("tools")

    def done(self) -> int:
        """Return how many answers of this turn the conversation holds."""
        raise NotImplementedError

    def answer(self, step: Say | Call) -> Answer:
        """Return an answer."""
        raise NotImplementedError

    def failure(self, step: Fail) -> object:
        """Return the body of a failure."""
        return {"error": {"message": step.message, "type": _error_type(step.status), "code": _error_type(step.status)}}


class _Messages(_Dialect):
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


class _Responses(_Dialect):
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


class _Chat(_Dialect):
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


class _Gemini(_Dialect):
    """Gemini's :generateContent and :streamGenerateContent."""

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


_DIALECTS: Sequence[tuple[str, Callable[[Request, int], _Dialect]]] = (
    (r"/v1/messages(\?|$)", _Messages),
    (r"/responses(\?|$)", _Responses),
    (r"/chat/completions(\?|$)", _Chat),
    (r":(streamG|g)enerateContent", _Gemini),
)


def _flat(steps: Sequence[Step], request: Request) -> list[Step]:
    """Return the steps as calls of the tools that a request offers, as many as the program wants for them."""
    offered = _tools(request.body)
    make = next((made for name, made in _PROGRAMS.items() if name in offered), None)
    if make is None:
        return _as_text(steps, request)
    flat: list[Step] = []
    for step in steps:
        flat += make(step, _place(step, request)) if isinstance(step, Edit | Write | Shell) else [step]
    return flat


def _as_text(steps: Sequence[Step], request: Request) -> list[Step]:
    """Return the steps for a program whose model has no tools, as aider: files stand whole in the text of an answer."""
    if not any(isinstance(step, Edit | Write) for step in steps):
        return list(steps)
    parts = []
    for step in steps:
        match step:
            case Edit():
                before = re.findall(rf"{re.escape(step.path)}\n```\n(.*?)\n?```", request.text, re.DOTALL)
                if not before:
                    return [Say(step.path)]
                parts.append(_block(step.path, before[-1].replace(step.old, step.new, 1)))
            case Write():
                parts.append(_block(step.path, step.content))
            case Say():
                parts.append(step.text)
            case _:
                raise AssertionError(step)
    return [Say("\n\n".join(parts))]


def _block(path: str, content: str) -> str:
    return f"{path}\n```\n{content.strip()}\n```"


def _place(step: Edit | Write | Shell, request: Request) -> str:
    if isinstance(step, Shell) or step.path.startswith("/"):
        return getattr(step, "path", "")
    folder = _folder(request.text)
    return f"{folder}/{step.path}" if folder else step.path


def _claude_calls(step: Edit | Write | Shell, path: str) -> list[Step]:
    match step:
        case Edit():
            # It reads a file before it edits it.
            edit = Call("Edit", {"file_path": path, "old_string": step.old, "new_string": step.new})
            return [Call("Read", {"file_path": path}), edit]
        case Write():
            return [Call("Write", {"file_path": path, "content": step.content})]
        case Shell():
            return [Call("Bash", {"command": step.line, "description": "Run a command"})]


def _gemini_calls(step: Edit | Write | Shell, path: str) -> list[Step]:
    match step:
        case Edit():
            given = {"file_path": path, "old_string": step.old, "new_string": step.new, "instruction": "Edit the file."}
            return [Call("replace", given)]
        case Write():
            return [Call("write_file", {"file_path": path, "content": step.content})]
        case Shell():
            return [Call("run_shell_command", {"command": step.line, "description": "Run a command"})]


def _opencode_calls(step: Edit | Write | Shell, path: str) -> list[Step]:
    match step:
        case Edit():
            edit = Call("edit", {"filePath": path, "oldString": step.old, "newString": step.new})
            return [Call("read", {"filePath": path}), edit]
        case Write():
            return [Call("write", {"filePath": path, "content": step.content})]
        case Shell():
            return [Call("bash", {"command": step.line, "description": "Run a command"})]


def _codex_calls(step: Edit | Write | Shell, path: str) -> list[Step]:
    match step:
        case Edit():
            lines = [f"-{line}" for line in step.old.splitlines()] + [f"+{line}" for line in step.new.splitlines()]
            patch = "\n".join(["*** Begin Patch", f"*** Update File: {path}", "@@", *lines, "*** End Patch"])
            line = f"apply_patch <<'SCRIPT'\n{patch}\nSCRIPT"
        case Write():
            line = f"cat > {path} <<'SCRIPT'\n{step.content}SCRIPT"
        case Shell():
            line = step.line
    return [Call("exec_command", {"cmd": line})]


# A program by a tool that it alone offers.
_PROGRAMS: Mapping[str, Callable[[Edit | Write | Shell, str], list[Step]]] = {
    "Edit": _claude_calls,
    "replace": _gemini_calls,
    "edit": _opencode_calls,
    "exec_command": _codex_calls,
}


def _tools(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {}
    for tool in body.get("tools") or ():
        for each in tool.get("functionDeclarations", [tool]):
            named = each.get("function", each)
            found[str(named.get("name") or named.get("type"))] = named
    return found


def _folder(text: str) -> str | None:
    # Each program names its folder in words of its own.
    found = re.search(r"(?:[Ww]orking directory:|<cwd>|following directories:\s+-|in the directory:) *(/[^\s<]+)", text)
    return found[1] if found else None


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


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _parts(text: str) -> list[str]:
    middle = max(1, len(text) // 2)
    return [part for part in (text[:middle], text[middle:]) if part]


def _event(document: object, name: str | None = None) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(document)}\n\n".encode()


def _error_type(status: int) -> str:
    names = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error", 529: "overloaded_error"}
    return names.get(status, "api_error")


def main() -> None:
    """Serve a script that says a text, until Ctrl-C, for trials by hand."""
    import sys

    with model_server(Say(sys.argv[1] if len(sys.argv) > 1 else "Hello.")) as server:
        print(server.base, flush=True)  # noqa: T201
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()

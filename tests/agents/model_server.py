"""A model provider on the loopback interface that plays a script: the same steps in the API of four providers.

It speaks Anthropic's messages, OpenAI's responses and chat completions, and Gemini's content streams, so that real
coding agents work against it without a network and without a key. A script is a list of steps; each request of a
conversation gets the step after those that the conversation already holds.
"""

import itertools
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.agents.dialects import DIALECTS, Answer, Dialect
from tests.agents.steps import Call, Fail, Half, Request, Say, Script, Silence, Step
from tests.agents.tools import as_calls


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
        steps = as_calls(self.script(request.text), request)
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
        dialect = next((made for ending, made in DIALECTS if re.search(ending, self.path)), None)
        if dialect is None:
            self._send(200, "application/json", b"{}")
            return
        self._answer(dialect(request, self.server_model.fresh_id()), request)

    def _answer(self, dialect: Dialect, request: Request) -> None:
        model = self.server_model
        if dialect.is_aside():
            model.asides.append(request)
            step: Step = Say(dialect.aside())
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

    def _fail(self, dialect: Dialect, step: Fail) -> None:
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

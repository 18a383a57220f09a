"""Server of a page on this machine: it reads nothing but what it is given, and sends each change as an event."""

import asyncio
import json
import secrets
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus
from typing import Any, Final, cast

from swarm import errors, interruption
from swarm.page_server import answers
from swarm.page_server.answers import PageBody, Shown
from swarm.page_server.requests import LOOPBACK, Address, RequestRefused, place_of, request_of

_MOST_HEAD: Final = 8 * 1024
_HEAD_SECONDS: Final = 5.0
_SEND_SECONDS: Final = 60.0
_BEAT_SECONDS: Final = 15.0
_REST_SECONDS: Final = 1.0
_MOST_REST: Final = 1024 * 1024
MOST_CONNECTIONS: Final = 64
MOST_STREAMS: Final = 16
_AGAIN: Final = b"retry: 2000\n\n"
_BEAT: Final = b": here\n\n"
_OVER: Final = b"event: over\ndata: {}\n\n"


class PageServer:
    """Answers for a page at a secret address; `show` gives it each new state."""

    def __init__(self, policy: str, first: Shown) -> None:
        self._policy = policy
        self._shown = first
        self._changed = asyncio.Event()
        self._over = asyncio.Event()
        # Connections whose request has not come yet, the oldest first.
        self._pending: dict[asyncio.Task[None], None] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._streams = 0
        self.address = Address(0, secrets.token_urlsafe(32))

    async def serve(self, port: int, is_ready: Callable[[str], None], following: asyncio.Future[None]) -> None:
        """Serve until Ctrl-C or SIGTERM; `is_ready` gets the address. Raises ReportPortTaken, and as `following`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._over.set)
        listener = _listener(port)
        server = await asyncio.start_server(self._connected, sock=listener, limit=_MOST_HEAD)
        self.address = self.address._replace(port=listener.getsockname()[1])
        is_ready(self.address.url)
        ends: tuple[asyncio.Future[Any], ...] = (asyncio.ensure_future(self._over.wait()), following)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        server.close()
        for task in (*self._pending, *self._answering):
            task.cancel()
        if following.done():
            following.result()

    def show(self, shown: Shown) -> None:
        """Take a new state, and wake the pages that are open."""
        self._shown = shown
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        if len(self._pending) + len(self._answering) >= MOST_CONNECTIONS:
            # Who opens connections and says nothing makes room for who asks.
            oldest = next(iter(self._pending), task)
            self._pending.pop(oldest, None)
            oldest.cancel()
        self._pending[task] = None
        try:
            await self._answer(task, reader, writer)
        except (OSError, EOFError, TimeoutError, asyncio.CancelledError):
            # The other side went, or was too slow: nothing is kept for it. No caller waits for a connection's task. An
            # answer that was sent whole has closed its connection: `abort` would fail there.
            writer.transport.abort()
        finally:
            self._pending.pop(task, None)
            self._answering.discard(task)

    async def _answer(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                request = request_of(await reader.readuntil(b"\r\n\r\n"))
            place = place_of(request, self.address)
            self._pending.pop(task, None)
            self._answering.add(task)
            has_body = request.method == "GET"
            if place == "changes" and has_body:
                await self._stream(request.headers.get("last-event-id", ""), writer)
            else:
                await self._send(place, writer, has_body=has_body)
        except asyncio.LimitOverrunError:
            await _refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, reader, writer)
        except RequestRefused as refused:
            await _refuse(refused.status, reader, writer)

    async def _send(self, place: str, writer: asyncio.StreamWriter, *, has_body: bool) -> None:
        body = _body(self._shown, place)
        # A page learns by the tag which state it got: a newer than that of the event may be there by now.
        sizes = {"Content-Type": body.kind, "Content-Length": str(body.size), "ETag": f'"{body.digest}"'}
        async with asyncio.timeout(_SEND_SECONDS):
            writer.write(answers.head(HTTPStatus.OK, sizes, self._policy))
            for piece in body.pieces() if has_body else ():
                writer.write(piece)
                await writer.drain()
            # Until the last byte is on its way: `drain` returns while some are still waiting.
            writer.close()
            await writer.wait_closed()

    async def _stream(self, last: str, writer: asyncio.StreamWriter) -> None:
        if self._streams >= MOST_STREAMS:
            raise RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE)
        self._streams += 1
        try:
            await _sent(writer, answers.head(HTTPStatus.OK, {"Content-Type": "text/event-stream"}) + _AGAIN)
            async for event in self._events(last):
                async with asyncio.timeout(_BEAT_SECONDS):
                    await _sent(writer, event)
        except asyncio.CancelledError:
            # Not waited for: a reader that takes nothing would hold the end.
            writer.write(_OVER)
            raise
        finally:
            self._streams -= 1

    async def _events(self, last: str) -> AsyncIterator[bytes]:
        """Yield the present state, unless `last` names it, and each later one; in between signs of life."""
        while True:
            changed = self._changed
            name, event = _event(self._shown)
            # A page that was away gets what it missed as a single event: each names the whole state.
            if name != last:
                last = name
                yield event
            try:
                async with asyncio.timeout(_BEAT_SECONDS):
                    await changed.wait()
            except TimeoutError:
                yield _BEAT


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    # A port that a server left a moment ago can be taken again.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise errors.ReportPortTaken(port=port, problem=error.strerror or str(error)) from error
    return listener


def _body(shown: Shown, place: str) -> PageBody:
    """Return the content at a place. Raises RequestRefused where there is none."""
    name, _, digest = place.partition("/")
    if not place:
        return shown.page
    if name != "findings":
        raise RequestRefused(HTTPStatus.NOT_FOUND)
    return shown.findings.since(digest)


def _event(shown: Shown) -> tuple[str, bytes]:
    """Return the name of a state, and the event that tells a page of it."""
    facts = {"shell": shown.page.digest, "findings": shown.findings.whole.digest, "problem": shown.problem}
    data = json.dumps(facts)
    name = answers.digest_of(data.encode())
    return name, f"event: change\nid: {name}\ndata: {data}\n\n".encode()


async def _refuse(status: HTTPStatus, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(_REST_SECONDS):
        await _sent(writer, answers.refusal(status))
        writer.write_eof()
        # The kernel drops an answer that is on its way when a connection with unread bytes is closed.
        for _ in range(_MOST_REST // _MOST_HEAD):
            if not await reader.read(_MOST_HEAD):
                break
    writer.transport.abort()


async def _sent(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await writer.drain()


def serve(
    policy: str, states: Iterator[Shown], port: int, *, is_ready: Callable[[str], None], over: threading.Event
) -> None:
    """Serve the states of a page until Ctrl-C or SIGTERM; then `over` is set, and `states` are to end.

    The first state is taken here, the later ones in another thread. Raises ReportPortTaken and the errors of `states`.
    """
    first = next(states)

    async def run() -> None:
        server, loop = PageServer(policy, first), asyncio.get_running_loop()

        def follow() -> None:
            for shown in states:
                loop.call_soon_threadsafe(server.show, shown)

        following = loop.run_in_executor(None, follow)
        try:
            await server.serve(port, is_ready, following)
        finally:
            over.set()

    with interruption.kept():
        asyncio.run(run())

"""The connection of a member to its engine: TLS by the engine's own authority, a key, and an inbox of its own."""

import asyncio
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from swarm import errors
from swarm.clock import now
from swarm.documents import parse_bounded
from swarm.engine.place import Credentials
from swarm.engine.refusals import PermissionRefusals
from swarm.engine.subjects import Plane
from swarm.failpoints import failpoint

_CONNECT_SECONDS: Final = 5
_MOMENT: Final = 0.1
# Of an answer of the engine.
SECONDS: Final = 5.0
_PING_SECONDS: Final = 4
_MOST_PINGS: Final = 2
# As of HTTP: codes from here on say that the server failed, and not the request.
_OF_SERVER: Final = 500
# In the words of nats-server: a stream is full, an account, the server, or its disk.
_NO_ROOM: Final = re.compile(r"maximum (messages|bytes) exceeded|insufficient|limits exceeded|no space left")
_TAKEN: Final = b"+ACK"
_NEVER_AGAIN: Final = b"+TERM"
# Of a message that is still worked on: the engine waits for its end anew.
IN_PROGRESS: Final = b"+WPI"
# Of OpenSSL's codes for a certificate (x509_vfy.h): those that a wrong clock leads to.
_TIMES: Final = {9: "is not valid yet", 10: "is valid no more"}
_Found = TypeVar("_Found")


class EngineLink:
    """An open connection to an engine, which answers as JetStream's interface does."""

    def __init__(
        self, client: Any, credentials: Credentials, closed: asyncio.Event, refusals: PermissionRefusals
    ) -> None:
        self.client = client
        self.refusals = refusals
        # Set once the engine has ended the connection.
        self.closed = closed
        self.credentials = credentials
        self.names = Plane(credentials.plane)

    async def ask(self, verb: str, document: dict[str, Any] | None = None, *, expect: tuple[int, ...] = ()) -> Any:
        """Return the answer of the engine's interface; `expect` are codes of errors that are fine. Raises as `keep`."""
        body = json.dumps(document).encode() if document is not None else b""
        answer = await self._answer(f"$JS.API.{verb}", body, verb)
        found = parse_bounded(answer.data, verb)
        problem = found.get("error")
        if problem and problem.get("err_code") not in expect:
            raise errors.EngineRefused(problem=f"{verb}: {problem.get('description')}")
        return found

    async def keep(self, subject: str, body: bytes, once: str = "") -> int:
        """Let a stream keep a message, and return its place there; a message of the same `once` is kept once.

        Raises EngineFull, EngineRefused, EngineUnreachable.
        """
        failpoint("engine.keep.before")
        answer = await self._answer(subject, body, subject, {"Nats-Msg-Id": once} if once else None)
        failpoint("engine.keep.after")
        found = parse_bounded(answer.data, subject)
        if error := found.get("error"):
            problem = f"{subject}: {error.get('description')}"
            if _NO_ROOM.search(problem):
                raise errors.EngineFull(problem=problem)
            if int(error.get("code", 0)) >= _OF_SERVER:
                # Its disk is full, or its cluster chooses a leader: the same message may be kept later.
                raise errors.EngineUnreachable(url=self.credentials.url, problem=problem)
            raise errors.EngineRefused(problem=problem)
        return int(found["seq"])

    async def kept(self, stream: str, subject: str) -> bytes | None:
        """Return the last message of a subject that a stream keeps, `None` for none. Raises EngineUnreachable."""
        answer = await self._answer(f"$JS.API.DIRECT.GET.{stream}.{subject}", b"", subject)
        # Without the message the answer has a status in its place.
        return None if answer.headers and "Status" in answer.headers else bytes(answer.data)

    async def _answer(self, subject: str, body: bytes, named: str, headers: dict[str, str] | None = None) -> Any:
        """Return the engine's answer to a request; `named` names the request in an error. Raises EngineUnreachable."""
        from nats.errors import Error

        try:
            return await self.client.request(subject, body, timeout=SECONDS, headers=headers)
        except (TimeoutError, Error, OSError) as error:
            self.refusals.hold()
            problem = f"{named}: {error or 'no answer'}"
            raise errors.EngineUnreachable(url=self.credentials.url, problem=problem) from error

    async def tell(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send messages, each to its subject, and wait until the engine has them. Raises EngineUnreachable."""
        from nats.errors import Error

        try:
            for subject, body in messages:
                await self.client.publish(subject, body)
            await self.client.flush(int(SECONDS))
            hold_to_cancellation()
            # The server says what it refuses before it answers the flush.
            self.refusals.hold()
        except (TimeoutError, Error, OSError) as error:
            raise errors.EngineUnreachable(url=self.credentials.url, problem=str(error)) from error

    @asynccontextmanager
    async def hearing(self, stream: str, subject: str, heard: Callable[[bytes], None]) -> AsyncIterator[None]:
        """Hear a subject, beginning with the last message that a stream keeps of it. Raises EngineUnreachable."""
        from nats.errors import Error

        async def hear(message: Any) -> None:
            heard(message.data)

        try:
            subscription = await self.client.subscribe(subject, cb=hear)
        except (Error, OSError) as error:
            raise errors.EngineUnreachable(url=self.credentials.url, problem=str(error)) from error
        try:
            if (kept := await self.kept(stream, subject)) is not None:
                heard(kept)
            yield
        finally:
            with suppress(Error, OSError):
                await subscription.unsubscribe()

    async def acknowledge(self, message: Any) -> None:
        """Let the engine forget a message that a queue gave. Raises EngineUnreachable."""
        await self._end(message, _TAKEN)

    async def reject(self, message: Any) -> None:
        """Let the engine drop a message that a queue gave: it is of no use to anybody. Raises EngineUnreachable."""
        await self._end(message, _NEVER_AGAIN)

    async def in_progress(self, message: Any) -> None:
        """Say that a message is worked on: the engine does not deliver it again meanwhile. Raises EngineUnreachable."""
        await self._reply(message, IN_PROGRESS)

    async def _end(self, message: Any, word: bytes) -> None:
        failpoint("engine.acknowledge.before")
        await self._reply(message, word)

    async def _reply(self, message: Any, word: bytes) -> None:
        from nats.errors import Error

        try:
            await self.client.publish(message.reply, word)
        except (Error, OSError) as error:
            raise errors.EngineUnreachable(url=self.credentials.url, problem=str(error)) from error


def hold_to_cancellation() -> None:
    """Raise CancelledError where the present task was cancelled.

    The `wait_for` of Python 3.11, by which the engine's client waits, loses a cancellation that comes with its result
    (https://github.com/python/cpython/issues/86296), and a loop around it would never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@asynccontextmanager
async def linked(credentials: Credentials, heard: Callable[[str], None] | None = None) -> AsyncIterator[EngineLink]:
    """Connect a member to its engine; `heard` gets what the engine says later, such as a missing permission.

    Raises EngineRefused, EngineUnreachable, ScaleUnavailable, WorkerClock.
    """
    try:
        from nats.aio.client import Client
        from nats.errors import Error
    except ImportError as error:
        raise errors.ScaleUnavailable(package="nats-py") from error
    # The loop warns of how every TLS connection of this client ends.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    said: list[str] = []
    refusals, closed = PermissionRefusals(credentials.name), asyncio.Event()

    async def ended() -> None:
        closed.set()

    async def listen(error: Exception) -> None:
        (heard or said.append)(f"{error}")
        refusals.hear(f"{error}")

    client = Client()
    try:
        await client.connect(
            credentials.url,
            tls=_trust(credentials),
            nkeys_seed_str=credentials.seed,
            # By permission a member hears its own inbox alone.
            inbox_prefix=f"_INBOX_{credentials.name}",
            name=credentials.name,
            connect_timeout=_CONNECT_SECONDS,
            # Otherwise a refused login is tried again without end.
            allow_reconnect=False,
            # By default a link that was cut is noticed after minutes, when the orders of a worker are lost already.
            ping_interval=_PING_SECONDS,
            max_outstanding_pings=_MOST_PINGS,
            error_cb=listen,
            closed_cb=ended,
        )
    except (TimeoutError, Error, OSError, ValueError) as error:
        # A handshake that failed leaves its socket open, and its end may be waited for without end.
        with suppress(TimeoutError):
            async with asyncio.timeout(_MOMENT):
                await client.close()
        raise _typed(credentials, error, (said or ["no answer in time"])[-1]) from None
    try:
        # The client goes on in the clear where a server, or somebody on the way to it, offers no TLS.
        if not client._server_info.get("tls_required"):  # noqa: SLF001 - the client shows it nowhere else
            raise errors.EngineRefused(problem=f"{credentials.url} speaks without TLS, so that it may be anybody")
        yield EngineLink(client, credentials, closed, refusals)
    finally:
        await client.close()


def _trust(credentials: Credentials) -> ssl.SSLContext:
    if not credentials.authority:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # This authority and no other: not those of the machine.
    context.load_verify_locations(cadata=credentials.authority)
    return context


def _typed(credentials: Credentials, error: Exception, said: str) -> "errors.SwarmError":
    problem = str(error) or said
    if "uthorization" in problem:
        return errors.EngineRefused(problem=f"it does not know the key of {credentials.name}, or no longer")
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in _TIMES:
        return errors.WorkerClock(url=credentials.url, problem=_TIMES[error.verify_code], moment=now())
    return errors.EngineUnreachable(url=credentials.url, problem=problem)


def administer(credentials: Credentials, work: Callable[[EngineLink], Awaitable[_Found]]) -> _Found:
    """Connect, do something, and disconnect. Raises EngineRefused, EngineUnreachable, ScaleUnavailable."""

    async def run() -> _Found:
        async with linked(credentials) as link:
            return await work(link)

    return asyncio.run(run())

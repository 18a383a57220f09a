"""The connection of a member to its engine: TLS by the engine's own authority, a key, and an inbox of its own."""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from swarm import errors
from swarm.documents import parse_bounded
from swarm.engine.place import Credentials
from swarm.engine.subjects import Plane

_CONNECT_SECONDS: Final = 5
_SECONDS: Final = 5.0
_LEASE_SECONDS: Final = 30
# A coordinator that was started anew gets what its predecessor took and did not finish.
_AGAIN_SECONDS: Final = 5
# Of the engine's answers: a stream of this name is there, with other settings.
_STREAM_IS_THERE: Final = 10058
_TAKEN: Final = b"+ACK"
_Found = TypeVar("_Found")


class EngineLink:
    """An open connection to an engine, which answers as JetStream's interface does."""

    def __init__(self, client: Any, credentials: Credentials, closed: asyncio.Event) -> None:
        self.client = client
        # Set once the engine has ended the connection.
        self.closed = closed
        self.credentials = credentials
        self.names = Plane(credentials.plane)

    async def ask(self, verb: str, document: dict[str, Any] | None = None, *, expect: tuple[int, ...] = ()) -> Any:
        """Return the answer of the engine's interface; `expect` are codes of errors that are fine.

        Raises EngineUnreachable where no answer comes, which is also how a missing permission shows, and EngineRefused.
        """
        body = json.dumps(document).encode() if document is not None else b""
        answer = await self._answer(f"$JS.API.{verb}", body, verb)
        found = parse_bounded(answer.data, verb)
        problem = found.get("error")
        if problem and problem.get("err_code") not in expect:
            raise errors.EngineRefused(problem=f"{verb}: {problem.get('description')}")
        return found

    async def keep(self, subject: str, body: bytes, once: str = "") -> int:
        """Let a stream keep a message, and return its place there; a message of the same `once` is kept once.

        Raises EngineRefused, EngineUnreachable.
        """
        answer = await self._answer(subject, body, subject, {"Nats-Msg-Id": once} if once else None)
        found = parse_bounded(answer.data, subject)
        if "error" in found:
            raise errors.EngineRefused(problem=f"{subject}: {found['error'].get('description')}")
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
            return await self.client.request(subject, body, timeout=_SECONDS, headers=headers)
        except (TimeoutError, Error, OSError) as error:
            problem = f"{named}: {error or 'no answer'}"
            raise errors.EngineUnreachable(url=self.credentials.url, problem=problem) from error

    async def next(self, stream: str, queue: str, seconds: float) -> Any | None:
        """Return the next message of a queue, `None` where none comes in time."""
        from nats.errors import Error

        asked = json.dumps({"batch": 1, "expires": int(seconds * 10**9)}).encode()
        try:
            # With a subscription of its own: a message of a queue keeps its subject, by which no other answer is known.
            message = await self.client.request(
                f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{queue}", asked, timeout=seconds + _SECONDS, old_style=True
            )
        except (TimeoutError, Error, OSError):
            return None
        return None if message.headers and "Status" in message.headers and not message.data else message

    async def acknowledge(self, message: Any) -> None:
        """Let the engine forget a message that a queue gave."""
        await self.client.publish(message.reply, _TAKEN)

    async def make_reader(self, stream: str, name: str, subject: str) -> None:
        """Make a queue of all that a stream keeps of a subject: a message stays in it until it is acknowledged."""
        reader = {
            "durable_name": name,
            "filter_subject": subject,
            "ack_policy": "explicit",
            "ack_wait": _AGAIN_SECONDS * 10**9,
            "deliver_policy": "all",
            "max_ack_pending": 10_000,
        }
        await self.ask(f"CONSUMER.DURABLE.CREATE.{stream}.{name}", {"stream_name": stream, "config": reader})

    async def make_streams(self) -> None:
        """Make the streams of the engine, or bring their settings up to date."""
        for stream in self.names.streams():
            made = await self.ask(f"STREAM.CREATE.{stream['name']}", stream, expect=(_STREAM_IS_THERE,))
            if "error" in made:
                await self.ask(f"STREAM.UPDATE.{stream['name']}", stream)

    async def make_queue(self, tag: str) -> None:
        """Make the queue of a tag: an order is delivered once, and is lost where nobody shows that it is worked on.

        An attempt costs money: it is never run twice without somebody's decision.
        """
        queue = {
            "durable_name": tag,
            "filter_subject": self.names.order(tag),
            "ack_policy": "explicit",
            "ack_wait": _LEASE_SECONDS * 10**9,
            "max_deliver": 1,
        }
        document = {"stream_name": self.names.orders, "config": queue}
        await self.ask(f"CONSUMER.DURABLE.CREATE.{self.names.orders}.{tag}", document)

    async def waiting(self) -> tuple[int, int]:
        """Return how many orders wait to be taken, and how many results are kept."""
        counts = [
            (await self.ask(f"STREAM.INFO.{stream}"))["state"]["messages"]
            for stream in (self.names.orders, self.names.results)
        ]
        return int(counts[0]), int(counts[1])


@asynccontextmanager
async def linked(credentials: Credentials, heard: Callable[[str], None] | None = None) -> AsyncIterator[EngineLink]:
    """Connect a member to its engine; `heard` gets what the engine says later, such as a missing permission.

    Raises EngineRefused, EngineUnreachable, ScaleUnavailable.
    """
    try:
        import nats
        from nats.errors import Error
    except ImportError as error:
        raise errors.ScaleUnavailable(package="nats-py") from error
    # The loop warns of how every TLS connection of this client ends.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    said: list[str] = []

    closed = asyncio.Event()

    async def ended() -> None:
        closed.set()

    async def listen(error: Exception) -> None:
        (heard or said.append)(f"{error}")

    try:
        client = await nats.connect(
            credentials.url,
            tls=_trust(credentials),
            nkeys_seed_str=credentials.seed,
            # By permission a member hears its own inbox alone.
            inbox_prefix=f"_INBOX_{credentials.name}",
            name=credentials.name,
            connect_timeout=_CONNECT_SECONDS,
            # Otherwise a refused login is tried again without end.
            allow_reconnect=False,
            error_cb=listen,
            closed_cb=ended,
        )
    except (TimeoutError, Error, OSError, ValueError) as error:
        raise _typed(credentials, str(error) or (said or ["no answer in time"])[-1]) from None
    try:
        yield EngineLink(client, credentials, closed)
    finally:
        await client.close()


def _trust(credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # This authority and no other: not those of the machine.
    context.load_verify_locations(cadata=credentials.authority)
    return context


def _typed(credentials: Credentials, problem: str) -> errors.SwarmError:
    if "uthorization" in problem:
        return errors.EngineRefused(problem=f"it does not know the key of {credentials.name}, or no longer")
    return errors.EngineUnreachable(url=credentials.url, problem=problem)


def administer(credentials: Credentials, work: Callable[[EngineLink], Awaitable[_Found]]) -> _Found:
    """Connect, do something, and disconnect. Raises EngineRefused, EngineUnreachable, ScaleUnavailable."""

    async def run() -> _Found:
        async with linked(credentials) as link:
            return await work(link)

    return asyncio.run(run())

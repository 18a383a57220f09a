"""Pull of messages from the queues of an engine: an order from any of several, or all results as they come."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Final

from swarm import errors
from swarm.engine.link import SECONDS, EngineLink, hold_to_cancellation

# The status of a request that no queue hears.
_NOBODY: Final = "503"
# A wave of results costs few requests.
_MOST_TOGETHER: Final = 64
_FEED_SECONDS: Final = 20.0


async def pull(link: EngineLink, stream: str, queues: Sequence[str], seconds: float, found: list[Any]) -> None:
    """Ask queues for a message at once, and add to `found` what they deliver: one message, rarely one of each queue.

    However the wait ends, also when it is cancelled, all that the engine has delivered is in `found`: it delivers an
    order once, so that a message that came in with the end of the wait must not be dropped. Raises EngineUnreachable,
    EngineRefused for a permission that is missing.
    """
    from nats.errors import Error

    waiting, answered, nobody = len(queues), asyncio.Event(), False

    async def take(message: Any) -> None:
        nonlocal waiting, nobody
        waiting -= 1
        nobody = nobody or (message.headers or {}).get("Status") == _NOBODY
        # In the place of a message the engine sends a status at the end of the time, or at once where a queue is gone.
        if message.data or not message.headers or "Status" not in message.headers:
            found.append(message)
        if found or not waiting:
            answered.set()

    asked = json.dumps({"batch": 1, "expires": int(seconds * 10**9)}).encode()
    subscriptions: list[Any] = []
    try:
        for queue in queues:
            # Each with an address of its own: a message of a queue keeps its subject, and names no request.
            inbox = link.client.new_inbox()
            subscriptions.append(await link.client.subscribe(inbox, cb=take))
            await link.client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{queue}", asked, reply=inbox)
        ends = [asyncio.ensure_future(event.wait()) for event in (answered, link.closed, link.refusals.any)]
        try:
            await asyncio.wait(ends, timeout=seconds + SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
    except (Error, OSError) as error:
        raise errors.EngineUnreachable(url=link.credentials.url, problem=str(error)) from error
    finally:
        for subscription in subscriptions:
            # The engine is asked to send no more, and what it sent before it knew that is taken.
            with suppress(Error, OSError, TimeoutError):
                await subscription.drain()
    hold_to_cancellation()
    link.refusals.hold()
    if nobody and not found:
        # A cluster that chooses a new leader says the same for a moment, so the worker asks again.
        problem = "it has no queue for a tag of this worker, or its user is in another account than the coordinator's"
        raise errors.EngineUnreachable(url=link.credentials.url, problem=problem)


async def feed(link: EngineLink, stream: str, queue: str) -> AsyncIterator[Any]:
    """Yield the messages of a queue for as long as the connection lasts. Raises EngineRefused, EngineUnreachable."""
    from nats.errors import Error

    arrived: asyncio.Queue[Any | None] = asyncio.Queue()
    inbox = link.client.new_inbox()
    request = json.dumps({"batch": _MOST_TOGETHER, "expires": int(_FEED_SECONDS * 10**9)}).encode()
    # `None` wakes who waits for a message that cannot come any more.
    ends = [asyncio.ensure_future(event.wait()) for event in (link.closed, link.refusals.any)]
    for end in ends:
        end.add_done_callback(lambda _: arrived.put_nowait(None))
    try:
        await link.client.subscribe(inbox, cb=arrived.put)
        while True:
            await link.client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{queue}", request, reply=inbox)
            async for message in _answers(link, arrived):
                yield message
    except (Error, OSError) as error:
        raise errors.EngineUnreachable(url=link.credentials.url, problem=str(error)) from error
    finally:
        for end in ends:
            end.cancel()


async def _answers(link: EngineLink, arrived: "asyncio.Queue[Any | None]") -> AsyncIterator[Any]:
    """Yield the messages that answer a request, until the engine says that it has ended, or is silent for too long."""
    for _ in range(_MOST_TOGETHER):
        try:
            async with asyncio.timeout(_FEED_SECONDS + SECONDS):
                message = await arrived.get()
        except TimeoutError:
            return
        if message is None:
            link.refusals.hold()
            raise errors.EngineUnreachable(url=link.credentials.url, problem="the connection was closed")
        if not message.data and (status := (message.headers or {}).get("Status")):
            if status == _NOBODY:
                raise errors.EngineUnreachable(url=link.credentials.url, problem="it has no queue of results")
            return
        yield message

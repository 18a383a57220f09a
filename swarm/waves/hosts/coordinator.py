"""The coordinator's side of an engine: orders sent, signs of life heard, results taken once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from swarm import errors, stage_events
from swarm.engine import messages, objects
from swarm.engine.link import EngineLink, linked
from swarm.engine.messages import WorkOrder, WorkResult, nonce_of
from swarm.engine.objects import KeptObject
from swarm.engine.place import Credentials

# A result may be on its way, and the engine may just be starting anew.
LOST_SECONDS: Final = 45.0
_LOOK_SECONDS: Final = 1.0
_WAIT_SECONDS: Final = 2.0


class Received(NamedTuple):
    """A result that belongs to an order of ours, and the message that it came in."""

    result: WorkResult
    message: Any


class Coordinator:
    """An open connection, with the orders whose results are awaited."""

    def __init__(self, link: EngineLink, run_hex: str) -> None:
        self._link = link
        self._run_hex = run_hex
        self._reader = f"coordinator-{run_hex}"
        self._awaited: dict[str, asyncio.Future[Received]] = {}
        self._signs: dict[str, float] = {}
        self._queues: set[str] = set()

    @property
    def url(self) -> str:
        """The address of the engine."""
        return self._link.credentials.url

    @property
    def seed(self) -> str:
        """The seed of the coordinator's key."""
        return self._link.credentials.seed

    async def hold_to_queue(self, tag: str) -> None:
        """Refuse to order work that no worker may take. Raises EngineNoWorker."""
        try:
            await self._link.ask(f"CONSUMER.INFO.{self._link.names.orders}.{tag}")
        except errors.EngineRefused as error:
            raise errors.EngineNoWorker(tag=tag) from error

    async def keep(self, body: bytes) -> KeptObject:
        """Keep an object for workers."""
        return await objects.put(self._link, self._link.names.base, body)

    async def send(self, order: WorkOrder) -> None:
        """Order an attempt. The engine keeps an order of the same attempt once."""
        body = messages.signed(order, self.seed)
        await self._link.keep(self._link.names.order(order.runtime), body, f"order-{order.id}")
        self._queues.add(order.runtime)

    async def end(self, order: str) -> Received | None:
        """Wait for the result of an order; return `None` for an order whose worker shows no life any more."""
        future = self.expect(order)
        while True:
            done, _ = await asyncio.wait({future}, timeout=_LOOK_SECONDS)
            if done:
                return future.result()
            seen = self._signs.get(order)
            if seen is not None and time.monotonic() - seen > LOST_SECONDS:
                return None

    def expect(self, order: str) -> asyncio.Future[Received]:
        """Await the result of an order: a result that nobody awaits is late."""
        return self._awaited.setdefault(order, asyncio.get_running_loop().create_future())

    def expect_life(self, order: str) -> None:
        """Count an order as begun: whoever works on it shows life."""
        self._signs.setdefault(order, time.monotonic())

    async def fetch(self, received: Received, kept: KeptObject | None) -> bytes | None:
        """Return the content of an object of a result. Raises ObjectCorrupt."""
        if kept is None:
            return None
        worker = received.result.worker
        return await objects.get(
            self._link, self._link.names.products, lambda rest: self._link.names.product(worker, rest), kept
        )

    async def settle(self, received: Received | None, order: str) -> None:
        """Let the engine forget an order that has its end."""
        self._awaited.pop(order, None)
        self._signs.pop(order, None)
        if received is not None:
            await self._link.acknowledge(received.message)

    async def listen(self) -> None:
        """Take results and signs of life, until this call is cancelled. Raises EngineUnreachable."""
        names = self._link.names
        await self._link.client.subscribe(names.progress("*", "*"), cb=self._sign)
        await self._link.make_reader(names.results, self._reader, names.result("*"))
        while not self._link.closed.is_set():
            message = await self._link.next(names.results, self._reader, _WAIT_SECONDS)
            if message is not None:
                await self._take(message)
            elif len(self._signs) < len(self._awaited):
                await self._expect_delivered()
        raise errors.EngineUnreachable(url=self._link.credentials.url, problem="the connection was closed")

    async def _expect_delivered(self) -> None:
        """Expect life of every order, once the engine has delivered all: one may have been lost on its way."""
        names = self._link.names
        infos = [await self._link.ask(f"CONSUMER.INFO.{names.orders}.{queue}") for queue in sorted(self._queues)]
        if not any(info["num_pending"] for info in infos):
            for order in self._awaited:
                self.expect_life(order)

    async def _sign(self, message: Any) -> None:
        order = message.subject.rpartition(".")[2]
        # The nonce: another worker could keep an order of a dead one alive.
        if message.data == nonce_of(self.seed, order).encode():
            self._signs[order] = time.monotonic()

    async def _take(self, message: Any) -> None:
        """Hand a result to who awaits it; any other is noted, and changes nothing."""
        try:
            result = messages.result_of(message.data)
        except errors.ResultForged as error:
            await self._note(message, "RESULT_FORGED", error.problem)
            return
        sender = message.subject.rpartition(".")[2]
        if result.worker != sender or result.nonce != nonce_of(self.seed, result.id):
            await self._note(message, "RESULT_FORGED", f"{sender} sent a result of {result.id}, which is not its own")
            return
        if result.id.partition("-")[0] != self._run_hex:
            # Another run's, which has a reader of its own.
            await self._link.acknowledge(message)
            return
        future = self._awaited.get(result.id)
        if future is not None and future.done():
            # Sent again by the engine while it is taken in.
            return
        if future is None:
            await self._note(message, "RESULT_LATE", f"{sender} sent a result of {result.id}, which nobody awaits")
            return
        future.set_result(Received(result, message))

    async def _note(self, message: Any, code: str, problem: str) -> None:
        stage_events.emit("result_refused", code=code, problem=problem)
        await self._link.acknowledge(message)


@asynccontextmanager
async def coordinating(credentials: Credentials, run_hex: str) -> AsyncIterator[Coordinator]:
    """Connect as the coordinator of a run. Raises EngineRefused, EngineUnreachable, ScaleUnavailable."""
    async with linked(credentials) as link:
        await link.make_streams()
        yield Coordinator(link, run_hex)

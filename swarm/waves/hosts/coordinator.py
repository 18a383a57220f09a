"""The coordinator's side of an engine: orders sent, signs of life heard, and each order ended once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from swarm import errors, stage_events
from swarm.documents import parse_bounded
from swarm.engine import messages, objects, queues, streams
from swarm.engine.access import Access
from swarm.engine.link import EngineLink, hold_to_cancellation, linked
from swarm.engine.messages import WorkOrder, cancel_of, nonce_of
from swarm.engine.objects import KeptObject
from swarm.engine.pull import feed
from swarm.engine.queues import OrderPlace
from swarm.store.attempts import Ending
from swarm.waves.hosts.buckets import Buckets
from swarm.waves.hosts.lives import Lives
from swarm.waves.hosts.received import Received, place_of, received
from swarm.waves.hosts.waiting import WaitingMessages

_LOOK_SECONDS: Final = 1.0
# Of a flood of signs the engine's client drops the rest: the next sign says the same.
_MOST_SIGNS: Final = 20_000
_MOST_SIGN_BYTES: Final = 16 << 20
_LEAST_SECONDS: Final = 0.5
_CANCELLED: Final = Ending("killed", 3, error_code="CANCELLED", error_fragment="the launch was cancelled")
UNCONFIRMED: Final = _CANCELLED._replace(
    error_fragment="the launch was cancelled; no worker has confirmed that the agent was ended"
)

# Takes what a worker shows of an order: the order, the worker, and the last event of the agent, if there is any.
Heard = Callable[[str, str, Mapping[str, Any] | None], None]


class Coordinator:
    """An open connection, with the orders whose ends are awaited."""

    def __init__(self, link: EngineLink, access: Access, run_hex: str, heard: Heard) -> None:
        self._link = link
        self._access = access
        self._heard = heard
        self._run_hex = run_hex
        self._reader = f"coordinator-{run_hex}"
        self._note_reader = f"notes-{run_hex}"
        self._results = WaitingMessages(link, self._reader)
        self._notes = WaitingMessages(link, self._note_reader)
        self.buckets = Buckets(link, run_hex)
        self._awaited: dict[str, asyncio.Future[Received | Ending]] = {}
        self._lives = Lives(access.lease_seconds)
        # Of results: their places in the stream.
        self._settled: set[int] = set()
        self._warned: set[str] = set()
        self._places: dict[str, OrderPlace] = {}
        self._looked_at: dict[tuple[str, str], float] = {}

    @property
    def url(self) -> str:
        """The address of the engine."""
        return self._link.credentials.url

    @property
    def seed(self) -> str:
        """The seed of the coordinator's key."""
        return self._link.credentials.seed

    @property
    def access(self) -> Access:
        """The access to the engine, with the limits of its orders."""
        return self._access

    async def tag_of(self, tags: Sequence[str]) -> str:
        """Return the first tag with a connected worker, else the first with an invited one. Raises EngineNoWorker.

        Orders without a connected worker wait: workers may be started later, by a scheduler.
        """
        found = await queues.queues_of(self._link)
        known = [tag for tag in tags if tag in found]
        if not known:
            there = f"it has workers for {', '.join(found)}" if found else "no worker was invited"
            raise errors.EngineNoWorker(tag=tags[0], there=there)
        tag = next((tag for tag in known if found[tag].has_worker), known[0])
        if not found[tag].has_worker and tag not in self._warned:
            self._warned.add(tag)
            others = ", ".join(name for name, queue in found.items() if queue.has_worker) or "none"
            message = f"no worker with the tag {tag} is connected, its orders wait; connected are: {others}"
            stage_events.emit("orders_wait", tag=tag, message=message)
        # The lease is the coordinator's to choose, and a queue may have that of an earlier launch.
        await streams.make_queue(self._link, tag, self._access.lease_seconds)
        return tag

    async def keep(self, body: bytes) -> KeptObject:
        """Keep an object for workers."""
        return await objects.put(self._link, self._link.names.base, body)

    async def send(self, order: WorkOrder, tag: str) -> OrderPlace:
        """Order an attempt, and return its place. The engine keeps an order of the same attempt once."""
        body = messages.signed(order, self.seed)
        number = await self._link.keep(self._link.names.order(tag), body, f"order-{order.id}")
        place = self._places[order.id] = OrderPlace(number, tag)
        return place

    async def places(self) -> dict[str, OrderPlace]:
        """Return the places of all orders of this coordinator that are not finished."""
        return await queues.orders_in(self._link)

    def expect(self, order: str, place: OrderPlace | None = None) -> asyncio.Future[Received | Ending]:
        """Await the end of an order: a result that nobody awaits is late."""
        if place is not None:
            self._places[order] = place
        return self._awaited.setdefault(order, asyncio.get_running_loop().create_future())

    async def cancel(self, orders: Collection[str]) -> None:
        """Cancel orders: workers end their agents, and orders that nobody took are deleted.

        Workers look for the kept message when they take an order, so that none begins after it.
        """
        await queues.keep_cancellations(self._link, {order: cancel_of(nonce_of(self.seed, order)) for order in orders})
        await self.withdraw(_CANCELLED)
        self._lives.end_soon(orders, UNCONFIRMED)

    async def withdraw(self, ending: Ending) -> None:
        """End the orders that no worker has taken, and delete them."""
        before = await queues.queues_of(self._link)
        waiting = {order: self._places[order] for order in self._pending() if order in self._places}
        waiting = {
            order: at for order, at in waiting.items() if at.tag in before and at.number > before[at.tag].delivered
        }
        await queues.delete(self._link, *(place.number for place in waiting.values()))
        # An order that was taken meanwhile has a worker, whose result counts.
        after = await queues.queues_of(self._link) if waiting else {}
        for order, place in waiting.items():
            if place.number > after[place.tag].delivered:
                self._end(order, ending)

    async def fetch(self, end: Received, folder: Path) -> dict[str, Path]:
        """Write the objects of a result to files of a folder, and return them by their names. Raises ObjectCorrupt."""
        return await end.save(self._link, folder)

    async def settle(self, order: str, end: Received | Ending, *, keeps_objects: bool = False) -> None:
        """Let the engine forget an order whose attempt is closed, and the objects of its result."""
        place, note = self._places.pop(order, None), self._lives.forget(order)
        self._awaited.pop(order, None)
        if isinstance(end, Received):
            self._settled.add(place_of(end.message))
            await self.buckets.settle(end, keeps=keeps_objects)
            await self._results.settle(end.message)
        # Also where its worker sent a result: one that died before it ended the order would leave it for ever.
        if place is not None:
            await queues.delete(self._link, place.number)
        if note is not None:
            await self._notes.settle(note)

    async def listen(self) -> None:
        """Take results, signs of life and notes, until this call is cancelled. Raises EngineUnreachable."""
        names, subscribe = self._link.names, self._link.client.subscribe
        bounds = {"pending_msgs_limit": _MOST_SIGNS, "pending_bytes_limit": _MOST_SIGN_BYTES}
        await subscribe(names.progress("*", "*"), cb=self._sign, **bounds)
        await subscribe(names.cancel("*"), cb=self._cancelled)
        # Those that another call cancelled before this one heard of it.
        for order, body in await queues.cancellations(self._link, self._pending()):
            self._end_cancelled(order, body)
        await streams.make_reader(self._link, names.results, self._reader, names.result("*"))
        await streams.make_reader(self._link, names.results, self._note_reader, names.notes)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(self._reader, self._take))
                group.create_task(self._read(self._note_reader, self._note))
                group.create_task(self._results.show_progress())
                group.create_task(self._notes.show_progress())
                group.create_task(self._watch_time())
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def results_are_drained(self) -> bool:
        """Say whether every result that the engine keeps has come to this coordinator, and not to one that died."""
        return await self._results.are_all()

    async def _read(self, reader: str, take: Callable[[Any], Any]) -> None:
        async for message in feed(self._link, self._link.names.results, reader):
            await take(message)
            hold_to_cancellation()

    async def _watch_time(self) -> None:
        """End orders whose time has come, and those whose worker shows no life."""
        looked = time.monotonic()
        while True:
            hold_to_cancellation()
            await asyncio.sleep(_LOOK_SECONDS)
            before, looked = looked, time.monotonic()
            # After a time in which this process stood still, the signs of that time are still to be read.
            self._lives.excuse(max(0.0, looked - before - 2 * _LOOK_SECONDS))
            if not all(map(self._lives.is_expected, self._pending())):
                await self._expect_delivered()
            await self._end_lost()

    async def _end_lost(self) -> None:
        """End the orders that are over, once all results are here: a worker shows no more life after its result."""
        over = {order: end for order in self._pending() if (end := self._lives.ending_of(order)) is not None}
        if over and await self.results_are_drained():
            for order, ending in over.items():
                self._end(order, ending)

    async def _expect_delivered(self) -> None:
        """Expect life of every order that the engine has delivered; an order without a place is still to be sent."""
        found = await queues.queues_of(self._link)
        for order in self._pending():
            place = self._places.get(order)
            if place is not None and (place.tag not in found or place.number <= found[place.tag].delivered):
                self._lives.expect(order)

    def _pending(self) -> list[str]:
        return [order for order, future in self._awaited.items() if not future.done()]

    def _end(self, order: str, end: Received | Ending) -> None:
        future = self._awaited.get(order)
        if future is not None and not future.done():
            future.set_result(end)

    async def _sign(self, message: Any) -> None:
        worker, order = message.subject.split(".")[-2:]
        moment = time.monotonic()
        if order not in self._awaited or moment < self._looked_at.get((worker, order), 0.0) + _LEAST_SECONDS:
            return
        self._looked_at[worker, order] = moment
        with suppress(errors.ResultForged):
            sign = messages.progress_of(message.data)
            # The nonce: another worker could keep an order of a dead one alive.
            if sign.nonce == nonce_of(self.seed, order):
                self._lives.sign(order)
                self._heard(order, worker, sign.event)

    async def _cancelled(self, message: Any) -> None:
        """End an order that another call of this coordinator has cancelled."""
        self._end_cancelled(message.subject.rpartition(".")[2], message.data)

    def _end_cancelled(self, order: str, body: bytes | None) -> None:
        if body == cancel_of(nonce_of(self.seed, order)):
            self._lives.end_soon([order], UNCONFIRMED)

    async def _note(self, message: Any) -> None:
        """Take a note of the engine: an order was delivered and not finished in its lease, or its worker ended it."""
        with suppress(errors.SwarmError, KeyError, TypeError, ValueError):
            number = int(parse_bounded(message.data, "note")["stream_seq"])
            order = next((order for order, place in self._places.items() if place.number == number), None)
            if order is None and (found := await queues.order_at(self._link, number)) is not None:
                order = found.id
            if order in self._awaited:
                # Acknowledged once the attempt is closed: a coordinator that dies before gets the note again.
                self._notes.add(message)
                self._lives.note(order, message)
                return
            if order is not None and order.partition("-")[0] == self._run_hex:
                await queues.delete(self._link, number)
        await self._link.acknowledge(message)

    async def _take(self, message: Any) -> None:
        """Hand a result to who awaits it; any other is noted once, and changes nothing."""
        if place_of(message) in self._settled:
            # Sent again by the engine while it was settled.
            await self._link.acknowledge(message)
            return
        try:
            found = received(message, self.seed)
        except errors.ResultForged as error:
            await self._refuse(message, "RESULT_FORGED", error.problem)
            return
        order = found.result.id
        if order.partition("-")[0] != self._run_hex:
            # Another run's, which has a reader of its own.
            await self._link.acknowledge(message)
            return
        future = self._awaited.get(order)
        if future is None:
            await self.buckets.settle(found)
        if future is None or (future.done() and found.is_another_than(future.result())):
            problem = f"{found.result.worker} sent a result of {order}, which nobody awaits"
            await self._refuse(message, "RESULT_LATE", problem)
        elif not future.done():
            self._results.add(message)
            future.set_result(found)

    async def _refuse(self, message: Any, code: str, problem: str) -> None:
        stage_events.emit("result_refused", code=code, problem=problem)
        self._settled.add(place_of(message))
        await self._link.acknowledge(message)


@asynccontextmanager
async def coordinating(access: Access, run_hex: str, heard: Heard) -> AsyncIterator[Coordinator]:
    """Connect as the coordinator of a run; `heard` takes what workers show.

    Raises EngineRefused, EngineUnreachable, ScaleUnavailable.
    """
    async with linked(access.credentials) as link:
        await streams.make_streams(link)
        yield Coordinator(link, access, run_hex, heard)

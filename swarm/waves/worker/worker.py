"""`worker`: take orders from an engine, work on them here, and send their results."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors, stage_events
from swarm.config import Config
from swarm.engine import messages, objects
from swarm.engine.link import EngineLink, linked
from swarm.engine.messages import WorkOrder, WorkResult
from swarm.engine.objects import KeptObject
from swarm.engine.place import Credentials
from swarm.git.runner import GitError
from swarm.rules.agent_events import AgentEvent
from swarm.runtimes.child import finish
from swarm.store.attempts import Ending
from swarm.waves.worker.ground import bring_base, repository_for
from swarm.waves.worker.work import Done, done, not_started

_WAIT_SECONDS: Final = 1.0
_LONG_SECONDS: Final = 20.0
_SIGN_SECONDS: Final = 5.0
_PAUSE: Final = 2.0
_SIGN_OF_LIFE: Final = b"+WPI"


class Served(NamedTuple):
    """The orders that a worker took until it ended."""

    orders: int


class _Worker:
    """Slots that share a cache and a configuration."""

    def __init__(self, credentials: Credentials, config: Config, cache: Path, most: int | None) -> None:
        self._credentials = credentials
        self._config = config
        self._cache = cache
        self._left = most
        self.taken = 0

    async def serve(self, slots: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(slots):
                group.create_task(self._slot())

    async def _slot(self) -> None:
        """Take orders one after the other; a lost connection is made again, a refused one ends the worker."""
        while self._left is None or self._left > 0:
            try:
                async with linked(self._credentials) as link:
                    await self._orders(link)
            except errors.EngineUnreachable as error:
                stage_events.emit("engine_unreachable", problem=error.message)
                await asyncio.sleep(_PAUSE)

    async def _orders(self, link: EngineLink) -> None:
        while not link.closed.is_set():
            for tag in self._credentials.tags:
                if self._left is not None and self._left <= 0:
                    return
                # Short where the next tag waits for its turn, or the end is near.
                is_short = len(self._credentials.tags) > 1 or self._left is not None
                message = await link.next(link.names.orders, tag, _WAIT_SECONDS if is_short else _LONG_SECONDS)
                if message is not None:
                    self.taken += 1
                    self._left = None if self._left is None else self._left - 1
                    await self._order(link, message)
        raise errors.EngineUnreachable(url=self._credentials.url, problem="the connection was closed")

    async def _order(self, link: EngineLink, message: Any) -> None:
        try:
            order = messages.order_of(message.data, self._credentials.coordinator)
        except errors.ResultForged as error:
            stage_events.emit("order_refused", problem=error.message)
            return
        stage_events.emit("order_taken", order=order.id, domain=order.domain, runtime=order.runtime)
        signs = asyncio.create_task(self._show_life(link, message.reply, order))
        try:
            found = await self._work(link, order)
        except asyncio.CancelledError:
            stopped = Ending("killed", 3, error_code="WORKER_STOPPED", error_fragment="its worker was stopped")
            await self._send(link, order, Done(stopped))
            raise
        finally:
            signs.cancel()
        await self._deliver(link, order, found)
        # After the result: an order that is gone without a result would be an attempt that nobody hears of.
        await link.acknowledge(message)
        stage_events.emit("order_done", order=order.id, outcome=found.ending.outcome)

    async def _work(self, link: EngineLink, order: WorkOrder) -> Done:
        try:
            if not repository_for(self._cache, order).exists():
                pack = await objects.get(link, link.names.bases, link.names.base, order.base)
                bring_base(self._cache, order, pack)
            prompt = await objects.get(link, link.names.bases, link.names.base, order.prompt)
        except (errors.SwarmError, GitError, OSError) as error:
            return not_started(error)
        return await done(self._cache, order, prompt.decode("utf-8", "replace"), self._config, _pass)

    async def _show_life(self, link: EngineLink, reply: str, order: WorkOrder) -> None:
        """Say that an order is worked on: to the engine, which holds the order, and to the coordinator."""
        while True:
            with suppress(Exception):
                await link.client.publish(reply, _SIGN_OF_LIFE)
                await link.client.publish(link.names.progress(self._credentials.name, order.id), order.nonce.encode())
                await link.client.flush()
            await asyncio.sleep(_SIGN_SECONDS)

    async def _deliver(self, link: EngineLink, order: WorkOrder, found: Done) -> None:
        """Send a result, by another connection where this one is lost, until the engine keeps it."""
        try:
            await self._send(link, order, found)
        except errors.EngineUnreachable:
            while True:
                await asyncio.sleep(_PAUSE)
                with suppress(errors.EngineUnreachable):
                    async with linked(self._credentials) as other:
                        await self._send(other, order, found)
                        return

    async def _send(self, link: EngineLink, order: WorkOrder, found: Done) -> None:
        name = self._credentials.name

        async def keep(body: bytes | None) -> KeptObject | None:
            return None if body is None else await objects.put(link, lambda rest: link.names.product(name, rest), body)

        result = WorkResult(
            id=order.id,
            nonce=order.nonce,
            worker=name,
            ending=found.ending._asdict(),
            answer=await keep(found.answer),
            work=await keep(found.work),
            stdout=await keep(found.stdout),
            stderr=await keep(found.stderr),
            untaken=found.untaken,
        )
        await link.keep(link.names.result(name), messages.result_text(result), f"result-{order.id}")


def _pass(event: AgentEvent) -> None:
    """Pass over an event: the coordinator gets the logs with the result."""
    del event


def worker(credentials: Credentials, config: Config, *, slots: int, cache: Path, most: int | None = None) -> Served:
    """Serve an engine in the foreground until a signal, or until `most` orders were taken.

    Raises EngineRefused where its credentials are refused, KeyboardInterrupt after a signal.
    """
    serving = _Worker(credentials, config, cache, most)
    finish(serving.serve(slots))
    return Served(serving.taken)

"""`worker`: take orders from an engine, work on them here, and send their results."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from swarm import errors, stage_events
from swarm.config import Config
from swarm.engine import messages, objects
from swarm.engine.link import EngineLink, hold_to_cancellation, linked
from swarm.engine.place import Credentials
from swarm.engine.pull import pull
from swarm.git.runner import GitError
from swarm.runtimes.child import finish
from swarm.waves.worker.aside import aside
from swarm.waves.worker.bases import Bases
from swarm.waves.worker.done import Done, not_started
from swarm.waves.worker.resting_tags import RestingTags
from swarm.waves.worker.taken_order import TakenOrder, moment
from swarm.waves.worker.work import done

_WAIT_SECONDS: Final = 20.0
_PAUSE: Final = 2.0
_MOMENT: Final = 0.1


class _Worker:
    """Slots that share a cache, a configuration, and the orders that nobody of them works on yet."""

    def __init__(
        self, credentials: Credentials, tags: Sequence[str], config: Config, cache: Path, most: int | None
    ) -> None:
        self._credentials = credentials
        self._tags = RestingTags(tags)
        self._config = config
        self._bases = Bases(cache)
        self._most = most
        self._waiting = 0
        # A second tag may deliver in the moment in which the first does.
        self._kept = deque[TakenOrder]()
        self._nonces = set[str]()
        self.taken = 0

    @property
    def _may_take(self) -> bool:
        return self._most is None or self.taken + self._waiting < self._most

    async def serve(self, slots: int) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(slots):
                    group.create_task(self._slot())
        finally:
            while self._kept:
                await self._kept.popleft().stop()

    async def _slot(self) -> None:
        """Take orders one after the other; a lost connection is made again, a refused one ends the worker."""
        while self._kept or self._may_take:
            try:
                async with linked(self._credentials) as link:
                    await self._orders(link)
            except errors.EngineUnreachable as error:
                stage_events.emit("engine_unreachable", problem=error.message)
                await asyncio.sleep(_PAUSE)

    async def _orders(self, link: EngineLink) -> None:
        while self._kept or self._may_take:
            hold_to_cancellation()
            if link.closed.is_set():
                raise errors.EngineUnreachable(url=self._credentials.url, problem="the connection was closed")
            if self._kept:
                await self._order(self._kept.popleft())
            else:
                await self._pull(link)

    async def _pull(self, link: EngineLink) -> None:
        """Wait for orders, and keep what comes, also where this wait is cancelled."""
        found: list[Any] = []
        asked = moment()
        if not (awake := self._tags.awake):
            await asyncio.sleep(min(self._tags.seconds, _WAIT_SECONDS))
            return
        self._waiting += 1
        try:
            await pull(link, link.names.orders, awake, _WAIT_SECONDS, found)
        finally:
            self._waiting -= 1
            self.taken += len(found)
            for message in found:
                await self._keep(link, message, asked)
        if not found:
            # An engine that refuses at once must not be asked in a circle.
            await asyncio.sleep(_MOMENT)

    async def _keep(self, link: EngineLink, message: Any, asked: float) -> None:
        try:
            order = messages.order_of(message.data, self._credentials.coordinator)
            # An attempt costs money, and an engine that lost its memory may deliver an order again.
            if order.nonce in self._nonces:
                raise errors.ResultForged(problem=f"order {order.id} was delivered before")
        except errors.ResultForged as error:
            stage_events.emit("order_refused", problem=error.message)
            # What came beside it must be kept, also where the connection has just ended.
            with suppress(errors.EngineUnreachable):
                await link.reject(message)
            return
        self._nonces.add(order.nonce)
        stage_events.emit("order_taken", order=order.id, domain=order.domain, runtime=order.runtime)
        self._kept.append(TakenOrder(self._credentials, link, message, order, asked=asked))

    async def _order(self, taken: TakenOrder) -> None:
        try:
            found = await taken.end_of(self._work(taken))
            self._tags.ended(taken.tag, found.ending)
            await taken.deliver(found)
        except (asyncio.CancelledError, errors.EngineRefused):
            await taken.stop()
            raise

    async def _work(self, taken: TakenOrder) -> Done:
        order = taken.order

        async def bring(link: EngineLink) -> bytes:
            if not self._bases.holds(order):
                pack = await objects.get(link, link.names.bases, link.names.base, order.base)
                await aside(lambda: self._bases.bring(order, pack))
            return await objects.get(link, link.names.bases, link.names.base, order.prompt)

        try:
            prompt = await taken.over(bring)
            # No agent is begun for an order that ended meanwhile: nobody would show that it lives.
            hold_to_cancellation()
        except (errors.SwarmError, GitError, OSError) as error:
            return not_started(error)
        return await done(self._bases, taken, prompt.decode("utf-8", "replace"), self._config)


def worker(
    credentials: Credentials,
    config: Config,
    *,
    slots: int,
    cache: Path,
    tags: Sequence[str] = (),
    most: int | None = None,
) -> int:
    """Serve an engine in the foreground until a signal, or until `most` orders were taken; return how many were.

    It takes orders of all tags that it was invited for, or of some. Raises EngineRefused where its credentials are
    refused or lack a tag, KeyboardInterrupt after a signal.
    """
    for tag in tags:
        if tag not in credentials.tags:
            invited = ", ".join(credentials.tags)
            problem = f"{credentials.name} was not invited for the tag {errors.shortened(tag)}, but for: {invited}"
            raise errors.EngineRefused(problem=problem)
    serving = _Worker(credentials, tuple(dict.fromkeys(tags)) or credentials.tags, config, cache, most)
    finish(serving.serve(slots))
    return serving.taken

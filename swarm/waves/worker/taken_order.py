"""An order that was delivered to a worker: signs of life from then on, and its result."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

from swarm import errors, stage_events
from swarm.engine import messages, objects
from swarm.engine.link import IN_PROGRESS, EngineLink, linked
from swarm.engine.messages import WorkOrder, WorkResult
from swarm.engine.objects import KeptObject
from swarm.engine.place import Credentials
from swarm.engines_config import GRACE_SECONDS
from swarm.store.attempts import Ending
from swarm.waves.worker.done import STOPPED, Done, worker_failed
from swarm.waves.worker.progress import Progress, used_document

# At most as long as the coordinator waits for a sign: then it has closed the attempt.
LEASE_SECONDS: Final = 45.0
SIGN_SECONDS: Final = 5.0
_PAUSE: Final = 2.0
_CANCELLED: Final = Ending("killed", 3, error_code="CANCELLED", error_fragment="the launch was cancelled")
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def moment() -> float:
    """Return the seconds of a clock that goes on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


_Found = TypeVar("_Found")


class TakenOrder:
    """An order with the connection that it came by, which alone may answer the engine about it.

    `asked` is when its worker asked for orders: one that was stopped since then has lost the lease before it began.
    """

    def __init__(
        self, credentials: Credentials, link: EngineLink, message: Any, order: WorkOrder, *, asked: float
    ) -> None:
        self.order = order
        self.progress = Progress(order.nonce)
        self.link = link
        self._credentials = credentials
        self._message = message
        self._shown = asked
        # Logs of an agent that is ended before its work is done, and what it had used.
        self.left: Done | None = None
        self._cancelled = asyncio.Event()
        self._is_told_full = False
        self._lease = min(LEASE_SECONDS, order.lease_seconds + GRACE_SECONDS)
        self._signs = asyncio.create_task(self._show_life())

    @property
    def tag(self) -> str:
        """The tag of the queue that the order came by."""
        return str(self._message.subject).rpartition(".")[2]

    async def end_of(self, work: Coroutine[Any, Any, Done]) -> Done:
        """Return the end of the work on the order, which is ended once nobody waits for its result any more.

        A bug ends the order, and not its worker. Raises EngineRefused where the credentials were revoked meanwhile.
        """
        working = asyncio.ensure_future(work)
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({working, self._signs, cancelled}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancelled.cancel()
            if not working.done():
                working.cancel()
                await asyncio.wait({working})
        if not working.cancelled():
            error = working.exception()
            return working.result() if error is None else self._failed(error)
        if self._cancelled.is_set():
            stage_events.emit("order_cancelled", order=self.order.id)
            return self._ended(_CANCELLED)
        self._signs.result()
        stage_events.emit("lease_lost", order=self.order.id)
        words = f"no sign of life of its worker reached the engine for {self._lease:.0f} s, so it ended the agent"
        return self._ended(Ending("killed", 3, error_code="WORKER_LOST", error_fragment=words))

    def _ended(self, ending: Ending) -> Done:
        return Done(ending) if self.left is None else self.left._replace(ending=ending)

    def _failed(self, error: BaseException) -> Done:
        """Return the end of an order that its worker failed by a bug. Raises EngineRefused."""
        if isinstance(error, errors.EngineRefused):
            raise error
        stage_events.emit("order_failed", order=self.order.id, problem=f"{type(error).__name__}: {error}")
        ending, trace = worker_failed(error)
        left = self._ended(ending)
        return left._replace(stderr=left.stderr + trace)

    async def deliver(self, found: Done) -> None:
        """Send the result, by another connection where this one is lost, until the engine keeps it.

        A result that cannot be made a message ends the order as failed, and not its worker. Raises EngineRefused.
        """
        (error,) = await asyncio.gather(self.over(lambda link: self._send(link, found)), return_exceptions=True)
        if error is not None:
            found = self._failed(error)
            await self.over(lambda link: self._send(link, found))
        self._signs.cancel()
        # After the result: an order that is gone without a result would be an attempt that nobody hears of.
        with suppress(errors.EngineUnreachable):
            await self.link.acknowledge(self._message)
            # Nothing more: the engine says what it refuses before it answers that it has all.
            await self.link.tell(())
        stage_events.emit("order_done", order=self.order.id, outcome=found.ending.outcome)

    async def stop(self) -> None:
        """Send that this worker was stopped, if the engine can still be reached."""
        self._signs.cancel()
        with suppress(errors.SwarmError):
            await self._send(self.link, self._ended(STOPPED))
            await self.link.acknowledge(self._message)

    async def over(self, act: Callable[[EngineLink], Coroutine[Any, Any, _Found]]) -> _Found:
        """Do something by the order's connection, or by others where that is lost, until the engine answers.

        Raises EngineRefused.
        """
        with suppress(errors.EngineFull, errors.EngineUnreachable):
            return await act(self.link)
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                async with linked(self._credentials) as other:
                    return await act(other)
            except errors.EngineFull as error:
                self._tell_full(error)
            except errors.EngineUnreachable:
                continue

    def _tell_full(self, error: errors.EngineFull) -> None:
        """Report once that the result waits for room."""
        if not self._is_told_full:
            self._is_told_full = True
            stage_events.emit("engine_full", order=self.order.id, code=error.code, problem=error.message)

    async def _show_life(self) -> None:
        """Say that the order is worked on, by one connection after the other, until the lease is lost.

        Raises EngineRefused.
        """
        await self._signs_by(self.link, self._message.reply)
        while not self._is_lost:
            with suppress(errors.EngineUnreachable):
                async with linked(self._credentials) as other:
                    # The engine takes signs of an order from the connection that it was given to, and from no other.
                    await self._signs_by(other, None)
            await asyncio.sleep(_PAUSE)

    async def _signs_by(self, link: EngineLink, reply: str | None) -> None:
        """Show life to the engine, which holds the order, and to the coordinator, as long as a connection lasts."""
        hearing = asyncio.create_task(self._hear(link))
        try:
            while not link.closed.is_set() and not self._is_lost:
                progress = link.names.progress(self._credentials.name, self.order.id)
                signs = [(progress, messages.progress_text(self.progress.sign))]
                with suppress(errors.EngineUnreachable):
                    await link.tell(signs if reply is None else [(reply, IN_PROGRESS), *signs])
                    self._shown = moment()
                await self.progress.news(min(SIGN_SECONDS, self.order.lease_seconds / 3))
        finally:
            # The next order of the slot has the same connection.
            hearing.cancel()

    async def _hear(self, link: EngineLink) -> None:
        """Hear whether the coordinator cancels the order, or has cancelled it before it was taken."""

        def hear(body: bytes) -> None:
            # The coordinator alone may write there, and it alone knows the nonce besides this worker.
            if body == messages.cancel_of(self.order.nonce):
                self._cancelled.set()

        # A refused permission is raised by the next sign of life.
        with suppress(errors.EngineRefused, errors.EngineUnreachable):
            async with link.hearing(link.names.bases, link.names.cancel(self.order.id), hear):
                await asyncio.Event().wait()

    @property
    def _is_lost(self) -> bool:
        return moment() - self._shown > self._lease

    async def _send(self, link: EngineLink, found: Done) -> None:
        name, order = self._credentials.name, self.order

        async def keep(body: bytes | None) -> KeptObject | None:
            if body is None:
                return None
            return await objects.put(link, lambda rest: link.names.product_of(name, order.id, rest), body)

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
            events=await keep(found.events),
            used=used_document(found.used),
        )
        # The nonce in the id: another worker that knew the id could send it first, and this result would be dropped.
        await link.keep(link.names.result(name), messages.result_text(result), f"result-{order.nonce}")

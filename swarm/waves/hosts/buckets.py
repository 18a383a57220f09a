"""Buckets of workers: the objects of results that were taken in are deleted, so that there is room for others."""

from contextlib import suppress
from typing import Final

from swarm import errors
from swarm.engine.link import EngineLink
from swarm.engine.subjects import PIECE
from swarm.waves.hosts.received import Received

# Each deletion costs the engine some milliseconds, whatever it deletes.
_LEAST_BYTES: Final = 8 * PIECE


class Buckets:
    """The workers whose objects are of no use any more: large objects are deleted at once, others with the launch."""

    def __init__(self, link: EngineLink, run_hex: str) -> None:
        self._link = link
        self._run_hex = run_hex
        self._done: set[str] = set()
        self._kept: set[str] = set()

    async def settle(self, end: Received, *, keeps: bool = False) -> None:
        """Take note that the objects of a result are of no use, or are to be kept. Raises EngineUnreachable."""
        worker, order = end.result.worker, end.result.id
        if keeps:
            self._kept.add(worker)
        elif sum(kept.size for kept in end.result.objects.values()) > _LEAST_BYTES:
            await self._delete(worker, self._link.names.product_of(worker, order, ">"))
        else:
            self._done.add(worker)

    async def clear(self) -> None:
        """Delete the objects of the run, once none of its orders is open: those of a worker together."""
        for worker in self._done - self._kept:
            # What is left is deleted with the run's next launch, or after a week.
            with suppress(errors.SwarmError):
                await self._delete(worker, self._link.names.product(worker, f"{self._run_hex}.>"))

    async def _delete(self, worker: str, subject: str) -> None:
        await self._link.ask(f"STREAM.PURGE.{self._link.names.bucket(worker)}", {"filter": subject})

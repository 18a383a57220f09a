"""Results as they come from workers: none of them is believed before it has shown whose it is."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from swarm import errors
from swarm.engine import messages, objects
from swarm.engine.link import EngineLink
from swarm.engine.messages import WorkResult, nonce_of


def place_of(message: Any) -> int:
    """Return the place of a message in its stream, which stays where the engine delivers it again."""
    return int(message.metadata.sequence.stream)


class Received(NamedTuple):
    """A result of an order of this coordinator's, and the message that it came in."""

    result: WorkResult
    message: Any

    def is_another_than(self, end: object) -> bool:
        """Say whether an order has ended by another result; the engine may send the same result again."""
        return isinstance(end, Received) and place_of(end.message) != place_of(self.message)

    async def save(self, link: EngineLink, folder: Path) -> dict[str, Path]:
        """Write the objects of the result to files of a folder, and return them by their names. Raises ObjectCorrupt.

        By way of files: a result may be larger than what this process should hold.
        """
        bucket, found = link.names.bucket(self.result.worker), {}
        for name, kept in self.result.objects.items():
            found[name] = folder / name
            await objects.save(link, bucket, partial(self._piece, link), kept, found[name])
        return found

    def _piece(self, link: EngineLink, rest: str) -> str:
        return link.names.product_of(self.result.worker, self.result.id, rest)


def received(message: Any, seed: str) -> Received:
    """Return the result of a message, sent by the worker that has its order. Raises ResultForged."""
    result = messages.result_of(message.data)
    sender = message.subject.rpartition(".")[2]
    if result.worker != sender or result.nonce != nonce_of(seed, result.id):
        raise errors.ResultForged(problem=f"{sender} sent a result of {result.id}, which is not its own")
    return Received(result, message)

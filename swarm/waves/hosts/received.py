"""Results as they come from workers: none of them is believed before it has shown whose it is."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from swarm import errors
from swarm.engine import messages, objects
from swarm.engine.link import EngineLink
from swarm.engine.messages import WorkResult, nonce_of


class Received(NamedTuple):
    """A result of an order of this coordinator's, and the message that it came in."""

    result: WorkResult
    message: Any

    @property
    def place(self) -> int:
        """The place of the message in its stream, which stays where the engine delivers it again."""
        return int(self.message.metadata.sequence.stream)

    async def save(self, link: EngineLink, folder: Path) -> dict[str, Path]:
        """Write the objects of the result to files of a folder, and return them by their names. Raises ObjectCorrupt.

        By way of files: a result may be larger than what this process should hold.
        """
        product = partial(link.names.product, self.result.worker)
        found = {}
        for name, kept in self.result.objects.items():
            found[name] = folder / name
            await objects.save(link, link.names.products, product, kept, found[name])
        return found


def received(message: Any, seed: str) -> Received:
    """Return the result of a message, sent by the worker that has its order. Raises ResultForged."""
    result = messages.result_of(message.data)
    sender = message.subject.rpartition(".")[2]
    if result.worker != sender or result.nonce != nonce_of(seed, result.id):
        raise errors.ResultForged(problem=f"{sender} sent a result of {result.id}, which is not its own")
    return Received(result, message)

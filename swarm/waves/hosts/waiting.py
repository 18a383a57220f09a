"""Messages that wait at the coordinator, such as results behind one that is judged: kept from coming again.

The engine delivers again what is not acknowledged in five seconds, and prefers it to new messages: once results wait
for longer, no other result would come, and the orders of those would count as lost.
"""

import asyncio
from typing import Any, Final

from swarm.engine.link import EngineLink, hold_to_cancellation
from swarm.waves.hosts.received import place_of

_SIGN_SECONDS: Final = 1.0


class WaitingMessages:
    """The messages of a queue of results that were delivered here, and are not acknowledged yet."""

    def __init__(self, link: EngineLink, queue: str) -> None:
        self._link = link
        self._queue = queue
        # By their places in the stream: a message that was delivered again is the same.
        self._held: dict[int, Any] = {}

    def add(self, message: Any) -> None:
        """Hold a message until it is settled."""
        self._held[place_of(message)] = message

    async def settle(self, message: Any) -> None:
        """Let the engine forget a message. Raises EngineUnreachable."""
        self._held.pop(place_of(message), None)
        await self._link.acknowledge(message)

    async def show_progress(self) -> None:
        """Tell the engine again and again that all messages that wait are worked on. Raises EngineUnreachable."""
        while True:
            hold_to_cancellation()
            await asyncio.sleep(_SIGN_SECONDS)
            for message in list(self._held.values()):
                await self._link.in_progress(message)

    async def are_all(self) -> bool:
        """Say whether every message that the engine keeps has come here, and not to a coordinator that died."""
        info = await self._link.ask(f"CONSUMER.INFO.{self._link.names.results}.{self._queue}")
        return bool(info["num_pending"] == 0 and info["num_ack_pending"] <= len(self._held))

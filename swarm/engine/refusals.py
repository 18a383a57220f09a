"""Permissions that a server refused to a connection: its client shows each as an answer that does not come."""

import asyncio
import re
from typing import Final

from swarm import errors

# The words of nats-server; its client writes them in small letters.
_REFUSED: Final = re.compile(r'permissions violation for (publish|subscription) to "([^"]*)"', re.IGNORECASE)


class PermissionRefusals:
    """The first permission that the server refused to a member, whose user it has entered with too few."""

    def __init__(self, member: str) -> None:
        self._member = member
        self._problem: str | None = None
        self.any = asyncio.Event()

    def hear(self, said: str) -> None:
        """Take what the server says of a connection."""
        found = _REFUSED.search(said)
        if found is None or self._problem is not None:
            return
        act = "publish to" if found[1].lower() == "publish" else "subscribe to"
        self._problem = (
            f"the server does not permit {self._member} to {act} {errors.shortened(found[2])}; its user there needs the"
            " permissions that `swarm engine invite NAME --tag TAG --on ENGINE` prints, and a coordinator all of them"
        )
        self.any.set()

    def hold(self) -> None:
        """Raise EngineRefused where a permission was refused: what waits for it would wait for ever."""
        if self._problem is not None:
            raise errors.EngineRefused(problem=self._problem)

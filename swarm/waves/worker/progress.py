"""Progress of an order: the last event of its agent and what it has used, as signs of life carry them."""

import asyncio
import os
from typing import Any, Final

from swarm.engine.messages import WorkProgress
from swarm.rules.agent_events import MOST_COUNTED, AgentEvent, EventKind, cut
from swarm.runtimes.redaction import Redactor
from swarm.waves.launch.attempt_rows import Used

# A coordinator draws no faster, and five hundred agents must not drown it.
LEAST_SECONDS: Final = 1.0
_SHOWN: Final = ("event", "text", "name", "target", "fault", "status")
_MOST_USD: Final = 1_000_000
_MILLION: Final = 1_000_000
_SESSION: Final = ("sessionId", "modelAsked", "modelAnswered", "turns", "tools", "tokensIn", "tokensOut")


class Progress:
    """The last event of an agent, free of secrets: its words leave this machine."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self._redactor = Redactor(os.environ)
        self._news = asyncio.Event()
        self._event: AgentEvent | None = None
        self._used: dict[str, Any] = {}

    def heard(self, event: AgentEvent) -> None:
        """Take an event of the agent's stream."""
        if event.tokens is not None and 0 <= event.tokens < MOST_COUNTED:
            self._used["tokens"] = event.tokens
        if event.cost_usd is not None and 0 <= event.cost_usd < _MOST_USD:
            self._used["cost_usd"] = event.cost_usd
        if event.kind is not EventKind.USAGE or self._event is None:
            self._event = event
        self._news.set()

    async def news(self, seconds: float) -> None:
        """Wait until the agent does something else, at least one second and at most so many seconds."""
        await asyncio.sleep(LEAST_SECONDS)
        try:
            async with asyncio.timeout(seconds - LEAST_SECONDS):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()

    @property
    def sign(self) -> WorkProgress:
        """The next sign of life."""
        if self._event is None:
            return WorkProgress(self._nonce)
        document = self._event.document()
        shown: dict[str, Any] = {name: self._clean(document[name]) for name in _SHOWN if name in document}
        return WorkProgress(self._nonce, {**shown, **self._used})

    @property
    def used(self) -> Used | None:
        """The cost that the agent has reported so far, `None` where it reported nothing."""
        cost = self._used.get("cost_usd")
        if cost is None:
            return None
        return Used({**dict.fromkeys(_SESSION), "denials": []}, round(cost * _MILLION))

    def _clean(self, value: Any) -> Any:
        # A mask may be longer than the secret.
        return cut(self._redactor.clean(value)) if isinstance(value, str) else value


def used_document(used: Used | None) -> dict[str, Any] | None:
    """Return what an agent used, as a result carries it: a number or a name without bounds would spoil the result."""
    if used is None:
        return None
    return {
        "session": {name: _bounded(value) for name, value in used.session.items()},
        "costMicrousd": used.cost_microusd,
    }


def _bounded(value: object) -> object:
    if isinstance(value, int):
        return value if 0 <= value < MOST_COUNTED else None
    return cut(value) if isinstance(value, str) else value

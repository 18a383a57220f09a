"""Lives of orders: when workers showed life of them, and when each is over without a result."""

import math
import time
from collections.abc import Iterable
from typing import Any, Final

from swarm.engines_config import GRACE_SECONDS
from swarm.store.attempts import Ending

# A worker ends the agent of a cancelled order within 6 s, and sends the end as its result.
_CANCEL_SECONDS: Final = 8.0
# Two signs of a worker that is cut off and has connected again.
_SIGNS_SECONDS: Final = 10.0


class Lives:
    """The signs of life of a launch's orders, and what the engine noted of them."""

    def __init__(self, lease_seconds: int) -> None:
        self._lease = lease_seconds
        self._signs: dict[str, float] = {}
        # Since when life of an order is expected.
        self._given: dict[str, float] = {}
        # Notes of the engine, which it repeats until they are acknowledged.
        self._noted: dict[str, tuple[float, Any]] = {}
        self._due: dict[str, tuple[float, Ending]] = {}
        self._deaf = 0.0

    def excuse(self, seconds: float) -> None:
        """Let seconds not count in which this coordinator was stopped, or too busy to hear signs of life."""
        self._deaf += seconds

    def sign(self, order: str) -> None:
        """Take a sign of life of an order."""
        self._signs[order] = self._now

    def expect(self, order: str) -> None:
        """Expect life of an order from now on: a worker has it."""
        self._given.setdefault(order, self._now)

    def is_expected(self, order: str) -> bool:
        """Say whether life of an order is expected."""
        return order in self._signs or order in self._given

    def note(self, order: str, message: Any) -> None:
        """Take a note of the engine: an order was not finished in its lease, or its worker gave it up."""
        moment, _ = self._noted.get(order, (self._now, None))
        self._noted[order] = moment, message

    def end_soon(self, orders: Iterable[str], ending: Ending) -> None:
        """End cancelled orders, unless their results come before: workers are to end their agents first."""
        moment = self._now + _CANCEL_SECONDS
        for order in orders:
            self._due.setdefault(order, (moment, ending))

    def ending_of(self, order: str) -> Ending | None:
        """Return how an order has ended by now without a result, `None` where it has not."""
        # Of each order that waits, each second: the ending is made once it has come.
        moment, ending = self._due.get(order) or (self._lost_at(order), None)
        return (ending or self._lost) if self._now >= moment else None

    def forget(self, order: str) -> Any | None:
        """Forget an order; return the engine's note about it."""
        for kept in (self._signs, self._given, self._due):
            kept.pop(order, None)
        return self._noted.pop(order, (0.0, None))[1]

    @property
    def _now(self) -> float:
        return time.monotonic() - self._deaf

    def _lost_at(self, order: str) -> float:
        """Return when an order is lost, unless its worker shows life before.

        A note of the engine alone does not decide: a worker that was cut off shows life by its next connection, from
        which the engine takes no sign for an order that it gave to the one before.
        """
        sign = self._signs.get(order, 0.0)
        if order in self._noted:
            return max(self._noted[order][0] + min(_SIGNS_SECONDS, self._lease), sign + self._lease)
        begin = max(sign, self._given.get(order, 0.0))
        return begin + self._lease + GRACE_SECONDS if begin else math.inf

    @property
    def _lost(self) -> Ending:
        problem = f"its worker showed no life for its lease of {self._lease} s"
        return Ending("killed", 3, error_code="WORKER_LOST", error_fragment=problem)

"""Journals of attempts on other machines: what their workers show, kept where `wait` and `status` look for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from swarm.clock import now
from swarm.engine.queues import OrderPlace
from swarm.rules.agent_events import MOST_COUNTED, Fault
from swarm.runtimes import journal
from swarm.waves.launch.attempt_files import is_in_place_of_attempt

_ORDERED: Final = "ordered"


class Journals:
    """The folders of the attempts whose orders are awaited, and what was written last into each."""

    def __init__(self) -> None:
        self._folders: dict[str, Path] = {}
        self._last: dict[str, tuple[str, Mapping[str, Any] | None]] = {}

    def keep(self, order: str, folder: Path) -> None:
        """Keep the journal of an order in a folder."""
        self._folders[order] = folder

    def ordered(self, order: str, place: OrderPlace) -> None:
        """Note that an order is with the engine: a later call need not ask whether it was sent."""
        self._append(order, {"event": _ORDERED, **place._asdict()})

    def heard(self, order: str, worker: str, event: Mapping[str, Any] | None) -> None:
        """Take a sign of life of a worker: its first, and each that says something else than the sign before."""
        if self._last.get(order) != (worker, event):
            self._last[order] = worker, event
            self._append(order, {"event": "started", **(event or {}), "worker": worker})

    def _append(self, order: str, event: Mapping[str, Any]) -> None:
        folder = self._folders.get(order)
        if folder is not None and is_in_place_of_attempt(folder):
            journal.append(folder, {"ts": now(), **event})


def place_in(folder: Path) -> OrderPlace | None:
    """Return the place of the order of an attempt by its journal, `None` where no call has noted that it was sent."""
    if not is_in_place_of_attempt(folder):
        return None
    for event in journal.tail(folder, journal.JOURNAL_BYTES).events:
        number, tag = event.get("number"), event.get("tag")
        if event.get("event") == _ORDERED and isinstance(number, int) and isinstance(tag, str):
            return OrderPlace(number, tag)
    return None


def quota_reset_in(folder: Path) -> float | None:
    """Return when the quota of an attempt's worker is there again, in seconds since 1970, `None` where nobody says."""
    if not is_in_place_of_attempt(folder):
        return None
    for event in reversed(journal.tail(folder).events):
        moment = event.get("resets_at")
        if event.get("fault") == Fault.QUOTA and isinstance(moment, int | float) and 0 < moment < MOST_COUNTED:
            return float(moment)
    return None

"""Records of `history`."""

from typing import NamedTuple

from swarm.results.events import EventShown


class HistoryResult(NamedTuple):
    """Events of a wave or finding, oldest first. `after` is the seq of the last event, or 0."""

    events: tuple[EventShown, ...]
    after: int

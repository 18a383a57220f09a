"""Records of `history`."""

from typing import NamedTuple

from swarm.results.events import EventShown


class HistoryResult(NamedTuple):
    """Events of one wave or finding, oldest first. `after` is the seq of the last, 0 where there is none."""

    events: tuple[EventShown, ...]
    after: int

"""Tags of which a worker takes orders, and those that rest: one that fails each order at once would take them all."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from swarm import stage_events
from swarm.store.attempts import Ending
from swarm.waves.worker.taken_order import moment

# Ends by what this machine lacks, and not by the agent: another worker would have done the work.
_OUTCOMES: Final = frozenset({"not_started"})
_CODES: Final = frozenset(
    {"QUOTA_EXHAUSTED", "CREDENTIAL_REFUSED", "BACKEND_UNREACHABLE", "MANIFEST_LOCK_MISMATCH", "WORKER_FAILED"}
)
# A single end may be the order's own fault.
_MOST_IN_A_ROW: Final = 2
_FIRST_SECONDS: Final = 15.0
_LONGEST_SECONDS: Final = 600.0


class RestingTags:
    """The tags of a worker, each with the failures in a row, and when it takes orders again."""

    def __init__(self, tags: Sequence[str]) -> None:
        self._tags = tags
        self._failed = Counter[str]()
        self._until: dict[str, float] = {}

    @property
    def awake(self) -> list[str]:
        """The tags of which orders are taken now."""
        now = moment()
        return [tag for tag in self._tags if self._until.get(tag, 0.0) <= now]

    @property
    def seconds(self) -> float:
        """The seconds until a tag takes orders again, 0 where one does."""
        return max(0.0, min(self._until.get(tag, 0.0) for tag in self._tags) - moment())

    def ended(self, tag: str, ending: Ending) -> None:
        """Take the end of an order of a tag, which rests once orders fail in a row, each time for twice as long."""
        if ending.outcome not in _OUTCOMES and ending.error_code not in _CODES:
            self._failed.pop(tag, None)
            return
        self._failed[tag] += 1
        more = self._failed[tag] - _MOST_IN_A_ROW
        if more >= 0:
            seconds = min(_FIRST_SECONDS * 2 ** min(more, 10), _LONGEST_SECONDS)
            self._until[tag] = moment() + seconds
            stage_events.emit("tag_rests", tag=tag, seconds=round(seconds), problem=ending.error_code)

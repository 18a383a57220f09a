"""`records reindex`."""

from pathlib import Path

from swarm import stage_events
from swarm.evidence.records import indexes
from swarm.evidence.records.keep import lock_of
from swarm.results.records import Reindexed


def reindex(root: Path) -> Reindexed:
    """Make the indexes anew of every record, under the lock of the records."""
    with lock_of(root, "records reindex"):
        made = indexes.rebuild(root)
    stage_events.emit("rebuild_indexes_complete", records=made.records, failing=made.failing, stale=made.stale)
    return Reindexed(str(root), made.records, len(made.latest), made.failing, made.stale, made.corrupt)

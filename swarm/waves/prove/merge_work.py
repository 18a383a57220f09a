"""Find the part of a wave's work that its target lacks, also after merges that were killed or made by hand."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from swarm.git import history
from swarm.git.runner import Git
from swarm.store import merges
from swarm.waves.prove.merge_chain import Link, MergeTask, base_of, before_unrecorded
from swarm.waves.prove.merge_preconditions import hold_to_integration


class WorkToMerge(NamedTuple):
    """The work of a wave, as far as `base` does not hold it yet (`fresh`), or holds it unrecorded (`arrived`)."""

    base: str
    fresh: tuple[Link, ...]
    arrived: tuple[Link, ...]
    is_published: bool
    base_holds_work: bool


def work_to_merge(conn: sqlite3.Connection, git: Git, task: MergeTask, links: Sequence[Link]) -> WorkToMerge:
    """Return the part of a wave's work that its target lacks. Raises IntegrationMoved, MergeConflict."""
    earlier = merges.merges_of(conn, task.wave.id)
    recorded = {merge.commit_sha for merge in earlier}
    hold_to_integration(conn, git, task, links, recorded)
    base = before_unrecorded(git, task, base_of(git, task), links, recorded)
    fresh = tuple(link for link in links if not link.is_in(git, base))
    # Merged by hand, or by a call that was killed before it could record the merge.
    arrived = tuple(
        link for link in links if link not in fresh and not any(link.is_in(git, commit) for commit in recorded)
    )
    # The target may have been published by hand, or by a call that was killed before it could record that.
    is_recorded = task.tip not in recorded or (task.target, task.tip) in {
        (merge.ref, merge.commit_sha) for merge in earlier
    }
    return WorkToMerge(
        base=base,
        fresh=fresh,
        arrived=arrived,
        is_published=not task.publish or (base == task.tip and is_recorded),
        base_holds_work=any(history.is_ancestor(git, commit, base) for commit in recorded),
    )

"""Snapshots, the commits of uncommitted files at which waves looked: find those that nothing needs any more."""

import sqlite3
from collections.abc import Iterator, Sequence

from swarm.git import history
from swarm.git import refs as refs_of_git
from swarm.rules.ref_names import SNAPSHOTS
from swarm.store import finding_names, runs, waves
from swarm.store.runs import Run
from swarm.waves.clean.kept_work import KeptWork, trees_since
from swarm.waves.clean.remnants import Ground, Remnant


def unneeded(conn: sqlite3.Connection, here: Ground, found: Sequence[Remnant]) -> list[KeptWork]:
    """Return the snapshots at which waves of the run looked, and that no finding, wave or worktree needs any more."""
    git, run = here.repository.git, here.run
    # Snapshots at which no wave of this run looked can be needed by another control plane of the repository.
    numbers = {wave.dispatch_sha: wave.number for wave in waves.all_of(conn, run.id)}
    kept = {ref: commit for ref, commit in refs_of_git.refs_below(git, SNAPSHOTS).items() if commit in numbers}
    if not kept:
        return []
    needed = finding_names.anchors_among(conn, kept.values()) | {remnant.base for remnant in found}
    needed |= {commit for other in runs.every(conn) for commit in _needed_by_waves(conn, other)}
    free = {ref: commit for ref, commit in kept.items() if commit not in needed}
    if not free:
        return []
    held = trees_since(git, run, {sha for ref, sha in here.holders.items() if ref not in free})
    trees = {commit: history.tree_of(git, commit) for commit in free.values()}
    return [
        KeptWork(f"snapshots/{commit[:12]}", ref, trees[commit], numbers[commit], commit, trees[commit] in held)
        for ref, commit in free.items()
    ]


def _needed_by_waves(conn: sqlite3.Connection, run: Run) -> Iterator[str]:
    """Yield the commits of the waves that a digest, a merge or a recovery reads."""
    for newest in (waves.newest, waves.newest_of_phase, waves.newest_ended, waves.newest_amend, waves.in_flight):
        wave = newest(conn, run.id)
        if wave is not None:
            yield wave.dispatch_sha

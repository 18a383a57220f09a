"""`runs`: the list of runs, and the time-out policy of a run."""

import sqlite3

from swarm.results.runs import RunShown
from swarm.store import runs as run_table
from swarm.store.connection import Store
from swarm.store.runs import Run


def runs(conn: sqlite3.Connection) -> list[RunShown]:
    """Return every run, newest first."""
    return [
        RunShown(
            id=run.id,
            repo=run.repo,
            status=run.status,
            branch=run.branch,
            wave_count=wave_count,
            finding_count=finding_count,
            created=run.created,
        )
        for run, wave_count, finding_count in run_table.all_with_counts(conn)
    ]


def set_timeout(store: Store, run: Run, seconds: int) -> None:
    """Change the time after which a working agent of a run counts as stale."""
    with store.mutation() as conn:
        run_table.set_timeout(conn, run, seconds)

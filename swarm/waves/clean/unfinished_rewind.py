"""A rewind that was begun and not ended: whether it can be gone on with, and by which command."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swarm.errors import SwarmError
from swarm.git.repository import Repository, repository_at
from swarm.locks import is_held
from swarm.store import runs
from swarm.store.runs import Run
from swarm.waves.clean import intents
from swarm.waves.trees import worktrees


def unfinished_rewind(conn: sqlite3.Connection, run: Run) -> str:
    """Return the command that ends it, `""` where nothing is to be ended, somebody is at it, or git has moved on."""
    known = intents.last(conn, run.id)
    if known is None or known.kind != intents.REWIND_BEGUN:
        return ""
    try:
        repository = repository_at(Path(run.local_path))
    except SwarmError:
        return ""
    told = known.told
    if not goes_on(told, repository) or is_held(worktrees.worktree_lock_file(repository)):
        return ""
    where = run.save_point_tag
    if told["savePoint"] != where:
        # A commit is always rewound to for the newest run, and a name may mean another one by now.
        newest = runs.newest_around(conn, repository.root)
        if newest is None or newest.id != run.id:
            return ""
        where = f"{told['to']} --force-arbitrary-ref"
    is_forced = told["branch"] != run.branch or any(one["kind"] == "dirt" for one in told["refs"])
    return f"swarm rewind {where}{' --force' if is_forced else ''}"


def goes_on(told: Mapping[str, Any], repository: Repository) -> bool:
    """Say whether a checkout is where a rewind, as it told of itself, has left it: before its work or behind it."""
    return repository.branch == told["branch"] and repository.head in {told["from"], told["to"]}

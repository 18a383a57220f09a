"""Rewind that died before its end, and the command that continues it."""

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
    """Return the command that ends an unfinished rewind.

    Returns `""` without an unfinished rewind, while another process works on the rewind, and after the checkout moved.
    """
    known = intents.last(conn, run.id)
    if known is None or known.kind != intents.REWIND_BEGUN:
        return ""
    try:
        repository = repository_at(Path(run.local_path))
    except SwarmError:
        return ""
    intent = known.payload
    # Someone who holds the lock may be that very rewind, which is then not unfinished.
    if not goes_on(intent, repository) or is_held(worktrees.worktree_lock_file(repository)):
        return ""
    where = run.save_point_tag
    if intent["savePoint"] != where:
        # A commit names the newest run only, and a branch name may have moved: name the commit itself.
        newest = runs.newest_around(conn, repository.root)
        if newest is None or newest.id != run.id:
            return ""
        where = f"{intent['to']} --force-arbitrary-ref"
    # The command must carry `--force` where the broken-off call needed the option, or it would be refused.
    is_forced = intent["branch"] != run.branch or any(saved["kind"] == "dirt" for saved in intent["refs"])
    return f"swarm rewind {where}{' --force' if is_forced else ''}"


def goes_on(intent: Mapping[str, Any], repository: Repository) -> bool:
    """Say whether a checkout is where an intent of a rewind found or left it."""
    return repository.branch == intent["branch"] and repository.head in {intent["from"], intent["to"]}

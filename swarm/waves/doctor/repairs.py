"""`doctor --fix`: the repairs that can lose nothing, planned first, and recorded when they are done."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.git.repository import Repository, repository_at
from swarm.git.runner import GitError
from swarm.results.doctor import LeftAlone, Repair
from swarm.store import ledger, runs
from swarm.store.connection import Store
from swarm.store.ledger import Entry
from swarm.waves.doctor import repairs_of_git, repairs_of_locks, repairs_of_workspace
from swarm.waves.doctor.repairs_of_workspace import Step
from swarm.waves.trees import worktrees
from swarm.workspace import Workspace

_SUBJECT: Final = "workspace"
_BEGUN: Final = "repair_begun"
_REPAIRED: Final = "repaired"


class Ward(NamedTuple):
    """Repairs of a repository, or of the workspace where that is `None`, and findings that are left to other verbs."""

    repository: Repository | None
    steps: tuple[Step, ...]
    left: tuple[LeftAlone, ...]


def wards(store: Store, workspace: Workspace) -> list[Ward]:
    """Return everything that is to be repaired, and what is not for us to touch. Nothing is changed."""
    return [_ward(None, repairs_of_workspace.remains(store, workspace)), *_of_repositories(store, workspace)]


def _of_repositories(store: Store, workspace: Workspace) -> Iterator[Ward]:
    seen = set[Path]()
    for counted in runs.all_with_counts(store.conn):
        try:
            repository = repository_at(Path(counted.run.local_path))
            yield _ward(repository, repairs_of_git.strays(store, workspace, counted.run, repository))
            if (common := repository.common_dir.resolve()) not in seen:
                seen.add(common)
                yield _ward(repository, repairs_of_locks.locks_of_all(repository))
        except (errors.SwarmError, GitError):
            # That a run's repository is not here, or no git, has a check of its own.
            continue


def _ward(repository: Repository | None, found: Iterator[Step | LeftAlone]) -> Ward:
    every = list(found)
    steps = tuple(one for one in every if isinstance(one, Step))
    return Ward(repository, steps, tuple(one for one in every if isinstance(one, LeftAlone)))


def planned(found: Sequence[Ward]) -> tuple[Repair, ...]:
    """Return the repairs as they would be done."""
    return tuple(Repair(step.id, step.what, "planned") for ward in found for step in ward.steps)


def apply(store: Store, found: Sequence[Ward], reason: str) -> tuple[Repair, ...]:
    """Do every repair, each after a second look, and write into the ledger what will be done, and what was.

    Raises ControlPlaneReadOnly and ControlPlaneBusy before anything is done.
    """
    store.refuse_read_only()
    died = _is_unfinished(store.conn)
    if steps := planned(found):
        _record(store, _BEGUN, steps, reason)
    done = tuple(_done(found))
    # What a doctor who was killed has done is no longer found, and is written down as over with this.
    if died or steps:
        _record(store, _REPAIRED, done, reason)
    return done


def _record(store: Store, kind: str, repairs: tuple[Repair, ...], reason: str) -> None:
    payload: dict[str, object] = {"repairs": [one._asdict() for one in repairs]}
    with store.mutation() as conn:
        ledger.append(conn, Entry(kind, _SUBJECT, reason=reason, payload=payload))


def _is_unfinished(conn: sqlite3.Connection) -> bool:
    """Say whether a doctor began to repair and did not come to the end."""
    told = [event.kind for event in ledger.events_of(conn, _SUBJECT) if event.kind in {_BEGUN, _REPAIRED}]
    return told[-1:] == [_BEGUN]


def _done(found: Sequence[Ward]) -> Iterator[Repair]:
    for ward in found:
        if not ward.steps:
            continue
        lock = nullcontext() if ward.repository is None else worktrees.worktree_lock(ward.repository, "doctor")
        with lock:
            for step in ward.steps:
                try:
                    status = "done" if step.act() else "not_done"
                except (OSError, GitError, errors.SwarmError):
                    status = "not_done"
                yield Repair(step.id, step.what, status)

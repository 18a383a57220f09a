"""`doctor --fix`: repairs that can lose nothing, planned first, and recorded when they are done."""

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
from swarm.waves import run_place
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
    """Return all repairs, and the remains that doctor must not touch. Nothing is changed."""
    return [_ward(None, repairs_of_workspace.remains(store, workspace)), *_of_repositories(store, workspace)]


def _of_repositories(store: Store, workspace: Workspace) -> Iterator[Ward]:
    seen = set[Path]()
    for counted in runs.all_with_counts(store.conn):
        # In a copied project the recorded path is the original, whose worktrees this control plane does not know.
        run = run_place.placed(counted.run, workspace.folder)
        try:
            repository = repository_at(Path(run.local_path))
            yield _ward(repository, repairs_of_git.strays(store, workspace, run, repository))
            # Several runs share a git folder, whose locks must be reported a single time.
            if (common := repository.common_dir.resolve()) not in seen:
                seen.add(common)
                yield _ward(repository, repairs_of_locks.locks_of_all(repository))
        except (errors.SwarmError, GitError):
            # The check `repositories` reports a missing repository.
            continue


def _ward(repository: Repository | None, found: Iterator[Step | LeftAlone]) -> Ward:
    every = list(found)
    steps = tuple(item for item in every if isinstance(item, Step))
    return Ward(repository, steps, tuple(item for item in every if isinstance(item, LeftAlone)))


def planned(found: Sequence[Ward]) -> tuple[Repair, ...]:
    """Return the planned repairs, for the dry run."""
    return tuple(Repair(step.id, step.what, "planned") for ward in found for step in ward.steps)


def apply(store: Store, found: Sequence[Ward], reason: str) -> tuple[Repair, ...]:
    """Do every repair, each after a second check; the ledger records the plan before and the outcome after.

    Raises ControlPlaneReadOnly and ControlPlaneBusy before anything is done.
    """
    # First: a repair that cannot be recorded must not be made.
    store.refuse_read_only()
    died = _is_unfinished(store.conn)
    if steps := planned(found):
        _record(store, _BEGUN, steps, reason)
    done = tuple(_done(found))
    # Repairs of a doctor that was killed are no longer found: this event closes the plan that it left open.
    if died or steps:
        _record(store, _REPAIRED, done, reason)
    return done


def _record(store: Store, kind: str, repairs: tuple[Repair, ...], reason: str) -> None:
    payload: dict[str, object] = {"repairs": [repair._asdict() for repair in repairs]}
    with store.mutation() as conn:
        ledger.append(conn, Entry(kind, _SUBJECT, reason=reason, payload=payload))


def _is_unfinished(conn: sqlite3.Connection) -> bool:
    """Say whether a doctor began its repairs and died before the end."""
    kinds = [event.kind for event in ledger.events_of(conn, _SUBJECT) if event.kind in {_BEGUN, _REPAIRED}]
    return kinds[-1:] == [_BEGUN]


def _done(found: Sequence[Ward]) -> Iterator[Repair]:
    for ward in found:
        if not ward.steps:
            continue
        # Under the lock of worktrees, so that no dispatch makes the tree that a step removes.
        lock = nullcontext() if ward.repository is None else worktrees.worktree_lock(ward.repository, "doctor")
        with lock:
            for step in ward.steps:
                try:
                    status = "done" if step.act() else "not_done"
                # A repair that fails must not keep the others from being made and recorded.
                except (OSError, GitError, errors.SwarmError):
                    status = "not_done"
                yield Repair(step.id, step.what, status)

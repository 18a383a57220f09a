"""`doctor --fix`: the repairs that can lose nothing, planned first, and recorded when they are done."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.failpoints import failpoint
from swarm.git.repository import Repository, repository_at
from swarm.git.runner import GitError
from swarm.store import ledger, runs
from swarm.store.connection import Store
from swarm.store.ledger import Entry
from swarm.waves import remains, strays, trees
from swarm.waves.remains import Step
from swarm.waves.results import LeftAlone, Repair
from swarm.workspace import Workspace


class Ward(NamedTuple):
    """What is to be repaired in one repository, or without one in the workspace, and what is left to other verbs."""

    repository: Repository | None
    steps: tuple[Step, ...]
    left: tuple[LeftAlone, ...]


def wards(store: Store, workspace: Workspace) -> list[Ward]:
    """Return everything that is to be repaired, and what is not for us to touch. Nothing is changed."""
    return [_ward(None, remains.remains(store, workspace)), *_of_repositories(store, workspace)]


def _of_repositories(store: Store, workspace: Workspace) -> Iterator[Ward]:
    for counted in runs.all_with_counts(store.conn):
        try:
            repository = repository_at(Path(counted.run.local_path))
            yield _ward(repository, strays.strays(store, workspace, counted.run, repository))
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
    """Do every repair, each after a second look, and write what was done into the ledger as one event.

    Raises ControlPlaneReadOnly and ControlPlaneBusy before anything is done.
    """
    store.refuse_read_only()
    done = tuple(_done(found))
    if any(one.status == "done" for one in done):
        failpoint("doctor.before_commit")
        payload: dict[str, object] = {"repairs": [one._asdict() for one in done]}
        with store.mutation() as conn:
            ledger.append(conn, Entry("repaired", "workspace", reason=reason, payload=payload))
        failpoint("doctor.after_commit")
    return done


def _done(found: Sequence[Ward]) -> Iterator[Repair]:
    for ward in found:
        if not ward.steps:
            continue
        lock = nullcontext() if ward.repository is None else trees.worktree_lock(ward.repository, "doctor")
        with lock:
            for step in ward.steps:
                try:
                    status = "done" if step.act() else "not_done"
                except (OSError, GitError, errors.SwarmError):
                    status = "not_done"
                failpoint("doctor.after_step")
                yield Repair(step.id, step.what, status)

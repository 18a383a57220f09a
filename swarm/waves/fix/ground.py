"""Options of a fix, and the place where it works."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from swarm.config import Config
from swarm.git.repository import Repository, repository_at
from swarm.store import runs
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.launch.gate import LaunchLimits
from swarm.waves.triage.triage import Grounds, Targets
from swarm.workspace import Workspace


class Delivery(NamedTuple):
    """Places for the verified commit beside the run's integration branch: the target of the run, a branch, a remote."""

    publish: bool = False
    branch: str | None = None
    pull_request: bool = False


class FixRequest(NamedTuple):
    """Options of a fix. Without targets, only the findings that are approved already are taken.

    `anew` leaves unmerged work of an earlier wave where it is. `accept` names the results of a build that may be merged
    though they are no plain pass, for a `reason`.
    """

    targets: Targets | None
    grounds: Grounds
    runtime: str | None = None
    jobs: int | None = None
    delivery: Delivery = Delivery()
    dry_run: bool = False
    anew: bool = False
    limits: LaunchLimits = LaunchLimits()
    accept: tuple[str, ...] = ()
    reason: str | None = None


class FixGround(NamedTuple):
    """The place of a fix: the control plane, the run, its settings, and what the caller asked for."""

    store: Store
    workspace: Workspace
    run: Run
    request: FixRequest
    config: Config

    @property
    def conn(self) -> sqlite3.Connection:
        """The connection of the control plane."""
        return self.store.conn

    @property
    def now(self) -> "FixGround":
        """The same with the run as it is recorded now: a dispatch moves its phase, which verifications keep."""
        recorded = runs.find(self.conn, self.run.id) or self.run
        # The place may be another one on this machine than the recorded one.
        return self._replace(run=recorded._replace(local_path=self.run.local_path))

    @property
    def repository(self) -> Repository:
        """The repository of the run, as it is now."""
        return repository_at(Path(self.run.local_path))

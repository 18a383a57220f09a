"""Findings of a baseline: known by name, or found by a look at its commit after the wave of an audit."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from swarm.config import Config
from swarm.git.repository import Repository
from swarm.results.audit import AuditResult
from swarm.rules.known_findings import Known
from swarm.rules.states import WaveStatus
from swarm.runtimes import registry
from swarm.store import agent_runs, snapshots
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.audit.base_commit import Base, findings_at
from swarm.waves.audit.baseline import compared
from swarm.waves.audit.baseline_name import Baseline
from swarm.workspace import Workspace


class EndedAudit(NamedTuple):
    """The wave of an audit after its collect: where it is recorded, and by what it looked at which repository."""

    conn: sqlite3.Connection
    workspace: Workspace
    run: Run
    wave: Wave
    repository: Repository
    config: Config
    jobs: int | None


def against(ended: EndedAudit, result: AuditResult, baseline: Baseline) -> AuditResult:
    """Return the result of an audit, compared with its baseline where the wave did not fail.

    Raises BaselineNotAudited.
    """
    if result.wave_status == WaveStatus.FAILED:
        return result
    return compared(ended.conn, ended.repository, ended.wave, result, baseline, _known(ended, baseline))


def _known(ended: EndedAudit, baseline: Baseline) -> Sequence[Known]:
    if baseline.known is not None or baseline.commit is None:
        return baseline.known or ()
    base = Base(
        repository=ended.repository,
        workspace=ended.workspace,
        run=ended.run,
        wave=ended.wave,
        agents=agent_runs.current(ended.conn, ended.wave.id),
        owners=snapshots.owners_in(ended.conn, ended.wave.snapshot_id),
        ready=registry.all_ready(ended.wave.runtime or registry.DEFAULT, ended.config, ended.wave.phase),
        config=ended.config,
        commit=baseline.commit,
    )
    return findings_at(base, ended.jobs)

"""Look at the commit of a baseline, after the wave of an audit."""

import sqlite3

from swarm.config import Config
from swarm.git.repository import Repository
from swarm.results.audit import AuditResult
from swarm.rules.ownership import OwnershipMap
from swarm.rules.states import WaveStatus
from swarm.runtimes import registry
from swarm.store import agent_runs, snapshots
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.audit.base_commit import Base, findings_at
from swarm.waves.audit.baseline import compared
from swarm.waves.audit.baseline_name import Baseline
from swarm.workspace import Workspace


def against(  # noqa: PLR0913
    conn: sqlite3.Connection,
    workspace: Workspace,
    run: Run,
    wave: Wave,
    repository: Repository,
    config: Config,
    result: AuditResult,
    baseline: Baseline | None,
    jobs: int | None,
) -> AuditResult:
    """Return the result of an audit, compared with its baseline where there is one and the wave did not fail.

    Raises BaselineNotAudited.
    """
    if baseline is None or result.wave_status == WaveStatus.FAILED:
        return result
    base = Base(
        repository=repository,
        workspace=workspace,
        run=run,
        wave=wave,
        agents=agent_runs.current(conn, wave.id),
        owners=OwnershipMap(snapshots.map_of(conn, wave.snapshot_id)),
        runtime=registry.runtime_named(wave.runtime or registry.DEFAULT, config),
        config=config,
        commit=baseline.commit,
    )
    return compared(conn, repository, wave, result, baseline, findings_at(base, jobs))

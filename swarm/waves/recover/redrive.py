"""`redrive`: dispatch again every agent of a failed wave that is not complete, blocked agents too."""

from contextlib import nullcontext
from pathlib import Path

from swarm import errors
from swarm.config import Config
from swarm.git.repository import repository_at
from swarm.results.redispatch import RedispatchResult
from swarm.rules.states import AGENT_RUN, AgentRunStatus, WaveStatus
from swarm.store import agent_runs, waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.launch import supervision
from swarm.waves.recover.recovery import Recovery
from swarm.waves.recover.resume import TAIL, WaveAgents, nothing_to_do, of_status, take_up
from swarm.workspace import Workspace


def redrive(
    store: Store, workspace: Workspace, run: Run, number: int, config: Config, *, apply: bool, reason: str | None
) -> RedispatchResult:
    """Dispatch the failure tail of the run's latest wave again; completed agents stay as they are, to the byte.

    Without `apply` nothing is written. Raises WaveNotFound, RecoveryNotApplicable for a wave that is
    in flight or not the latest, and what `resume` raises.
    """
    wave = _latest(store, run, number)
    if wave.status is not WaveStatus.FAILED:
        return nothing_to_do(store.conn, run, wave, WaveAgents((), (), (), (), ()))
    # A dry run takes no lock: taking the lock would write a file.
    with supervision.only_supervisor(workspace, run, wave) if apply else nullcontext():
        if not apply:
            supervision.hold_to_no_supervisor(workspace, run, wave)
        supervision.hold_to_status(store.conn, wave)
        agents = agent_runs.current(store.conn, wave.id)
        tail = of_status(agents, *TAIL, *AGENT_RUN.blocked)
        found = WaveAgents(
            tail, (), (), of_status(agents, AgentRunStatus.COMPLETE), of_status(agents, *AGENT_RUN.blocked)
        )
        if not tail:
            return nothing_to_do(store.conn, run, wave, found)
        recovery = Recovery(
            verb="redrive",
            workspace=workspace,
            run=run,
            wave=wave,
            repository=repository_at(Path(run.local_path)),
            config=config,
            reason=reason,
        )
        return take_up(store, recovery, found, apply=apply)


def _latest(store: Store, run: Run, number: int) -> Wave:
    wave, newest = waves.numbered(store.conn, run.id, number), waves.newest(store.conn, run.id)
    if wave is None or newest is None:
        raise errors.WaveNotFound(run_id=run.id, number=number)
    # Findings of a later wave rest on this wave as it ended.
    if wave.id != newest.id:
        problem = f"only the latest wave is driven again, and that is wave {newest.number}"
        remedy = f"`swarm status {run.id}` tells what helps that one"
        raise errors.RecoveryNotApplicable(action=f"Wave {number} cannot be redriven", problem=problem, remedy=remedy)
    if wave.status is WaveStatus.DISPATCHED:
        problem = "it is in flight, and only a failed wave is driven again"
        remedy = f"`swarm resume {run.id}` takes up what failed of it, `swarm collect {run.id}` ends it"
        raise errors.RecoveryNotApplicable(action=f"Wave {number} cannot be redriven", problem=problem, remedy=remedy)
    return wave

"""`launch --on`: the agents of a wave worked on by other machines, and what comes back recorded as of this one."""

import sqlite3

from swarm import errors
from swarm.config import Config
from swarm.engine.access import Access
from swarm.results.launch import LaunchResult
from swarm.runtimes.child import finish
from swarm.runtimes.registry import runtime_named
from swarm.store import attempts
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.hosts.awaiting import cancelled, cancelled_elsewhere, launched
from swarm.waves.launch.attempts import launch_result, waiting_agents
from swarm.waves.launch.gate import LaunchGate, LaunchLimits
from swarm.waves.launch.ground import ground_of_launch
from swarm.waves.launch.supervision import close_dead_attempts, hold_to_no_orders, only_supervisor, wave_to_launch
from swarm.waves.lock.locks import hold_to_signature, relock
from swarm.workspace import Workspace


def launch_on(
    store: Store,
    workspace: Workspace,
    run: Run,
    config: Config,
    access: Access,
    *,
    runtime: str | None,
    seconds: float | None = None,
    limits: LaunchLimits = LaunchLimits(),  # noqa: B008
) -> LaunchResult:
    """Order an attempt of every agent of the wave in flight that has not succeeded yet, and take in what comes back.

    An interrupt detaches: the orders stay, and the next call goes on where this one was. Raises NoWaveToLaunch,
    LaunchInProgress, LaunchNeedsIsolation, CostUnmetered, CostBudgetExceeded, EngineNoWorker, EngineRefused,
    EngineUnreachable.
    """
    wave = wave_to_launch(store.conn, workspace, run)
    if not wave.isolated:
        raise errors.LaunchNeedsIsolation(
            number=wave.number, phase=wave.phase, runtime=runtime or "NAME", run_id=run.id
        )
    with only_supervisor(workspace, run, wave):
        close_dead_attempts(store, run, wave)
        hold_to_signature(store.conn, config, wave)
        gate = LaunchGate(store, run, limits, config.on_attention)
        wave_launch = ground_of_launch(store, workspace, run, wave, config, gate, seconds=seconds)
        name = _runtime(store.conn, config, wave, runtime)
        if waiting := waiting_agents(store.conn, wave):
            gate.hold_to_cost([name], [] if _reports_cost(name, config) else [name], len(waiting))
        count = finish(launched(wave_launch, access, name))
    return launch_result(store.conn, run, wave, count)


def relock_on(
    store: Store, workspace: Workspace, run: Run, config: Config, runtime: str | None, reason: str, sign: str | None
) -> None:
    """Lock the plan of the wave in flight as a launch on workers would be now, whose programs are not looked at.

    Raises NoWaveToLaunch, LaunchInProgress.
    """
    wave = wave_to_launch(store.conn, workspace, run)
    with only_supervisor(workspace, run, wave):
        relock(store, config, wave, (_runtime(store.conn, config, wave, runtime),), (), reason, sign)


def cancel_on(store: Store, workspace: Workspace, run: Run, config: Config, access: Access) -> LaunchResult:
    """Cancel what a launch on an engine has ordered, also one that another process of this machine awaits.

    Raises NoWaveToLaunch, LaunchInProgress where that process does not end its attempts, EngineUnreachable.
    """
    wave = wave_to_launch(store.conn, workspace, run)
    gate = LaunchGate(store, run, LaunchLimits())
    wave_launch = ground_of_launch(store, workspace, run, wave, config, gate, seconds=None)
    try:
        with only_supervisor(workspace, run, wave):
            count = finish(cancelled(wave_launch, access))
    except errors.LaunchInProgress:
        count = finish(cancelled_elsewhere(wave_launch, access))
        hold_to_no_orders(store.conn, run, wave)
    result = launch_result(store.conn, run, wave, 0)
    return result._replace(cancelled=count, next_action=f"swarm launch {run.id}" if count else result.next_action)


def _reports_cost(name: str, config: Config) -> bool:
    """Say whether a runtime reports costs: by its name, for a worker's own configuration is not known here."""
    try:
        agent = runtime_named(name, config).agent
    except errors.RuntimeUnknown:
        return False
    return agent is not None and agent.reports_cost


def _runtime(conn: sqlite3.Connection, config: Config, wave: Wave, named: str | None) -> str:
    """Return the runtime of new orders: the named one, else that of the orders before, of the dispatch, the default.

    Raises CliUsage.
    """
    before = [attempt for own in attempts.of_wave(conn, wave.id).values() for attempt in own if attempt.engine]
    ordered = max(before, key=lambda attempt: attempt.id).runtime if before else None
    found = named or ordered or wave.runtime or config.default_runtime
    if found is None or "," in found:
        raise errors.CliUsage(problem="--on takes the runtime of the workers: --runtime NAME", command="swarm launch")
    return found

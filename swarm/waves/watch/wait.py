"""`wait`: wait until a launch has ended or an agent needs a decision, for a bounded time."""

import time
from collections.abc import Callable
from typing import Final

from swarm import errors
from swarm.results.wait import LiveAgent, WaitResult
from swarm.rules.states import WaveStatus
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.launch.attempts import attempts
from swarm.waves.launch.supervision import close_dead_attempts, hold_to_no_supervisor, only_supervisor, open_attempts
from swarm.waves.watch.live import live_agents, newest_wave
from swarm.workspace import Workspace

_POLL_SECONDS: Final = 0.5
# A launch that was started a moment ago may not hold its lock yet.
_BEGIN_SECONDS: Final = 2.0


def wait(
    store: Store,
    workspace: Workspace,
    run: Run,
    *,
    seconds: float,
    shown: Callable[[tuple[LiveAgent, ...]], None],
) -> WaitResult:
    """Wait until no launch supervises the newest wave, an agent waits for a decision, or the time is over.

    `shown` receives the agents as they are, twice a second. Attempts whose supervisor died are closed as `killed`, and
    their processes ended. Raises NoWaveToLaunch.
    """
    wave = newest_wave(store.conn, run)
    end = time.monotonic() + seconds
    begin = min(end, time.monotonic() + _BEGIN_SECONDS)
    while True:
        agents = live_agents(store.conn, wave)
        shown(agents)
        supervised = _is_supervised(workspace, run, wave)
        is_pending = not supervised and all(agent.state == "waiting" for agent in agents) and time.monotonic() < begin
        if time.monotonic() >= end or not (supervised or is_pending):
            break
        if any(agent.state == "needs_decision" for agent in agents):
            break
        time.sleep(min(_POLL_SECONDS, max(0.0, end - time.monotonic())))
    if not supervised:
        supervised = not _closed(store, workspace, run, wave)
    return _result(store, run, wave, is_running=supervised)


def _is_supervised(workspace: Workspace, run: Run, wave: Wave) -> bool:
    try:
        hold_to_no_supervisor(workspace, run, wave)
    except errors.LaunchInProgress:
        return True
    return False


def _closed(store: Store, workspace: Workspace, run: Run, wave: Wave) -> bool:
    """Close the attempts of a supervisor that died; say whether no other launch has begun meanwhile.

    Also where none is open: a call that was broken off after it closed an attempt had not written its record.
    """
    if wave.status is not WaveStatus.DISPATCHED:
        return True
    try:
        with only_supervisor(workspace, run, wave):
            close_dead_attempts(store, run, wave)
    except errors.LaunchInProgress:
        return False
    return True


def _result(store: Store, run: Run, wave: Wave, *, is_running: bool) -> WaitResult:
    found, live = attempts(store.conn, run, wave), live_agents(store.conn, wave)
    next_action = found.next_action
    if any(agent.state == "needs_decision" for agent in live):
        next_action = f"swarm permissions list {run.id}"
    elif is_running:
        next_action = f"swarm wait {run.id}"
    elif engine := next((attempt.engine for _, attempt in open_attempts(store.conn, wave) if attempt.engine), None):
        next_action = f"swarm launch {run.id} --on {engine}"
    elif any(agent.state in {"waiting", "killed"} for agent in live):
        next_action = f"swarm launch {run.id}"
    return WaitResult(
        run_id=run.id,
        wave_id=wave.id,
        wave_number=wave.number,
        is_running=is_running,
        exit_class=found.exit_class,
        agents=found.agents,
        live=live,
        next_action=next_action,
    )

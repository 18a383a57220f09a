"""`launch --on`: the agents of a wave worked on by other machines, and what comes back recorded as of this one."""

from pathlib import Path

from swarm import errors
from swarm.config import Config
from swarm.engine.place import Credentials
from swarm.git.repository import repository_at
from swarm.results.launch import LaunchResult
from swarm.runtimes.child import finish
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.hosts.awaiting import launched
from swarm.waves.launch.attempts import launch_result
from swarm.waves.launch.gate import LaunchGate, LaunchLimits
from swarm.waves.launch.ground import WaveLaunch, surveyed
from swarm.waves.launch.supervision import close_dead_attempts, only_supervisor, wave_to_launch
from swarm.waves.lock.locks import hold_to_signature
from swarm.workspace import Workspace


def launch_on(
    store: Store,
    workspace: Workspace,
    run: Run,
    config: Config,
    credentials: Credentials,
    *,
    runtime: str,
    seconds: float | None = None,
) -> LaunchResult:
    """Order an attempt of every agent of the wave in flight that has not succeeded yet, and take in what comes back.

    An interrupt detaches: the orders stay, and the next call goes on where this one was. Raises NoWaveToLaunch,
    LaunchInProgress, LaunchNeedsIsolation, EngineNoWorker, EngineRefused, EngineUnreachable.
    """
    wave = wave_to_launch(store.conn, workspace, run)
    if not wave.isolated:
        raise errors.LaunchNeedsIsolation(number=wave.number, phase=wave.phase, runtime=runtime, run_id=run.id)
    with only_supervisor(workspace, run, wave):
        close_dead_attempts(store, run, wave)
        repository = repository_at(Path(run.local_path))
        hold_to_signature(store.conn, config, wave)
        survey = surveyed(store.conn, wave, repository)
        wave_launch = WaveLaunch(
            store=store,
            run=run,
            wave=wave,
            ready=(),
            config=config,
            repository=repository,
            owners=survey.owners,
            tracked=survey.tracked,
            files=survey.files,
            seconds=seconds or min(config.attempt_seconds, run.timeout_seconds),
            workspace=workspace,
            gate=LaunchGate(store, run, LaunchLimits()),
        )
        count = finish(launched(wave_launch, credentials, runtime))
    return launch_result(store.conn, run, wave, count)

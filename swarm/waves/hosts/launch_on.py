"""`launch --on`: the agents of a wave worked on by other machines, and what comes back recorded as of this one."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from swarm import errors
from swarm.config import Config
from swarm.engine.objects import Kept
from swarm.engine.place import Credentials
from swarm.failpoints import failpoint
from swarm.git import snapshot
from swarm.git.repository import repository_at
from swarm.git.runner import GitError
from swarm.results.launch import LaunchResult
from swarm.runtimes.child import finish
from swarm.store import agent_runs, waves
from swarm.store import attempts as attempt_table
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.hosts.coordinator import Coordinator, coordinating
from swarm.waves.hosts.orders import Ordered, host_of, order_id, ordered
from swarm.waves.hosts.taking import take
from swarm.waves.launch.attempts import attempts, waiting_agents
from swarm.waves.launch.gate import LaunchGate, LaunchLimits
from swarm.waves.launch.ground import WaveLaunch, surveyed
from swarm.waves.launch.supervision import close_dead_attempts, hold_to_own_folder, only_supervisor
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
    wave = waves.in_flight(store.conn, run.id)
    if wave is None:
        raise errors.NoWaveToLaunch(run_id=run.id)
    hold_to_own_folder(workspace, run, wave)
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
        try:
            launched = finish(_launched(wave_launch, credentials, runtime))
        except GitError as error:
            raise error.typed() from error
        except BaseExceptionGroup as group:
            # The error door shows a single error, and the first is the cause of the others' end.
            raise group.exceptions[0] from None
    found = attempts(store.conn, run, wave)
    return LaunchResult(
        run_id=found.run_id,
        wave_id=found.wave_id,
        wave_number=found.wave_number,
        launched=launched,
        exit_class=found.exit_class,
        agents=found.agents,
        next_action=found.next_action,
    )


async def _launched(wave_launch: WaveLaunch, credentials: Credentials, runtime: str) -> int:
    """Order what waits, attach to what was ordered, and take in all results; return how many agents were ordered."""
    waiting = waiting_agents(wave_launch.store.conn, wave_launch.wave)
    attached = _attached(wave_launch, credentials.url)
    if not waiting and not attached:
        return 0
    async with coordinating(credentials, wave_launch.run.hex) as coordinator:
        for open_one in attached:
            coordinator.expect(open_one.order)
            coordinator.expect_life(open_one.order)
        base = Kept("", 0)
        if waiting:
            await coordinator.hold_to_queue(runtime)
            git, commit = wave_launch.repository.git, wave_launch.wave.dispatch_sha
            base = await coordinator.keep(await asyncio.to_thread(snapshot.snapshot_of, git, commit))
        listening = asyncio.create_task(coordinator.listen())
        try:
            fresh = [await ordered(coordinator, wave_launch, *own, base, runtime) for own in waiting]
            failpoint("ordered")
            await _ends(coordinator, wave_launch, [*attached, *filter(None, fresh)], listening)
        finally:
            listening.cancel()
    return len(waiting)


def _attached(wave_launch: WaveLaunch, url: str) -> list[Ordered]:
    """Return the attempts that an earlier call ordered on an engine, and of which nothing has come back yet."""
    conn, wave = wave_launch.store.conn, wave_launch.wave
    by_agent = attempt_table.of_wave(conn, wave.id)
    found = []
    for agent in agent_runs.current(conn, wave.id):
        own = by_agent.get(agent.id, [])
        if own and own[-1].outcome is None and own[-1].host == host_of(url):
            found.append(Ordered(agent, own[-1].id, order_id(wave_launch, own[-1].id)))
    return found


async def _ends(
    coordinator: Coordinator, wave_launch: WaveLaunch, open_ones: Sequence[Ordered], listening: asyncio.Task[None]
) -> None:
    """Wait for the end of each order, and take each in as it comes. Raises EngineUnreachable where nothing can come."""

    async def end(one: Ordered) -> None:
        received = await coordinator.end(one.order)
        # One after the other: taking a result in blocks the loop, and the database has one writer.
        await take(coordinator, wave_launch, one.agent, one.attempt, one.order, received)

    async with asyncio.TaskGroup() as group:
        ends = [group.create_task(end(one)) for one in open_ones]

        group.create_task(_watched(listening, ends))


async def _watched(listening: asyncio.Task[None], ends: Sequence[asyncio.Task[None]]) -> None:
    """Wait until all orders have ended. Raises EngineUnreachable as soon as nothing can come any more."""
    waiting = set(ends)
    while waiting:
        done, _ = await asyncio.wait({listening, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        if listening in done:
            listening.result()
        waiting -= done

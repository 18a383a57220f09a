"""Orders of a launch on other machines: sent, attached to where an earlier call sent them, and awaited."""

import asyncio
from collections.abc import Sequence

from swarm.engine.objects import KeptObject
from swarm.engine.place import Credentials
from swarm.failpoints import failpoint
from swarm.git import snapshot
from swarm.store import agent_runs
from swarm.store import attempts as attempt_table
from swarm.waves.hosts.coordinator import Coordinator, coordinating
from swarm.waves.hosts.orders import Ordered, host_of, order_id, ordered
from swarm.waves.hosts.taking import take
from swarm.waves.launch.attempts import waiting_agents
from swarm.waves.launch.ground import WaveLaunch


async def launched(wave_launch: WaveLaunch, credentials: Credentials, runtime: str) -> int:
    """Order what waits, attach to what was ordered, and take in all results; return how many agents were ordered."""
    waiting = waiting_agents(wave_launch.store.conn, wave_launch.wave)
    attached = _attached(wave_launch, credentials.url)
    if not waiting and not attached:
        return 0
    async with coordinating(credentials, wave_launch.run.hex) as coordinator:
        for open_one in attached:
            coordinator.expect(open_one.order)
            coordinator.expect_life(open_one.order)
        base = KeptObject("", 0)
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

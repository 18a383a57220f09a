"""Orders of a launch on other machines: sent, attached to where an earlier call sent them, awaited, or cancelled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from swarm import stage_events
from swarm.engine.access import Access
from swarm.engine.link import hold_to_cancellation
from swarm.engine.queues import OrderPlace
from swarm.failpoints import failpoint
from swarm.git import snapshot
from swarm.rules.plan_lock import bindings_of
from swarm.rules.states import AgentRunStatus
from swarm.store import attempts, plan_locks
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt, Ending
from swarm.waves.hosts.coordinator import Coordinator, coordinating
from swarm.waves.hosts.journals import Journals, place_in, quota_reset_in
from swarm.waves.hosts.orders import Ordered, opened, order_of, ordered
from swarm.waves.hosts.taking import take
from swarm.waves.launch.attempts import waiting_agents
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.launch.supervision import open_attempts
from swarm.waves.lock.locks import hold_to_lock

if TYPE_CHECKING:
    from swarm.engine.objects import KeptObject

# Ends of attempts whose agent did nothing wrong: its worker went away.
_OF_WORKER: Final = frozenset({"WORKER_LOST", "WORKER_STOPPED"})
_QUOTA: Final = "QUOTA_EXHAUSTED"
_CLOSE_SECONDS: Final = 15.0
_DRAIN_SECONDS: Final = 600.0
_LOOK_SECONDS: Final = 0.2


async def launched(wave_launch: WaveLaunch, access: Access, runtime: str) -> int:
    """Order what waits, attach to what was ordered, and take in all results; return how many agents were ordered.

    A cancelled call detaches: the orders stay. Raises EngineNoWorker, EngineRefused, EngineUnreachable.
    """
    waiting = waiting_agents(wave_launch.store.conn, wave_launch.wave)
    attached = attached_to(wave_launch, access)
    if not waiting and not attached:
        return 0
    journals = Journals()
    async with coordinating(access, wave_launch.run.hex, journals.heard) as coordinator:
        hosts = HostLaunch(wave_launch, coordinator, journals, runtime)
        if waiting:
            hosts.hold_to_lock(access.credentials.url)
            await hosts.choose_tags([agent.domain for agent, _ in waiting])
            # Before a row is opened: a commit that is too large for an engine would leave them open.
            await hosts.keep_base()
        await hosts.attach(attached)
        async with _listening(coordinator) as listening:
            try:
                fresh = [sent for own in waiting if (sent := await hosts.order(*own)) is not None]
                await hosts.send_missing()
                failpoint("ordered")
                await hosts.ends([*attached, *fresh], listening)
            except asyncio.CancelledError:
                hosts.tell_detached()
                raise
    return len(waiting)


async def cancelled(wave_launch: WaveLaunch, access: Access) -> int:
    """Cancel what was ordered and has not ended, and return how many attempts that were.

    Each attempt is closed here, or where another process takes the results in. Raises EngineUnreachable.
    """
    attached = attached_to(wave_launch, access)
    if not attached:
        return 0
    journals = Journals()
    async with coordinating(access, wave_launch.run.hex, journals.heard) as coordinator:
        hosts = HostLaunch(wave_launch, coordinator, journals, "")
        await hosts.attach(attached)
        async with _listening(coordinator) as listening:
            await coordinator.cancel([one.order for one in attached])
            await hosts.ends(attached, listening)
    return len(attached)


async def cancelled_elsewhere(wave_launch: WaveLaunch, access: Access) -> int:
    """Cancel the orders that another process awaits, and wait until it has closed their attempts."""
    attached = attached_to(wave_launch, access)
    async with coordinating(access, wave_launch.run.hex, Journals().heard) as coordinator:
        hosts = HostLaunch(wave_launch, coordinator, Journals(), "")
        await hosts.attach(attached)
        await coordinator.cancel([one.order for one in attached])

        async def are_closed() -> bool:
            return not attached_to(wave_launch, access)

        await _until(are_closed, _CLOSE_SECONDS)
    return len(attached)


def attached_to(wave_launch: WaveLaunch, access: Access) -> list[Ordered]:
    """Return the attempts that an earlier call ordered on an engine, and that have not ended yet."""
    return [
        ordered(wave_launch, agent, attempt)
        for agent, attempt in open_attempts(wave_launch.store.conn, wave_launch.wave)
        if attempt.engine == access.credentials.url
    ]


class HostLaunch:
    """A launch of the agents of a wave on the workers of an engine."""

    def __init__(self, wave_launch: WaveLaunch, coordinator: Coordinator, journals: Journals, runtime: str) -> None:
        self._launch = wave_launch
        self._coordinator = coordinator
        self._journals = journals
        self._runtime = runtime
        self._tags: dict[tuple[str, ...], str] = {}
        self._plans: dict[str, Mapping[str, dict[str, Any]]] = {}
        self._base: KeptObject | None = None
        self._places: dict[str, OrderPlace] = {}
        self._missing: list[Ordered] = []
        # One after the other: git is no faster with several, and the database has one writer.
        self._taking = asyncio.Lock()

    def hold_to_lock(self, url: str) -> None:
        """Hold the launch to the plan of the dispatch. Raises ManifestLockMismatch."""
        conn, config, wave = self._launch.store.conn, self._launch.config, self._launch.wave
        # The programs are the workers', which look at them themselves.
        hold_to_lock(conn, config, wave, (self._runtime,), (), on=url)

    def _plan_of(self, domain: str) -> dict[str, Any] | None:
        """Return what the dispatch locked for the worker of an agent."""
        # Read once for all agents: a lock holds a plan for each of them.
        if self._runtime not in self._plans:
            lock = plan_locks.newest(self._launch.store.conn, self._launch.wave.id)
            self._plans[self._runtime] = bindings_of(lock.document, self._runtime) if lock else {}
        return self._plans[self._runtime].get(domain)

    async def choose_tags(self, domains: Sequence[str]) -> None:
        """Choose the tags of orders before the first is recorded. Raises EngineNoWorker."""
        for domain in domains:
            await self._tag_of(domain)

    async def _tag_of(self, domain: str) -> str:
        tags = self._launch.config.hosts.tags_for(domain, self._runtime)
        if tags not in self._tags:
            self._tags[tags] = await self._coordinator.tag_of(tags)
        return self._tags[tags]

    async def attach(self, attached: Sequence[Ordered]) -> None:
        """Await orders of an earlier call; an order that may not have been sent any more is looked for."""
        self._places = {one.order: place for one in attached if (place := place_in(one.folder)) is not None}
        unmarked = [one for one in attached if one.order not in self._places]
        if unmarked:
            found = await self._coordinator.places()
            self._places |= {one.order: found[one.order] for one in unmarked if one.order in found}
        self._missing = [one for one in attached if one.order not in self._places]
        for one in attached:
            self._journals.keep(one.order, one.folder)
            self._coordinator.expect(one.order, self._places.get(one.order))

    async def send_missing(self) -> None:
        """Send the orders of an earlier call that died between the row and the order.

        Such an order is neither in the queue, nor has it a result: a worker sends its result before its order goes.
        """
        if not self._missing or not await _until(self._coordinator.results_are_drained, _DRAIN_SECONDS):
            for one in self._missing:
                # Of no queue: it is lost unless somebody shows life of it.
                self._coordinator.expect(one.order, OrderPlace(0, ""))
            return
        for one in self._missing:
            if not self._coordinator.expect(one.order).done():
                attempt = attempts.find(self._launch.store.conn, one.attempt)
                self._runtime = attempt.runtime if attempt else self._runtime
                await self._send(one)

    async def order(self, agent: AgentRun, before: Sequence[Attempt]) -> Ordered | None:
        """Record an attempt and order it, `None` for an attempt that ended at once. Raises EngineUnreachable."""
        tag = await self._tag_of(agent.domain)
        one = opened(self._launch, self._coordinator.url, agent, before, self._runtime)
        if one is not None:
            self._journals.keep(one.order, one.folder)
            self._coordinator.expect(one.order)
            await self._send(one, tag)
        return one

    async def keep_base(self) -> "KeptObject":
        """Let the engine keep the files of the wave's commit, once. Raises EngineRefused where they are too large."""
        if self._base is None:
            git, commit = self._launch.repository.git, self._launch.wave.dispatch_sha
            self._base = await self._coordinator.keep(await asyncio.to_thread(snapshot.snapshot_of, git, commit))
        return self._base

    async def _send(self, one: Ordered, tag: str | None = None) -> None:
        base = await self.keep_base()
        plan = self._plan_of(one.agent.domain)
        order = await order_of(self._coordinator, self._launch, one, base, self._runtime, plan)
        place = await self._coordinator.send(order, tag or await self._tag_of(one.agent.domain))
        self._journals.ordered(one.order, place)

    async def ends(self, open_ones: Sequence[Ordered], listening: asyncio.Task[None]) -> None:
        """Wait for the ends of orders, and take each in as it comes. Raises EngineUnreachable."""
        async with asyncio.TaskGroup() as group:
            ends = [group.create_task(self._ends_of(one)) for one in open_ones]
            group.create_task(_watched(listening, ends))
        await self._coordinator.buckets.clear()

    async def _ends_of(self, one: Ordered | None) -> None:
        """Take in the end of an order, and of those that follow it where a worker was lost."""
        while one is not None:
            hold_to_cancellation()
            end = await self._coordinator.expect(one.order)
            async with self._taking:
                ending = await take(self._coordinator, self._launch, one, end)
                await self._hold_to_cost(one.agent)
            again = _OF_WORKER
            if ending.error_code == _QUOTA and await self._launch.gate.waits_for(quota_reset_in(one.folder)):
                again = _OF_WORKER | {_QUOTA}
            async with self._taking:
                one = await self._again(one.agent, ending, again)

    async def _hold_to_cost(self, agent: AgentRun) -> None:
        """Withdraw the orders that nobody took, once the launch has cost its cap."""
        refusal = self._launch.gate.cost_refusal(agent.id, None)
        if refusal is not None:
            await self._coordinator.withdraw(refusal)

    async def _again(self, agent: AgentRun, ending: Ending, codes: frozenset[str]) -> Ordered | None:
        """Order another attempt where the last one ended by one of some codes, as often as `[launch] attempts` says."""
        before = attempts.of_agent(self._launch.store.conn, agent.id)
        other = next((number for number, one in enumerate(reversed(before)) if one.error_code not in codes), None)
        count = len(before) if other is None else other
        if ending.error_code not in codes or count >= self._launch.config.attempts:
            return None
        run, wave = self._launch.run, self._launch.wave
        facts = {"domain": agent.domain, "way": "fresh", "reason": ending.error_code}
        stage_events.emit("attempt_recovered", run_id=run.id, wave_id=wave.id, agent_run_id=agent.id, **facts)
        # The row left `dispatched` with the first attempt.
        return await self.order(agent._replace(status=AgentRunStatus.RUNNING), before)

    def tell_detached(self) -> None:
        """Say that the orders stay with the engine, and how to go on."""
        run, url = self._launch.run, self._coordinator.url
        count = sum(1 for _, attempt in open_attempts(self._launch.store.conn, self._launch.wave) if attempt.engine)
        command = f"swarm launch {run.id} --on {url}"
        message = f"detached; {count} orders stay with the engine: `{command}` attaches again, with --cancel ends them"
        stage_events.emit("launch_detached", run_id=run.id, orders=count, message=message)


async def _watched(listening: asyncio.Task[None], ends: Sequence[asyncio.Task[None]]) -> None:
    """Wait until all orders have ended. Raises EngineUnreachable as soon as nothing can come any more."""
    waiting = set(ends)
    while waiting:
        done, _ = await asyncio.wait({listening, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        if listening in done:
            listening.result()
        waiting -= done


@asynccontextmanager
async def _listening(coordinator: Coordinator) -> AsyncIterator[asyncio.Task[None]]:
    """Listen to the engine within the block, and yield the task that listens."""
    listening = asyncio.create_task(coordinator.listen())
    try:
        yield listening
    finally:
        listening.cancel()
        # Before the connection is closed, which would be an error of the listening.
        await asyncio.gather(listening, return_exceptions=True)


async def _until(holds: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Ask again and again until something holds, for so many seconds; say whether it does."""
    for _ in range(round(seconds / _LOOK_SECONDS)):
        if await holds():
            return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False

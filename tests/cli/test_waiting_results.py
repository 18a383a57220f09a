"""Results that wait at a coordinator: none is delivered again meanwhile, and none of their orders counts as lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from swarm import errors
from swarm.engine.access import Access
from swarm.engine.link import IN_PROGRESS, linked
from swarm.engine.place import Credentials, own_credentials
from swarm.engine.pull import feed
from swarm.engine.queues import OrderPlace, Queue
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Ending
from swarm.waves.hosts import buckets, coordinator, judging, lives
from swarm.waves.hosts.lives import Lives
from tests.cli.scenes.hosts import ORDERED, Hosts
from tests.cli.scenes.launched_agents import LONG

LOST = Ending("killed", 3, error_code="WORKER_LOST")
# Of the subject by which a message is acknowledged: its place in the stream.
PLACE = 5


def with_results(hosts: Hosts) -> None:
    """Order a wave, and let a worker do all of it while no coordinator is there."""
    hosts.plays(code={"src/app.py": ""}, tests={"tests/test_app.py": "# More.\n"})
    hosts.ordered()
    with hosts.worker(len(ORDERED)) as process:
        assert process.wait(60) == 0


async def in_progress(count: int) -> set[str]:
    """Return the results that a coordinator says are worked on, once there are so many."""
    found: set[str] = set()
    enough = asyncio.Event()

    async def hear(message: Any) -> None:
        if message.data == IN_PROGRESS:
            found.add(message.subject.split(".")[PLACE])
        if len(found) >= count:
            enough.set()

    async with linked(own_credentials()) as link:
        await link.client.subscribe(f"$JS.ACK.{link.names.results}.>", cb=hear)
        async with asyncio.timeout(LONG):
            await enough.wait()
    return found


def test_the_engine_hears_that_all_results_are_worked_on_while_one_of_them_is_judged(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_results(hosts)
    heard: list[set[str]] = []
    take_attempt = judging.take_attempt

    def slowly(*given: Any) -> None:
        listening = Thread(target=lambda: heard.append(asyncio.run(in_progress(len(ORDERED)))))
        if not heard:
            listening.start()
            listening.join()
        take_attempt(*given)

    monkeypatch.setattr(judging, "take_attempt", slowly)
    hosts.launch()
    assert [len(found) for found in heard] == [len(ORDERED)]
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}


def test_an_order_whose_result_is_with_the_engine_is_not_lost_however_silent_its_worker_is(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_results(hosts)
    looked: list[str] = []
    enough = asyncio.Event()

    def lost(_lives: Lives, order: str) -> Ending:
        looked.append(order)
        if len(looked) >= 2 * len(ORDERED):
            enough.set()
        return LOST

    async def late(*given: Any) -> AsyncIterator[Any]:
        await enough.wait()
        async for message in feed(*given):
            yield message

    monkeypatch.setattr(coordinator, "_LOOK_SECONDS", 0)
    monkeypatch.setattr(coordinator, "feed", late)
    monkeypatch.setattr(Lives, "ending_of", lost)
    hosts.launch()
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}


def test_a_coordinator_that_stood_still_loses_no_order_for_signs_that_it_has_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[float] = []
    enough = asyncio.Event()

    async def queues_of(_link: object) -> dict[str, Queue]:
        looks.append(1000.0)
        if len(looks) > 3:
            enough.set()
        return {"fast": Queue("fast", waiting=1, at_work=1, free=0, delivered=1)}

    # At each look a thousand seconds have passed since the one before.
    clock = SimpleNamespace(monotonic=lambda: sum(looks))
    for module in (coordinator, lives):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(coordinator.queues, "queues_of", queues_of)
    monkeypatch.setattr(coordinator, "_LOOK_SECONDS", 0)

    async def walk() -> list[str]:
        link: Any = None
        of_run = coordinator.Coordinator(link, Access(Credentials("", "", "", "", "", "")), "0a", print)
        for number, order in enumerate(("delivered", "queued"), 1):
            of_run.expect(order, OrderPlace(number, "fast"))
        watching = asyncio.create_task(of_run._watch_time())
        ended = asyncio.create_task(enough.wait())
        await asyncio.wait({watching, ended}, timeout=LONG, return_when=asyncio.FIRST_COMPLETED)
        watching.cancel()
        return [order for order in of_run._pending() if of_run._lives.ending_of(order) is None]

    assert asyncio.run(walk()) == ["delivered", "queued"]


def test_a_coordinator_that_is_done_while_it_takes_a_message_reads_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = asyncio.Event()

    async def one(*_given: object) -> AsyncIterator[str]:
        yield "a note"
        await asyncio.Event().wait()

    async def take(_message: object) -> None:
        taken.set()
        # As the client of the engine waits, which loses a cancellation that comes with its answer.
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(coordinator, "feed", one)

    async def walk() -> bool:
        link: Any = SimpleNamespace(names=SimpleNamespace(results="results"))
        of_run = coordinator.Coordinator(link, Access(Credentials("", "", "", "", "", "")), "0a", print)
        reading = asyncio.create_task(of_run._read("reader", take))
        await taken.wait()
        reading.cancel()
        done, _ = await asyncio.wait({reading}, timeout=LONG)
        return bool(done)

    assert asyncio.run(walk())


def test_large_results_make_room_at_once_and_refused_work_stays(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    with_results(hosts)
    take_attempt = judging.take_attempt

    def refuse_code(*given: Any) -> None:
        (domain,) = (each.domain for each in given if isinstance(each, AgentRun))
        if domain == "code":
            raise errors.BundleRefused(domain=domain, reason="size", problem="-", path="-", base="-", branch="-")
        take_attempt(*given)

    async def never(_buckets: buckets.Buckets) -> None:
        """Leave to the end of the launch what it deletes there."""

    monkeypatch.setattr(judging, "take_attempt", refuse_code)
    monkeypatch.setattr(buckets, "_LEAST_BYTES", 0)
    before = hosts.kept_of_worker()
    with monkeypatch.context() as patch:
        patch.setattr(buckets.Buckets, "clear", never)
        hosts.launch(exit=3)
    assert hosts.outcomes() == {"code": [("invalid_output", "BUNDLE_REFUSED")], "tests": [("success", None)]}
    assert 0 < hosts.kept_of_worker() < before

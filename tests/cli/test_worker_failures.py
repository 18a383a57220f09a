"""`swarm worker` stopped, revoked, cut off and come back late: each attempt has its typed end, and none is run twice."""

import asyncio
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from swarm.engine.link import administer, linked
from swarm.engine.place import engine_folder, read_credentials
from swarm.engine.pull import pull
from swarm.store.attempts import Ending
from swarm.waves.worker import resting_tags
from tests.cli.errors.refusal import raises
from tests.cli.scenes.hosts import ORDERED, Hosts
from tests.cli.scenes.launched_agents import LONG, eventually
from tests.conftest import Swarm

SHORT_LEASE = "lease_seconds = 4\n[launch]\nattempts = 1\n"
WAITS = {"code": "sleep", "tests": "sleep"}


@contextmanager
def at_work(hosts: Hosts, most: int = 2, *more: str, patch: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Order a wave, and give a worker whose agents work on it."""
    hosts.ordered()
    before = begun(hosts)
    with hosts.worker(most, *more, patch=patch) as process:
        assert eventually(lambda: begun(hosts) == before + len(ORDERED) or process.poll() is not None)
        assert process.poll() is None
        yield process


def begun(hosts: Hosts) -> int:
    return len(hosts.log.read_text().splitlines()) if hosts.log.exists() else 0


def working(hosts: Hosts) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(hosts.log).encode() in entry.read_bytes():
                found.append(entry.parent.name)
    return found


def ends(hosts: Hosts) -> set[tuple[str, str | None]]:
    """Return the ends of the newest attempts."""
    return {own[-1] for own in hosts.outcomes().values()}


@pytest.mark.sweep
def test_a_worker_that_is_stopped_revoked_or_cut_off_ends_its_agents_and_each_attempt_once(
    hosts: Hosts,
) -> None:
    hosts.engines(SHORT_LEASE)
    hosts.plays(**WAITS)
    with at_work(hosts) as process:
        process.terminate()
        assert process.wait(LONG) == 130
    assert working(hosts) == []
    hosts.launch(exit=3)
    assert ends(hosts) == {("killed", "WORKER_STOPPED")}

    with at_work(hosts) as process:
        hosts.swarm("engine", "revoke", "one")
        assert process.wait(LONG) == 1
    assert working(hosts) == []
    hosts.launch(exit=3)
    assert ends(hosts) == {("killed", "WORKER_LOST")}

    # The engine is started anew while agents work: their results come by new connections.
    hosts.credentials.unlink()
    hosts.swarm("engine", "invite", "one", "--tag", "played", "--output", hosts.credentials)
    hosts.plays(code="wait", tests="wait")
    with at_work(hosts) as process:
        hosts.swarm("engine", "down")
        hosts.swarm("engine", "up")
        Path(f"{hosts.log}.go").touch()
        assert process.wait(LONG) == 0
    hosts.launch()
    assert ends(hosts) == {("success", None)}
    assert {domain: len(own) for domain, own in hosts.outcomes().items()} == dict.fromkeys(ORDERED, 3)
    assert begun(hosts) == 3 * len(ORDERED)


# A worker that notices the end of its lease soon after the engine.
SHORT = "from swarm.waves.worker import taken_order as taken\ntaken.LEASE_SECONDS, taken.SIGN_SECONDS = 3.0, 0.0"


@pytest.mark.sweep
def test_a_worker_that_comes_back_after_its_lease_ends_its_agents_and_its_results_are_late(
    hosts: Hosts,
) -> None:
    hosts.engines(SHORT_LEASE)
    hosts.plays(**WAITS)
    with at_work(hosts, patch=SHORT) as process:
        process.send_signal(signal.SIGSTOP)
        hosts.launch(exit=3)
        assert ends(hosts) == {("killed", "WORKER_LOST")}
        process.send_signal(signal.SIGCONT)
        assert process.wait(LONG) == 0
    assert working(hosts) == []
    hosts.plays()
    with hosts.worker(2):
        answer = hosts.launch()
    refused = [event["code"] for event in answer.events if event["stage"] == "result_refused"]
    assert refused == ["RESULT_LATE"] * 2
    assert hosts.outcomes() == {domain: [("killed", "WORKER_LOST"), ("success", None)] for domain in ORDERED}


@pytest.mark.sweep
def test_a_worker_that_dies_between_its_result_and_the_end_of_its_order_leaves_nothing_with_the_engine(
    hosts: Hosts,
) -> None:
    hosts.plays(code={"src/app.py": ""})
    hosts.ordered()
    dies = "import os; os.environ['SWARM_FAILPOINT'] = 'engine.acknowledge.before'"
    with hosts.worker(1, "--slots", "1", patch=dies) as process:
        assert process.wait(LONG) == -signal.SIGKILL
    with hosts.worker(1) as process:
        hosts.launch()
        assert process.wait(LONG) == 0
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}
    assert hosts.swarm("engine", "status", "--json").data["orders"] == 0


@raises("BASE_CORRUPT")
@pytest.mark.parametrize("problem", ["BASE_CORRUPT", "WORKSPACE_NOT_WRITABLE"])
def test_an_attempt_without_its_base_or_without_disk_is_not_started(hosts: Hosts, problem: str) -> None:
    hosts.plays(**WAITS)
    hosts.ordered()
    patch = ""
    if problem == "BASE_CORRUPT":
        own = read_credentials(engine_folder() / "coordinator.json")
        administer(own, lambda link: link.ask(f"STREAM.PURGE.{link.names.bases}"))
    else:
        # What the worker itself prints goes to no file: a buffer that cannot be written at its end is another failure.
        patch = "import os, resource\nfor out in (1, 2):\n    os.dup2(os.open(os.devnull, os.O_WRONLY), out)\n"
        patch += "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    with hosts.worker(2, patch=patch) as process:
        hosts.launch(exit=1)
        assert process.wait(LONG) == 0
    assert ends(hosts) == {("not_started", problem)}
    assert begun(hosts) == 0


# A worker that has a bug, whose words are no text, behind the work of one agent; the work of the other is too large.
FAILS = """
import swarm.waves.worker.ground as ground, swarm.waves.worker.work as work
brought, ground.MOST_BYTES, work.MOST_BYTES = work.brought, 10, 10
def failing(site, order, made):
    if order.domain == "code":
        raise ValueError("half of \\ud83d, of password=correct-horse")
    return brought(site, order, made)
work.brought = failing
"""


def test_an_order_that_its_worker_fails_by_a_bug_ends_typed_and_the_worker_takes_the_next(hosts: Hosts) -> None:
    hosts.plays(tests={"tests/test_app.py": "# More.\n"})
    hosts.ordered()
    with hosts.worker(len(ORDERED), "--slots", "1", patch=FAILS) as process:
        assert process.wait(LONG) == 0
    hosts.launch(exit=3)
    # No other worker tries it: that would most likely fail as well.
    assert hosts.outcomes() == {
        "code": [("runtime_error", "WORKER_FAILED")],
        "tests": [("invalid_output", "RESULT_TOO_LARGE")],
    }
    words = "its worker failed, not its agent: ValueError: half of ?, of password=[redacted]"
    assert hosts.amending.sql("SELECT error_fragment FROM attempts WHERE error_code = 'WORKER_FAILED'") == [(words,)]
    log = hosts.amending.place.folder / hosts.amending.run / "wave-2/code/attempt-1/stderr.log"
    assert log.read_text().splitlines()[-1] == "ValueError: half of \\ud83d, of password=[redacted]"


def test_a_tag_rests_once_orders_fail_in_a_row_by_their_worker_and_each_time_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(resting_tags, "moment", lambda: clock[0])
    tags = resting_tags.RestingTags(["claude", "ruff"])

    def ends(*codes: str | None) -> list[str]:
        for code in codes:
            tags.ended("claude", Ending("runtime_error" if code else "success", 3 if code else 0, error_code=code))
        return tags.awake

    # A single failure may be the order's own fault, and an agent that failed is none of the worker's.
    assert ends("QUOTA_EXHAUSTED") == ["claude", "ruff"]
    assert ends(None, "QUOTA_EXHAUSTED", "RUNTIME_FAILED", "CREDENTIAL_REFUSED") == ["claude", "ruff"]
    assert ends("CREDENTIAL_REFUSED") == ["ruff"]
    assert (tags.seconds, resting_tags.RestingTags(["claude"]).seconds) == (0.0, 0.0)
    clock[0] += 15
    assert tags.awake == ["claude", "ruff"]
    assert ends("QUOTA_EXHAUSTED") == ["ruff"]
    clock[0] += 29
    assert tags.awake == ["ruff"]
    tags.ended("ruff", Ending("not_started", 1))
    tags.ended("ruff", Ending("not_started", 1))
    assert (tags.awake, tags.seconds) == ([], 1.0)


@pytest.mark.sweep
@pytest.mark.parametrize("stream", ["results", "bucket"])
def test_a_result_that_the_engine_has_no_room_for_is_sent_once_there_is_room(hosts: Hosts, stream: str) -> None:
    hosts.plays()
    hosts.ordered()
    own = read_credentials(engine_folder() / "coordinator.json")

    def bound(most: int) -> None:
        async def update(link: Any) -> None:
            name = link.names.results if stream == "results" else link.names.bucket("one")
            present = (await link.ask(f"STREAM.INFO.{name}"))["config"]
            await link.ask(f"STREAM.UPDATE.{name}", {**present, "max_bytes": most, "discard": "new"})

        administer(own, update)

    bound(1)
    with hosts.worker(len(ORDERED)) as process:
        assert eventually(lambda: begun(hosts) == len(ORDERED))
        bound(-1)
        assert process.wait(LONG) == 0
    hosts.launch()
    assert ends(hosts) == {("success", None)}
    assert begun(hosts) == len(ORDERED)


def test_an_order_that_comes_with_the_end_of_a_wait_is_kept(swarm: Swarm, engine: Path, tmp_path: Path) -> None:
    swarm("engine", "invite", "two", "--tag", "slow", "--tag", "fast", "--output", tmp_path / "two")
    own = read_credentials(tmp_path / "two")
    ours = read_credentials(engine / "coordinator.json")

    async def order(tag: str) -> None:
        async with linked(ours) as link:
            await link.keep(link.names.order(tag), tag.encode())

    async def pulled() -> list[bytes]:
        found: list[Any] = []
        async with linked(own) as link:
            waiting = asyncio.create_task(pull(link, link.names.orders, own.tags, 20.0, found))
            while link.client.stats["out_msgs"] < len(own.tags):  # noqa: ASYNC110 - the client tells of it by no event
                await asyncio.sleep(0)
            await link.client.flush()
            # In another loop: this one hears of the orders together with the end of the wait.
            for tag in own.tags:
                thread = Thread(target=asyncio.run, args=(order(tag),))
                thread.start()
                thread.join()
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        return [message.data for message in found]

    assert sorted(asyncio.run(pulled())) == sorted(tag.encode() for tag in own.tags)

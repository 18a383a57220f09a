"""`swarm engine`: a server of this user, with members that can do no more than is theirs."""

import asyncio
import json
import os
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import Popen
from types import SimpleNamespace
from typing import Any

import pytest

from swarm import errors
from swarm.engine import authority, objects, server, subjects
from swarm.engine.link import EngineLink, administer, linked
from swarm.engine.place import Credentials, known, read_credentials
from swarm.engine.pull import feed
from swarm.engine.subjects import Plane
from tests.cli.errors.refusal import raises
from tests.cli.scenes.documents import valid
from tests.cli.scenes.launched_agents import LONG
from tests.conftest import Swarm


def test_an_engine_is_made_started_opened_closed_and_ended_and_keeps_its_members(
    swarm: Swarm, engine: Path, tmp_path: Path
) -> None:
    file = tmp_path / "one.credentials"
    invited = valid(swarm("engine", "invite", "one", "--tag", "fast", "--output", file, "--json"), "engine", 0)
    assert (invited["credentials"], stat.S_IMODE(file.stat().st_mode)) == (str(file), 0o600)
    shown = valid(swarm("engine", "status", "--json"), "engine", 0)
    assert shown == {
        "url": invited["url"],
        "plane": json.loads((engine / "engine.json").read_text())["plane"],
        "running": True,
        "orders": 0,
        "results": 0,
        "workers": [{"name": "one", "tags": ["fast"]}],
        "folder": str(engine),
        "credentials": None,
        "nextAction": "swarm engine status",
        "tags": [{"tag": "fast", "waiting": 0, "atWork": 0, "free": 0}],
        "user": None,
    }
    # No private key is shown, and only its user can read what the engine keeps.
    assert read_credentials(file).seed not in json.dumps([invited, shown])
    assert stat.S_IMODE(engine.stat().st_mode) == 0o700
    assert swarm("engine", "up").out.splitlines()[0] == f"It runs already: {shown['url']}"
    assert swarm("engine", "down").out.splitlines()[0] == f"Ended {shown['url']}"
    assert swarm("engine", "down").out.splitlines()[0] == f"It did not run: {shown['url']}"
    down = valid(swarm("engine", "status", "--json", exit=1), "engine", 1)
    assert (down["running"], down["orders"], down["nextAction"]) == (False, None, "swarm engine up")
    assert swarm("engine", "up").out.splitlines()[0] == f"Started {shown['url']}"
    # What the administrator of a server sets stays, such as a bound that another retention of ours would not change.
    ours = read_credentials(engine / "coordinator.json")
    results = Plane(ours.plane).results
    administer(ours, lambda link: _with(link, results, max_bytes=1 << 30, max_age=0))
    swarm("engine", "up")
    kept = administer(ours, lambda link: _with(link, results))
    assert (kept["max_bytes"], kept["max_age"]) == (1 << 30, 7 * 24 * 3600 * 10**9)
    # The same credentials are good for the same engine.
    asyncio.run(_connects(read_credentials(file)))
    assert swarm("engine", "revoke", "one").out.splitlines()[0] == "Revoked one"
    assert swarm("engine", "status").out.splitlines()[2] == "No worker was invited."


def test_an_engine_in_the_foreground_ends_with_its_command_and_fails_with_its_server(
    swarm: Swarm, engine: Path, background: Callable[..., Popen[str]]
) -> None:
    url = swarm("engine", "status", "--json").data["url"]
    refused = swarm("engine", "up", "--foreground", exit=1)
    assert f"it runs already at {url}; `swarm engine down` ends it" in refused.err

    def started() -> Popen[str]:
        swarm("engine", "down")
        process = background("engine", "up", "--foreground")
        assert process.stderr is not None
        assert "engine_started" in process.stderr.readline()
        return process

    for end in (lambda one: one.send_signal(signal.SIGTERM), lambda _: swarm("engine", "down")):
        process = started()
        end(process)
        out, _ = process.communicate(timeout=LONG)
        assert (process.returncode, out.splitlines()[0]) == (0, f"Ended {url}")
    process, pid = started(), server.process()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    _, problem = process.communicate(timeout=LONG)
    assert (process.returncode, "its server ended by signal 9" in problem) == (1, True), problem


async def _with(link: EngineLink, stream: str, **settings: int) -> dict[str, Any]:
    """Set something of a stream as its administrator would, and return its settings."""
    present: dict[str, Any] = (await link.ask(f"STREAM.INFO.{stream}"))["config"]
    if settings:
        present = (await link.ask(f"STREAM.UPDATE.{stream}", {**present, **settings}))["config"]
    return present


async def _connects(credentials: Credentials) -> None:
    async with linked(credentials):
        pass


@raises("ENGINE_REFUSED")
def test_names_that_are_taken_unknown_or_none_and_other_addresses_are_refused(
    swarm: Swarm, engine: Path, tmp_path: Path
) -> None:
    file = tmp_path / "one.credentials"
    swarm("engine", "invite", "one", "--tag", "fast", "--output", file)
    again = ("engine", "invite", "one", "--tag", "fast", "--output", tmp_path / "again")
    record = (engine / "engine.json").read_bytes()
    refused = {
        again: "it has a worker one; `swarm engine revoke one` ends that",
        ("engine", "invite", "a.b", "--tag", "t", "--output", tmp_path / "x"): "'a.b' is no name: "
        "letters, digits, `-` and `_`, at most 64",
        ("engine", "invite", "coordinator", "--tag", "t"): "'coordinator' is no name: "
        "letters, digits, `-` and `_`, at most 64",
        ("engine", "revoke", "two"): "it has no worker two",
        ("engine", "up", "--listen", "127.0.0.1:1"): f"it listens on 127.0.0.1:{server_port(engine)},"
        " which its members know",
    }
    for words, problem in refused.items():
        assert (
            swarm(*words, exit=1).err.splitlines()[0]
            == f"ERROR [ENGINE_REFUSED]: The engine does not do that: {problem}"
        )
    answer = swarm("engine", "invite", "two", "--tag", "t", "--output", file, exit=1)
    assert answer.code == "OUTPUT_NOT_WRITABLE"
    assert (engine / "engine.json").read_bytes() == record
    assert not (tmp_path / "again").exists()
    assert swarm("engine", "up", "--listen", "here:there", exit=2).code == "CLI_USAGE"


def server_port(engine: Path) -> int:
    return int(json.loads((engine / "engine.json").read_text())["port"])


def test_credentials_that_were_revoked_are_good_for_nothing_and_end_a_connection(
    swarm: Swarm, engine: Path, tmp_path: Path
) -> None:
    file = tmp_path / "one.credentials"
    swarm("engine", "invite", "one", "--tag", "fast", "--output", file)
    credentials = read_credentials(file)

    async def walk() -> None:
        async with linked(credentials) as link:
            await asyncio.to_thread(swarm, "engine", "revoke", "one")
            async with asyncio.timeout(20):
                await link.closed.wait()

    asyncio.run(walk())
    for changed in (credentials, credentials._replace(authority=(engine / "server.pem").read_text())):
        with pytest.raises(Exception, match=r"does not know the key of one|certificate verify failed"):
            asyncio.run(_connects(changed))


def test_two_workers_that_send_the_same_content_are_both_heard(swarm: Swarm, engine: Path, tmp_path: Path) -> None:
    body = b"the same answer"
    for name in ("one", "two"):
        swarm("engine", "invite", name, "--tag", "fast", "--output", tmp_path / name)

    async def walk() -> list[bytes]:
        found = []
        for name in ("one", "two"):
            async with linked(read_credentials(tmp_path / name)) as link:
                product = partial(link.names.product, name)
                kept = await objects.put(link, product, body)
                # Sent again, as after a lost connection, it is kept once.
                await objects.put(link, product, body)
            async with linked(read_credentials(engine / "coordinator.json")) as link:
                found.append(await objects.get(link, link.names.bucket(name), product, kept))
                assert (await link.ask(f"STREAM.INFO.{link.names.bucket(name)}"))["state"]["messages"] == 1
        return found

    assert asyncio.run(walk()) == [body, body]


def test_a_worker_that_fills_its_bucket_leaves_room_for_all_others(
    swarm: Swarm, engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subjects, "_MOST_PIECES", 3)
    for name in ("one", "two"):
        swarm("engine", "invite", name, "--tag", "fast", "--output", tmp_path / name)

    async def send(name: str, count: int, body: bytes = b"x") -> None:
        async with linked(read_credentials(tmp_path / name)) as link:
            for number in range(count):
                await link.keep(link.names.product(name, f"order.{number}"), body)

    with pytest.raises(errors.EngineFull):
        asyncio.run(send("one", 4))
    with pytest.raises(errors.EngineRefused):
        asyncio.run(send("two", 1, b"x" * (objects.PIECE + 1)))
    asyncio.run(send("two", 3))
    # What an administrator gives a worker more stays.
    ours = read_credentials(engine / "coordinator.json")
    assert administer(ours, lambda link: _with(link, link.names.bucket("one"), max_msgs=4))["max_msgs"] == 4
    swarm("engine", "up")
    asyncio.run(send("one", 4))


def test_a_connection_that_has_ended_says_so_at_once(swarm: Swarm, engine: Path, tmp_path: Path) -> None:
    del swarm, tmp_path

    async def walk() -> None:
        async with linked(read_credentials(engine / "coordinator.json")) as link:
            await link.client.close()
            with pytest.raises(errors.EngineUnreachable):
                await anext(feed(link, "orders", "fast"))
            with pytest.raises(errors.EngineUnreachable):
                await link.acknowledge(SimpleNamespace(reply="a.queue"))

    asyncio.run(walk())


def test_a_queue_that_is_gone_is_no_empty_queue(swarm: Swarm, engine: Path) -> None:
    del swarm

    async def walk() -> None:
        async with linked(read_credentials(engine / "coordinator.json")) as link:
            await anext(feed(link, "orders", "fast"))

    with pytest.raises(errors.EngineUnreachable, match="it has no queue of results"):
        asyncio.run(walk())


FORBIDDEN_TO_WRITE = [
    "swarm.{plane}.order.fast",
    "swarm.{plane}.result.two",
    "swarm.{plane}.progress.two.a",
    "swarm.{plane}.base.aa.0",
    "swarm.{plane}.product.two.aa.0",
    "$JS.API.CONSUMER.MSG.NEXT.orders_{plane}.slow",
    "$JS.API.DIRECT.GET.products_{plane}_two.swarm.{plane}.product.two.aa.0",
    "$JS.API.STREAM.UPDATE.products_{plane}_one",
    "$JS.API.STREAM.MSG.GET.results_{plane}",
    "$JS.API.STREAM.INFO.orders_{plane}",
    "$JS.API.STREAM.PURGE.orders_{plane}",
    "$JS.API.STREAM.DELETE.results_{plane}",
    "$JS.API.CONSUMER.CREATE.orders_{plane}",
    "$JS.ACK.orders_{plane}.fast.1.1.1.1.0",
    "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.orders_{plane}.fast",
    "_INBOX_two.x",
    "$SYS.REQ.SERVER.PING",
]
FORBIDDEN_TO_HEAR = ["swarm.>", "swarm.{plane}.result.*", "_INBOX_two.>", "_INBOX.>", "$JS.>", ">"]


def test_a_worker_can_neither_write_nor_hear_what_is_not_its_own(swarm: Swarm, engine: Path, tmp_path: Path) -> None:
    for name, tag in (("one", "fast"), ("two", "slow")):
        swarm("engine", "invite", name, "--tag", tag, "--output", tmp_path / name)
    credentials = read_credentials(tmp_path / "one")
    refused: list[str] = []

    async def walk() -> None:
        async with linked(credentials, heard=refused.append) as link:
            for subject in FORBIDDEN_TO_WRITE:
                await link.client.publish(subject.format(plane=credentials.plane), b"{}")
            for subject in FORBIDDEN_TO_HEAR:
                await link.client.subscribe(subject.format(plane=credentials.plane))
            # What is a worker's own; the answer to the last shows that all before it was seen.
            await link.client.publish(f"swarm.{credentials.plane}.progress.one.a", b"{}")
            with suppress(TimeoutError):
                await link.client.flush()
            await link.client.request(f"swarm.{credentials.plane}.product.one.aa.0", b"x", timeout=10)

    asyncio.run(walk())
    assert len(refused) == len(FORBIDDEN_TO_WRITE) + len(FORBIDDEN_TO_HEAR)
    assert all("ermissions" in word for word in refused)


@raises("WORKER_CLOCK")
@pytest.mark.parametrize(("day", "problem"), [("2000-01-01", "is valid no more"), ("2100-01-01", "is not valid yet")])
def test_a_clock_that_is_off_is_named_where_the_certificate_seems_of_another_time(
    swarm: Swarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, day: str, problem: str
) -> None:
    monkeypatch.setattr(authority, "today", lambda: day)
    monkeypatch.setattr("swarm.engine.link.now", lambda: "2026-11-29T00:00:00.000Z")
    try:
        said = swarm("engine", "up", "--listen", "127.0.0.1:0", exit=1).err
        assert (
            "[WORKER_CLOCK]: By the clock of this machine, which says 2026-11-29T00:00:00.000Z, the certificate of the"
            f" engine at {known().url} {problem}\n"
        ) in said
    finally:
        server.stop()


def test_a_worker_takes_orders_of_tags_that_it_was_invited_for_at_an_address(
    swarm: Swarm, engine: Path, tmp_path: Path
) -> None:
    file = tmp_path / "one.credentials"
    swarm("engine", "invite", "one", "--tag", "fast", "--tag", "gpu", "--output", file)
    url = read_credentials(file).url
    worker = ("worker", "--credentials", file, "--most", "0", "--json")
    served = valid(swarm(*worker, "--tag", "gpu", "--engine", url.replace("tls", "nats")), "worker", 0)
    assert served == {"name": "one", "url": url.replace("tls", "nats"), "tags": ["gpu"], "orders": 0}
    assert valid(swarm(*worker), "worker", 0)["tags"] == ["fast", "gpu"]
    refused = swarm(*worker, "--tag", "gpu", "--tag", "cpu", exit=1)
    assert refused.code == "ENGINE_REFUSED"
    assert "one was not invited for the tag cpu, but for: fast, gpu" in refused.out
    for word in ("10.0.0.5:4222", "tls://10.0.0.5", "tls://10.0.0.5:x", "http://10.0.0.5:4222"):
        assert swarm(*worker, "--engine", word, exit=2).code == "CLI_USAGE"

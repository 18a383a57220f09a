"""`swarm engine`: a server of this user, with members that can do no more than is theirs."""

import asyncio
import json
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from swarm.engine.link import linked
from swarm.engine.place import Credentials, read_credentials
from tests.cli.errors.refusal import raises
from tests.cli.scenes.documents import valid
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
    # The same credentials are good for the same engine.
    asyncio.run(_connects(read_credentials(file)))
    assert swarm("engine", "revoke", "one").out.splitlines()[0] == "Revoked one"
    assert swarm("engine", "status").out.splitlines()[2] == "No worker was invited."


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


FORBIDDEN_TO_WRITE = [
    "swarm.{plane}.order.fast",
    "swarm.{plane}.result.two",
    "swarm.{plane}.progress.two.a",
    "swarm.{plane}.base.aa.0",
    "swarm.{plane}.product.two.aa.0",
    "$JS.API.CONSUMER.MSG.NEXT.orders_{plane}.slow",
    "$JS.API.DIRECT.GET.products_{plane}.swarm.{plane}.product.two.aa.0",
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

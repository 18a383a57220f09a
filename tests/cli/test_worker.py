"""`swarm worker` and `swarm launch --on`: a wave worked on by processes that have no repository."""

import asyncio
import base64
import json
import os
import signal
from typing import Any

import pytest

from swarm import errors
from swarm.engine import messages, objects, queues, server
from swarm.engine.link import EngineLink, administer, linked
from swarm.engine.objects import KeptObject
from swarm.engine.place import own_credentials, read_credentials
from tests.cli.errors.refusal import raises
from tests.cli.scenes.amend_wave import MENDED, violations
from tests.cli.scenes.hosts import ORDERED, Hosts
from tests.cli.scenes.launched_agents import eventually

# Of a result that is taken in: before and after its files are written, and before its row is closed.
POINTS = ("git.read-tree.before", "git.read-tree.after", "commit.before")


def test_agents_on_other_machines_are_judged_and_merged_as_those_of_this_one(hosts: Hosts) -> None:
    hosts.plays(code={"src/app.py": ""})
    with hosts.worker(len(ORDERED)) as process:
        launched = hosts.launch().data
        assert process.wait(60) == 0
    assert (launched["launched"], launched["exitClass"]) == (2, 0)
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}
    # Each ran once, in a tree that its prompt names, and no prompt names a place of this machine.
    assert sorted(hosts.log.read_text().splitlines()) == sorted(f"{domain} True False" for domain in ORDERED)
    run = hosts.amending.run
    data = hosts.swarm("collect", run, "--json").data
    assert (data["waveStatus"], data["violations"]) == ("collected", [])
    assert hosts.amending.claims() == [("code", "src/app.py", "edit", 1, 1, "code", 0)]
    tree = hosts.amending.tree("code")
    assert (tree / "src/app.py").read_text().count(MENDED) == 1
    assert hosts.amending.repo.git("status", "--porcelain", cwd=tree) == ""
    assert hosts.swarm("engine", "status", "--json").data["orders"] == 0
    # The objects of results that were taken in make room for others.
    assert hosts.kept_of_worker() == 0


def test_files_of_others_and_failures_of_agents_on_other_machines_count_as_they_do_here(hosts: Hosts) -> None:
    hosts.plays(code={"src/app.py": "", "lib/api.py": "# theirs\n"}, tests="fail")
    with hosts.worker(len(ORDERED)) as process:
        hosts.launch(exit=3)
        assert process.wait(60) == 0
    assert hosts.outcomes() == {
        "code": [("success", None)],
        "tests": [("runtime_error", "RUNTIME_FAILED")],
    }
    log = hosts.amending.place.folder / hosts.amending.run / "wave-2/tests/attempt-1/stderr.log"
    assert log.read_text() == "no luck\n"
    data = hosts.swarm("collect", hosts.amending.run, "--json", exit=1).data
    assert violations(data) == [("lib/api.py", "code", "api")]


def test_an_order_that_an_engine_delivers_twice_is_worked_on_once(hosts: Hosts) -> None:
    hosts.plays(code={"src/app.py": ""})
    hosts.ordered()

    async def again(link: EngineLink) -> None:
        for place in (await queues.orders_in(link)).values():
            kept = await link.ask(f"STREAM.MSG.GET.{link.names.orders}", {"seq": place.number})
            await link.keep(link.names.order(place.tag), base64.b64decode(kept["message"]["data"]))

    administer(own_credentials(), again)
    with hosts.worker(2 * len(ORDERED)) as process:
        assert hosts.launch().data["exitClass"] == 0
        assert process.wait(60) == 0
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}
    assert len(hosts.log.read_text().splitlines()) == len(ORDERED)
    assert hosts.swarm("engine", "status", "--json").data["orders"] == 0


@raises("RESULT_FORGED")
def test_a_coordinator_that_died_finds_all_results_and_believes_no_other(hosts: Hosts) -> None:
    hosts.plays(code={"src/app.py": ""})
    hosts.ordered()
    answer = hosts.swarm("collect", hosts.amending.run, exit=1)
    assert answer.code == "LAUNCH_IN_PROGRESS"
    name = f"{hosts.amending.run.rpartition('-')[2]}-"
    first = hosts.amending.sql("SELECT min(id) FROM attempts")[0][0]
    forged = {
        "id": f"{name}{first}", "nonce": "0" * 64, "worker": "one", "answer": None, "work": None, "stdout": None,
        "stderr": None, "untaken": [], "ending": {"outcome": "success", "exit_class": 0},
    }  # fmt: skip

    async def forge() -> None:
        async with linked(read_credentials(hosts.credentials)) as link:
            for body in (b"\x80pickle", b"[]", json.dumps(forged).encode(), json.dumps({**forged, "more": 1}).encode()):
                await link.keep(link.names.result("one"), body)

    asyncio.run(forge())
    with hosts.worker(len(ORDERED)) as process:
        assert process.wait(60) == 0
    answer = hosts.launch()
    assert answer.data["launched"] == 0
    refused = [event["code"] for event in answer.events if event["stage"] == "result_refused"]
    assert refused == ["RESULT_FORGED"] * 4
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}
    assert len(hosts.log.read_text().splitlines()) == len(ORDERED)
    # Nothing is left to do, and nothing is run again.
    assert hosts.launch().data["launched"] == 0


@pytest.mark.sweep
def test_a_coordinator_that_is_killed_while_it_takes_a_result_in_takes_it_in_again(hosts: Hosts) -> None:
    hosts.plays(code={"src/app.py": ""})
    hosts.ordered()
    with hosts.worker(len(ORDERED)) as process:
        assert process.wait(60) == 0
    for point in POINTS:
        hosts.ordered(point)
    assert hosts.launch().data["launched"] == 0
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}
    assert hosts.swarm("collect", hosts.amending.run, "--json").data["waveStatus"] == "collected"
    assert hosts.amending.claims() == [("code", "src/app.py", "edit", 1, 1, "code", 0)]
    assert hosts.amending.repo.git("status", "--porcelain", cwd=hosts.amending.tree("code")) == ""


def test_a_worker_whose_engine_was_killed_connects_again_and_its_results_count(hosts: Hosts) -> None:
    hosts.plays(code="wait", tests="wait")
    hosts.ordered()
    with hosts.worker(2) as process:
        while not hosts.log.exists() or len(hosts.log.read_text().splitlines()) < 2:
            assert process.poll() is None
        pid = server.process()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        # A killed process is there for a moment, and `up` would find a server that runs.
        assert eventually(lambda: server.process() is None)
        hosts.log.with_name("log.go").touch()
        hosts.swarm("engine", "up")
        assert process.wait(60) == 0
    assert hosts.launch().data["launched"] == 0
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}
    assert len(hosts.log.read_text().splitlines()) == 2


@raises("BASE_CORRUPT")
def test_an_object_is_taken_by_its_digest_or_not_at_all() -> None:
    body = os.urandom(300_000)

    class Fake:
        """An engine that keeps messages in a dictionary."""

        def __init__(self) -> None:
            self.messages: dict[str, bytes] = {}

        async def keep(self, subject: str, piece: bytes) -> int:
            self.messages[subject] = piece
            return len(self.messages)

        async def kept(self, _stream: str, subject: str) -> bytes | None:
            return self.messages.get(subject)

    fake: Any = Fake()
    named = "o.{}".format
    kept = asyncio.run(objects.put(fake, named, body))
    assert asyncio.run(objects.get(fake, "s", named, kept)) == body
    first = f"o.{kept.digest}.0"
    for change in (lambda: fake.messages.update({first: b"x"}), lambda: fake.messages.pop(first)):
        change()
        with pytest.raises(errors.ObjectCorrupt):
            asyncio.run(objects.get(fake, "s", named, kept))
    with pytest.raises(errors.ObjectCorrupt):
        asyncio.run(objects.get(fake, "s", named, KeptObject("0" * 64, 1 << 40)))


def test_an_order_that_another_signed_or_that_was_changed_is_none() -> None:
    from swarm.engine.authority import new_pair

    ours, theirs = new_pair(), new_pair()
    kept = KeptObject("0" * 64, 1)
    order = messages.WorkOrder(
        id="0a-1", nonce="0" * 64, run="swarm-1-0a", wave=1, domain="code", phase="health-audit-a", review=False,
        commit="0" * 40, base=kept, prompt=kept, runtime="played", seconds=60,
    )  # fmt: skip
    text = messages.signed(order, ours.seed)
    assert messages.order_of(text, ours.public) == order
    # Half a surrogate pair, as an agent may write it: a reader would refuse the message, and the agent count as lost.
    sign = messages.progress_text(messages.WorkProgress("0" * 64, {"event": "text", "text": "x\ud83d \U0001f600"}))
    assert messages.progress_of(sign).event == {"event": "text", "text": "x? \U0001f600"}
    for body, key in (
        (text, theirs.public),
        (text.replace(b"played", b"player"), ours.public),
        (text.replace(b"}", b',"argv":["sh"]}', 1), ours.public),
        (b"x" * (messages.MOST_MESSAGE + 1), ours.public),
    ):
        with pytest.raises(errors.ResultForged):
            messages.order_of(body, key)

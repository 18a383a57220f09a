"""`swarm launch --on`: what the coordinator configures, sees and cancels of a wave on workers."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from swarm import errors
from swarm.config import find
from swarm.engine import objects, queues
from swarm.engine.access import Access
from swarm.engine.link import EngineLink, administer, linked
from swarm.engine.messages import cancel_of, nonce_of
from swarm.engine.place import Credentials, own_credentials, read_credentials
from swarm.engine.queues import OrderPlace, Queue
from swarm.locks import is_held
from swarm.store.attempts import Ending
from swarm.waves.hosts import coordinator, lives
from swarm.workspace import Workspace
from tests.cli.errors.refusal import raises
from tests.cli.scenes.documents import valid
from tests.cli.scenes.hosts import ORDERED, Hosts
from tests.cli.scenes.launched_agents import LONG, eventually

SECRET = "correct-horse-battery"


def test_everybody_sees_on_which_worker_an_agent_is_and_what_it_does_and_costs(
    hosts: Hosts, background: Callable[..., Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_KEY", SECRET)
    monkeypatch.delenv("SWARM_LOG", raising=False)
    gate, swarm, run = hosts.streams(), hosts.swarm, hosts.amending.run
    hosts.ordered(runtime="claude")

    def live() -> list[tuple[object, ...]]:
        data = valid(swarm("wait", run, "--timeout", "1s", "--json", exit=None), "wait", 0)
        found = [
            (each["state"], each["worker"], each["doing"], each["tokens"], each["costUsd"]) for each in data["live"]
        ]
        return found[: len(ORDERED)]

    # Nobody is attached: the orders wait with the engine, and every verb names the command that goes on.
    assert live() == [("queued", None, None, None, None)] * 2
    attach = f"swarm launch {run} --on {hosts.url}"
    assert swarm("wait", run, "--timeout", "1s", "--json").data["nextAction"] == attach
    status = swarm("status", run, "--json").data
    assert status["assessment"]["nextAction"] == attach
    assert [agent["doing"] for agent in status["agents"][:2]] == ["queued"] * 2
    launch = background("launch", run, "--on", hosts.url)
    with hosts.worker(len(ORDERED)) as worker:
        doing = 'runs Read a {"file_path": "a", "why": "[redacted]"}'
        assert eventually(lambda: [each[:3] for each in live()] == [("running", "one", doing)] * 2)
        assert live() == [("running", "one", doing, 1200, None)] * 2
        assert f"  code: on one, {doing}, 1,200 tokens" in swarm("status", run).out.splitlines()
        gate.touch()
        assert worker.wait(60) == 0
    _, lines = launch.communicate()
    assert launch.returncode == 0, lines
    for state in ("running on one", "success on one"):
        assert {f"{domain}: {state}" for domain in ORDERED} <= set(lines.splitlines())
    assert live() == [("success", "one", None, 1500, 0.25)] * 2
    agents = valid(swarm("attempts", run, "--json"), "attempts", 0)["agents"]
    assert [one["worker"] for agent in agents for one in agent["attempts"]] == ["one"] * 2
    # The whole journal came back, and the worker has masked its secrets in it and in each sign of life.
    folder = hosts.amending.place.folder / run / "wave-2/code/attempt-1"
    journal = (folder / "events.jsonl").read_text()
    assert SECRET not in journal
    assert next(line for line in journal.splitlines() if '"tool"' in line).count("[redacted]") == 1


def test_a_lost_worker_is_seen_after_its_lease_and_another_takes_a_new_attempt_in_the_same_launch(
    hosts: Hosts, background: Callable[..., Popen[str]]
) -> None:
    hosts.engines('lease_seconds = 4\n[launch]\non = "team"\ntags = { tests = ["absent", "played"] }\n')
    hosts.plays(code="sleep", tests="sleep")
    launch = background("launch", hosts.amending.run, "--runtime", "played")
    with hosts.worker(2) as process:
        assert eventually(lambda: hosts.worked_on(2))
        os.killpg(process.pid, signal.SIGKILL)
    hosts.plays(code={"src/app.py": ""})
    # A watchdog ends them, without a sandbox as well.
    assert eventually(lambda: not hosts.agents_of_workers())
    with hosts.worker(2) as process:
        out, problems = launch.communicate()
        assert (launch.returncode, out.splitlines()[:1]) == (0, ["Wave 2: 2 agents launched"]), problems
        assert process.wait(60) == 0
    assert hosts.outcomes() == {domain: [("killed", "WORKER_LOST"), ("success", None)] for domain in ORDERED}
    agents = hosts.swarm("attempts", hosts.amending.run, "--json").data["agents"][:2]
    assert [(len(agent["attemptChain"]), agent["recoveryReason"]) for agent in agents] == [(2, "WORKER_LOST")] * 2
    assert [agent["recoveredFrom"] for agent in agents] == [agent["attempts"][0]["id"] for agent in agents]
    # Each attempt ran once, and the orders of the dead worker are deleted.
    assert len(hosts.log.read_text().splitlines()) == 4
    assert hosts.swarm("engine", "status", "--json").data["orders"] == 0


def test_a_launch_is_detached_attached_and_cancelled_and_a_result_after_that_is_late(
    hosts: Hosts, background: Callable[..., Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWARM_LOG", raising=False)
    swarm, run = hosts.swarm, hosts.amending.run
    hosts.plays(code="sleep", tests="sleep")
    first = background("launch", run, "--on", hosts.url, "--runtime", "played")
    assert eventually(lambda: swarm("engine", "status", "--json").data["orders"] == 2)
    first.send_signal(signal.SIGINT)
    _, problems = first.communicate()
    attach = f"swarm launch {run} --on {hosts.url}"
    said = f"detached; 2 orders stay with the engine: `{attach}` attaches again, with --cancel ends them"
    assert (first.returncode, said in problems) == (130, True), problems
    attached = background("launch", run, "--on", hosts.url)
    # One that had not attached before it is cancelled would order anew.
    lock = Workspace(hosts.amending.place.db).launch_lock(run, 2)
    assert eventually(lambda: is_held(lock))
    # A worker takes a single order; the other waits.
    with hosts.worker(1, "--slots", "1") as process:
        assert eventually(lambda: hosts.worked_on(1))
        cancelled = valid(swarm("launch", run, "--on", hosts.url, "--cancel", "--json"), "launch", 0)
        assert (cancelled["cancelled"], cancelled["nextAction"]) == (2, f"swarm launch {run}")
        assert not hosts.agents_of_workers()
        assert process.wait(60) == 0
    # What the agent said until then stays with its attempt.
    logs = sorted((hosts.amending.place.folder / run).glob("wave-2/*/attempt-1/stdout.log"))
    assert [log.read_text() for log in logs] == ["asleep\n"]
    assert attached.wait(60) == 3
    assert hosts.outcomes() == {domain: [("killed", "CANCELLED")] for domain in ORDERED}
    assert swarm("engine", "status", "--json").data["orders"] == 0
    assert swarm("launch", run, "--on", hosts.url, "--cancel", "--json").data["cancelled"] == 0
    _send_result(hosts)
    hosts.plays(code={"src/app.py": ""})
    monkeypatch.setenv("SWARM_LOG", "ndjson")
    with hosts.worker(2) as process:
        events = hosts.launch().events
        assert process.wait(60) == 0
    assert [event["code"] for event in events if event["stage"] == "result_refused"] == ["RESULT_LATE"]
    assert hosts.outcomes() == {domain: [("killed", "CANCELLED"), ("success", None)] for domain in ORDERED}


def _send_result(hosts: Hosts) -> None:
    """Send a result of the first attempt as its worker would have sent it."""
    query = "SELECT id, created FROM attempts WHERE outcome IS NOT NULL AND host LIKE 'engine %' ORDER BY id"
    number, created = hosts.amending.sql(query)[0]
    order = f"{hosts.amending.run.rpartition('-')[2]}-{number}-{''.join(filter(str.isdigit, created))}"
    result = {
        "id": order, "nonce": nonce_of(own_credentials().seed, order), "worker": "one", "answer": None, "work": None,
        "stdout": None, "stderr": None, "untaken": [], "ending": {"outcome": "success", "exit_class": 0},
    }  # fmt: skip

    async def send() -> None:
        async with linked(read_credentials(hosts.credentials)) as link:
            await link.keep(link.names.result("one"), json.dumps(result).encode())

    asyncio.run(send())


def test_a_commit_that_is_too_large_for_an_engine_is_refused_before_an_attempt_is_opened(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.plays()
    monkeypatch.setattr(objects, "MOST_BYTES", 100)
    words = ("launch", hosts.amending.run, "--on", hosts.url, "--runtime", "played", "--json")
    refused = hosts.swarm(*words, exit=1)
    assert (refused.code, "bytes; 100 are the limit" in refused.out) == ("ENGINE_REFUSED", True), refused.out
    assert hosts.outcomes() == {}


@raises("ENGINE_FULL")
def test_an_engine_without_room_for_a_base_says_how_to_make_room(hosts: Hosts) -> None:
    hosts.plays()

    async def fill(link: EngineLink) -> None:
        present = (await link.ask(f"STREAM.INFO.{link.names.bases}"))["config"]
        await link.ask(f"STREAM.UPDATE.{link.names.bases}", {**present, "max_bytes": 1, "discard": "new"})

    async def empty(link: EngineLink) -> None:
        present = (await link.ask(f"STREAM.INFO.{link.names.bases}"))["config"]
        await link.ask(f"STREAM.UPDATE.{link.names.bases}", {**present, "max_bytes": -1})

    administer(own_credentials(), fill)
    words = ("launch", hosts.amending.run, "--on", hosts.url, "--runtime", "played")
    said = [line for line in hosts.swarm(*words, exit=1).err.splitlines() if line.startswith("ERROR")]
    assert len(said) == 1
    assert said[0].startswith("ERROR [ENGINE_FULL]: The engine has no room: swarm."), said
    assert said[0].endswith("maximum bytes exceeded"), said
    assert hosts.outcomes() == {}
    administer(own_credentials(), empty)
    hosts.ordered()


@pytest.mark.sweep
def test_agents_that_are_deaf_to_a_cancellation_are_ended_before_their_launch_calls_them_unconfirmed(
    hosts: Hosts,
) -> None:
    hosts.plays(code="deaf", tests="deaf")
    hosts.ordered()
    with hosts.worker(len(ORDERED)) as process:
        assert eventually(lambda: hosts.worked_on(len(ORDERED)))
        # It waits eight seconds, and workers end their agents within six.
        hosts.swarm("launch", hosts.amending.run, "--on", hosts.url, "--cancel")
        assert not hosts.agents_of_workers()
        assert process.wait(60) == 0
    ends = hosts.amending.sql("SELECT error_code, error_fragment FROM attempts WHERE host LIKE 'engine %'")
    assert ends == [("CANCELLED", "the launch was cancelled")] * len(ORDERED)


def test_a_launch_that_attaches_to_orders_that_were_cancelled_meanwhile_ends_them(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.plays()
    hosts.ordered()
    monkeypatch.setattr("swarm.waves.hosts.lives._CANCEL_SECONDS", 0.1)

    async def cancel(link: EngineLink) -> None:
        for order in await queues.orders_in(link):
            await link.keep(link.names.cancel(order), cancel_of(nonce_of(own_credentials().seed, order)))

    administer(own_credentials(), cancel)
    hosts.launch(exit=3)
    assert hosts.outcomes() == {domain: [("killed", "CANCELLED")] for domain in ORDERED}


def test_a_control_plane_restored_from_a_backup_orders_anew_what_others_ordered_and_cancelled(hosts: Hosts) -> None:
    hosts.plays(code={"src/app.py": ""})
    database = hosts.amending.place.db
    backup = database.read_bytes()
    hosts.ordered()
    numbers = hosts.amending.sql("SELECT id FROM attempts WHERE host LIKE 'engine %'")
    hosts.swarm("launch", hosts.amending.run, "--on", hosts.url, "--cancel")
    # A worker that had one of the orders delivers after all.
    _send_result(hosts)
    database.write_bytes(backup)
    with hosts.worker(len(ORDERED)) as process:
        events = hosts.launch().events
        assert process.wait(60) == 0
    assert hosts.amending.sql("SELECT id FROM attempts WHERE host LIKE 'engine %'") == numbers
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}
    assert [event["code"] for event in events if event["stage"] == "result_refused"] == ["RESULT_LATE"]


def test_a_cap_on_costs_withdraws_what_no_worker_has_taken(hosts: Hosts) -> None:
    hosts.streams().touch()
    words = ("launch", hosts.amending.run, "--on", hosts.url, "--max-cost", "0.2", "--json")
    assert hosts.swarm(*words, "--runtime", "played", exit=2).code == "COST_UNMETERED"
    with hosts.worker(1, "--slots", "1") as process:
        hosts.swarm(*words, "--runtime", "claude", exit=2)
        assert process.wait(60) == 0
    assert sorted(hosts.outcomes().values()) == [
        [("policy_rejected", "COST_BUDGET_EXCEEDED")],
        [("success", None)],
    ]
    assert len(hosts.log.read_text().splitlines()) == 1


def test_a_launch_that_may_wait_orders_an_agent_again_once_the_quota_of_its_worker_is_there(hosts: Hosts) -> None:
    gate = hosts.streams()
    gate.touch()
    gate.with_name("limited").touch()
    words = ("launch", hosts.amending.run, "--on", hosts.url, "--runtime", "claude", "--format", "json")
    with hosts.worker(len(ORDERED) + 1) as process:
        answer = hosts.swarm(*words, "--park", "60s")
        assert process.wait(60) == 0
    assert [event["runId"] for event in answer.events if event["stage"] == "launch_parked"] == [hosts.amending.run]
    assert hosts.outcomes() == {
        "code": [("stalled", "QUOTA_EXHAUSTED"), ("success", None)],
        "tests": [("success", None)],
    }


@raises("ENGINE_NO_WORKER")
def test_engines_have_names_that_a_stranger_cannot_give(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts.engines('[launch]\non = "team"\ntags = { code = "big", played = ["claude", "played"] }\n')
    launch = ("launch", hosts.amending.run, "--runtime", "played")
    refused = {
        (): "[ENGINE_NO_WORKER]: No worker of the engine takes orders for big: it has workers for claude, played",
        ("--on", "tema"): "[ENGINE_UNKNOWN]: There is no engine: nothing is called 'tema': [engines] of swarm.toml has"
        " team; did you mean team?",
        ("--on", "nats://127.0.0.1:1"): f"[ENGINE_UNKNOWN]: There is no engine: that of this machine is at {hosts.url};"
        " for another, name its credentials, or put it into [engines]",
        ("--on", "./missing"): "[ENGINE_REFUSED]: The engine does not do that: "
        f"{hosts.amending.repo.root}/missing holds no credentials",
        # Not on workers: this machine does not know their runtime.
        ("--on", "local"): "[RUNTIME_UNKNOWN]: No runtime is called 'played'",
    }
    for words, problem in refused.items():
        assert hosts.swarm(*launch, *words, exit=1).err.splitlines()[0].startswith(f"ERROR {problem}")
    assert hosts.swarm(*launch, "--jobs", "2", exit=2).code == "CLI_USAGE"
    monkeypatch.delenv("SWARM_LOG")
    # No states of agents stand before the refusal.
    assert hosts.swarm(*launch, "--on", "tema", exit=1).err.startswith("ERROR [ENGINE_UNKNOWN]: ")
    assert hosts.swarm(*launch, "--on", "local", "--cancel", exit=2).code == "CLI_USAGE"
    monkeypatch.setenv("SWARM_TRUST", "0")
    hosts.swarm("trust", "--wave", hosts.amending.run)
    for words, part in (
        ((), "[launch.on]"),
        (("--on", "team"), "[engines.team]"),
        (("--on", hosts.url), "[launch.tags]"),
    ):
        answer = hosts.swarm(*launch, *words, exit=2)
        assert (answer.code, part in answer.err) == ("CONFIG_UNTRUSTED", True), answer.err
    assert hosts.outcomes() == {}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[engines.team]\nkind = "dask"\nurl = "nats://a"', "$.engines.team.kind"),
        ('[engines.team]\nurl = "http://a"', "$.engines.team.url"),
        ('[engines.team]\nurl = "nats://user@a"', "$.engines.team.url"),
        ("[engines.team]\n", "$.engines.team"),
        ('[engines.local]\nurl = "nats://a"', "$.engines"),
        ('[engines.team]\nurl = "nats://a"\nlease_seconds = 3', "$.engines.team.lease_seconds"),
        ('[engines.team]\nurl = "nats://a"\nmax_result_mib = 0', "$.engines.team.max_result_mib"),
        ("[launch]\ntags = { code = [] }", "$.launch.tags.code"),
        ('[launch]\ntags = { code = "a.b" }', "$.launch.tags.code"),
        ("[launch]\non = 1", "$.launch.on"),
    ],
)
def test_a_wrong_value_of_an_engine_is_refused_by_its_place(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "swarm.toml").write_text(text)
    with pytest.raises(errors.ConfigInvalid) as refused:
        find(tmp_path)
    assert place in refused.value.message


def test_a_server_without_tls_is_nobody_s_engine(hosts: Hosts) -> None:
    async def walk() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b'INFO {"server_id":"a","version":"2.10.0","max_payload":1000000,"nonce":"x"}\r\n')
            while line := await reader.readline():
                if line.startswith(b"PING"):
                    writer.write(b"PONG\r\n")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with linked(read_credentials(hosts.credentials)._replace(url=url)):
                pass

    with pytest.raises(errors.EngineRefused, match="speaks without TLS"):
        asyncio.run(walk())


def test_an_order_that_is_not_sent_or_not_delivered_yet_is_not_expected_to_show_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delivered = 1

    async def queues_of(_link: object) -> dict[str, Queue]:
        return {"fast": Queue("fast", waiting=2, at_work=1, free=0, delivered=delivered)}

    monkeypatch.setattr(coordinator.queues, "queues_of", queues_of)

    async def walk() -> list[bool]:
        link: Any = None
        of_run = coordinator.Coordinator(link, Access(Credentials("", "", "", "", "", "")), "0a", print)
        of_run.expect("being sent")
        for number, order in enumerate(("delivered", "queued"), 1):
            of_run.expect(order, OrderPlace(number, "fast"))
        of_run.expect("of a queue that is gone", OrderPlace(3, "slow"))
        await of_run._expect_delivered()
        return [of_run._lives.is_expected(order) for order in of_run._pending()]

    assert asyncio.run(walk()) == [False, True, False, True]


def test_a_coordinator_that_is_done_in_the_moment_of_an_answer_stops_watching(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    async def queues_of(_link: object) -> dict[str, Queue]:
        asked.set()
        # As the client of the engine waits, which loses a cancellation that comes with its answer.
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(coordinator.queues, "queues_of", queues_of)
    monkeypatch.setattr(coordinator, "_LOOK_SECONDS", 0)

    async def walk() -> bool:
        link: Any = None
        of_run = coordinator.Coordinator(link, Access(Credentials("", "", "", "", "", "")), "0a", print)
        of_run.expect("queued")
        watching = asyncio.create_task(of_run._watch_time())
        await asked.wait()
        watching.cancel()
        done, _ = await asyncio.wait({watching}, timeout=LONG)
        return bool(done)

    assert asyncio.run(walk())


def test_an_order_is_lost_by_silence_and_by_a_note_of_the_engine_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(lives.time, "monotonic", lambda: clock[0])
    known = lives.Lives(30)

    def ended(at: float, *orders: str) -> list[str]:
        clock[0] = at
        return [ending.error_code or "" for order in orders if (ending := known.ending_of(order))]

    # Nobody has taken it: it may wait for days.
    assert ended(1e6, "queued") == []
    clock[0] = 100
    known.sign("alive")
    known.expect("silent")
    known.note("noted", "note")
    # The engine takes no sign of a worker that was cut off, and the coordinator hears it all the same.
    known.sign("cut off")
    known.note("cut off", "note")
    known.end_soon(["cancelled"], Ending("killed", 3, error_code="CANCELLED"))
    every = ("alive", "silent", "noted", "cut off", "cancelled")
    assert ended(107, *every) == []
    assert ended(108, *every) == ["CANCELLED"]
    assert ended(110, *every[:4]) == ["WORKER_LOST"]
    assert (known.forget("noted"), known.forget("silent")) == ("note", None)
    assert ended(129, *every[:4]) == []
    assert ended(130, *every[:4]) == ["WORKER_LOST"]
    assert ended(145, *every[:4]) == ["WORKER_LOST"] * 2


@pytest.mark.sweep
def test_a_coordinator_that_is_killed_at_any_of_its_points_runs_nothing_twice_and_loses_nothing(hosts: Hosts) -> None:
    hosts.plays(code={"src/app.py": ""})
    # A row is open without an order, the base is not yet kept, it is, an order is sent and not noted, all are sent.
    for point in ("commit.after", "engine.keep.before", "engine.keep.after", "engine.keep.after:3", "ordered"):
        hosts.ordered(point)
    with hosts.worker(2) as process:
        assert process.wait(60) == 0
    # A result is taken, its attempt is closed and the result is not acknowledged.
    for point in ("commit.before", "commit.after", "engine.acknowledge.before"):
        hosts.ordered(point)
    hosts.launch()
    assert hosts.outcomes() == {domain: [("success", None)] for domain in ORDERED}
    assert len(hosts.log.read_text().splitlines()) == 2
    assert hosts.swarm("ledger", "verify").exit == 0

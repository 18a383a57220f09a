"""`swarm worker` and `swarm launch --on`: a wave worked on by processes that have no repository."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from swarm import errors
from swarm.engine import messages, objects
from swarm.engine.link import linked
from swarm.engine.objects import KeptObject
from swarm.engine.place import read_credentials
from swarm.waves.hosts import coordinator
from tests.cli.errors.refusal import raises
from tests.cli.scenes.amend_wave import LINE, MENDED, Amending, violations
from tests.conftest import Swarm

PROGRAM = """
import json, os, pathlib, sys, time
LOG, ROOT, BEHAVIOUR, LINE, MENDED = json.loads(sys.argv[1])
domain, tree = os.environ["SWARM_DOMAIN"], pathlib.Path(os.environ["SWARM_WORKTREE"])
prompt = pathlib.Path(os.environ["SWARM_PROMPT_FILE"]).read_text()
with open(LOG, "a") as log:
    log.write(f"{domain} {str(tree) in prompt} {ROOT in prompt}\\n")
behaviour, parent = BEHAVIOUR[domain], os.getppid()
if behaviour == "sleep":
    # Until its worker is dead, which nothing here tells the agent of.
    while os.getppid() == parent:
        time.sleep(0.05)
if behaviour == "fail":
    sys.exit("no luck")
for path, text in behaviour.items():
    (tree / path).write_text((tree / path).read_text().replace(LINE, MENDED) + text)
body = {"domain": domain, "summary": "Done.", "fixes": [], "files_changed": sorted(behaviour)}
pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(body))
"""


# swarm itself answers for the third agent of the wave, which has no finding to fix.
ORDERED = ("code", "tests")
# Of a result that is taken in: before and after its files are written, and before its row is closed.
POINTS = ("git.read-tree.before", "git.read-tree.after", "commit.before")


class Hosts:
    """An engine, an amend wave, and workers in processes of their own."""

    def __init__(self, amending: Amending, swarm: Swarm, folder: Path) -> None:
        self.amending = amending
        self.swarm = swarm
        self.folder = folder
        self.log = folder / "log"
        self.credentials = folder / "one.credentials"
        swarm("engine", "invite", "one", "--tag", "played", "--output", self.credentials)
        self.url = swarm("engine", "status", "--json").data["url"]

    def plays(self, **behaviour: Any) -> None:
        """Let the agents of the workers do something: edits by path, `fail`, or `sleep`."""
        every = {domain: behaviour.get(domain, {}) for domain in ORDERED}
        words = json.dumps([str(self.log), str(self.amending.repo.root), every, LINE, MENDED])
        (self.folder / "agent.py").write_text(PROGRAM)
        argv = json.dumps([sys.executable, str(self.folder / "agent.py"), words])
        (self.folder / "swarm.toml").write_text(f'[runtimes.played]\nkind = "command"\nargv = {argv}\n')

    @contextmanager
    def worker(self, most: int) -> Iterator[subprocess.Popen[bytes]]:
        words = ("worker", "--credentials", self.credentials, "--cache", self.folder / "cache", "--most", most)
        argv = [sys.executable, "-m", "swarm", *map(str, words), "--slots", "2"]
        with subprocess.Popen(argv, cwd=self.folder, start_new_session=True, stdout=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.kill()

    def launch(self, exit: int = 0) -> Any:  # noqa: A002
        return self.swarm("launch", self.amending.run, "--on", self.url, "--runtime", "played", "--json", exit=exit)

    def ordered(self, point: str = "ordered") -> None:
        """Launch on the engine, and be killed at a point: by default once the orders are with the engine."""
        argv = [sys.executable, "-m", "swarm", "launch", self.amending.run, "--on", self.url, "--runtime", "played"]
        killed = {"SWARM_FAILPOINT": point}
        done = subprocess.run(
            argv,
            cwd=self.amending.repo.root,
            env={**os.environ, **killed},
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr

    def outcomes(self) -> dict[str, Any]:
        """Return the outcome and the code of each attempt, by the agents that have any."""
        agents = self.swarm("attempts", self.amending.run, "--json").data["agents"]
        found = {agent["domain"]: [(one["outcome"], one["errorCode"]) for one in agent["attempts"]] for agent in agents}
        return {domain: codes for domain, codes in found.items() if codes}


@pytest.fixture
def hosts(amending: Amending, swarm: Swarm, engine: Path, tmp_path: Path) -> Hosts:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return Hosts(amending, swarm, folder)


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


def test_an_order_of_a_dead_worker_is_closed_and_never_run_twice(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts.plays(code="sleep", tests="sleep")
    hosts.ordered()
    with hosts.worker(2) as process:
        while not hosts.log.exists() or len(hosts.log.read_text().splitlines()) < 2:
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
    monkeypatch.setattr(coordinator, "LOST_SECONDS", 0.1)
    hosts.launch(exit=3)
    found = hosts.outcomes()
    assert [codes[-1] for codes in found.values()] == [("killed", "WORKER_LOST")] * 2
    assert len(hosts.log.read_text().splitlines()) == 2
    # Without a sandbox the agents of a killed worker live on; the next test has the same folder.
    for pid in _working(hosts.log):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _working(log: Path) -> Iterator[int]:
    """Yield the agents that write to a log, and their keepers."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(log).encode() in entry.read_bytes():
                yield int(entry.parent.name)


@raises("ENGINE_NO_WORKER")
def test_work_that_no_worker_may_take_is_not_ordered(hosts: Hosts) -> None:
    run = hosts.amending.run
    answer = hosts.swarm("launch", run, "--on", hosts.url, "--runtime", "other", exit=1)
    assert answer.code == "ENGINE_NO_WORKER"
    assert hosts.outcomes() == {}
    assert hosts.swarm("launch", run, "--on", hosts.url, exit=2).code == "CLI_USAGE"
    assert hosts.swarm("launch", run, "--on", "tls://127.0.0.1:1", "--runtime", "x", exit=1).code == "ENGINE_UNKNOWN"
    assert hosts.swarm("launch", run, "--on", "missing", "--runtime", "x", exit=1).code == "ENGINE_REFUSED"


@raises("BASE_CORRUPT")
def test_an_object_is_taken_by_its_digest_or_not_at_all() -> None:
    body = os.urandom(300_000)

    class Fake:
        """An engine that keeps messages in a dictionary."""

        def __init__(self) -> None:
            self.messages: dict[str, bytes] = {}

        async def keep(self, subject: str, piece: bytes, _once: str) -> int:
            self.messages[subject] = piece
            return len(self.messages)

        async def kept(self, _stream: str, subject: str) -> bytes | None:
            return self.messages.get(subject)

    fake: Any = Fake()
    named: Callable[[str], str] = "o.{}".format
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
    for body, key in (
        (text, theirs.public),
        (text.replace(b"played", b"player"), ours.public),
        (text.replace(b"}", b',"argv":["sh"]}', 1), ours.public),
        (b"x" * (messages.MOST_MESSAGE + 1), ours.public),
    ):
        with pytest.raises(errors.ResultForged):
            messages.order_of(body, key)

"""A team for a soak: an engine, four workers that are hosts of their own, and the coordinator of an amend wave."""

import json
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from soak import nets
from soak.calls import environment, git, swarm
from soak.soundness import rows
from soak.stages import AMEND, AUDIT, STEP

HOSTS = ("host1", "host2", "host3", "host4")
SLOTS = 2
WORK_SECONDS = (1.0, 20.0)
# A name that is there already shows that the same attempt was begun twice.
AGENT = """
import json, os, pathlib, random, sys, time
begun, domain = pathlib.Path(sys.argv[1]), os.environ["SWARM_DOMAIN"]
attempt = os.environ["SWARM_ATTEMPT"]
try:
    (begun / attempt).open("x").close()
except FileExistsError:
    (begun.parent / "twice" / f"{attempt}-{os.getpid()}").touch()
time.sleep(random.uniform(*json.loads(sys.argv[2])))
file = pathlib.Path(os.environ["SWARM_WORKTREE"]) / domain / "part.py"
file.write_text(file.read_text().replace("seen=[]", "seen=None"))
body = {"domain": domain, "summary": "Done.", "fixes": [], "files_changed": [f"{domain}/part.py"]}
pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(body))
"""


class Child(NamedTuple):
    """A process that was started, and the file of its output."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]


class Team:
    """An engine, its workers on their hosts, and the coordinator of a wave."""

    def __init__(self, folder: Path, network: nets.Network, agents: int) -> None:
        self.folder = folder
        self.root = folder / "here" / "repo"
        self.network = network
        self.domains = [f"d{number}" for number in range(agents)]
        for name in ("begun", "twice"):
            (folder / name).mkdir()
        self._make()
        self.workers = {host: self.worker(host) for host in HOSTS}

    def _make(self) -> None:
        self.root.mkdir(parents=True)
        git(self.root, "init", "-q", "-b", "main")
        for domain in self.domains:
            (self.root / domain).mkdir()
            (self.root / domain / "part.py").write_text(f"def {domain}(seen=[]):\n    return seen\n")
        (self.root / ".gitignore").write_text("swarms/\nswarm.toml\n")
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", "start")
        (self.folder / "agent.py").write_text(AGENT)
        argv = [sys.executable, str(self.folder / "agent.py"), str(self.folder / "begun"), json.dumps(WORK_SECONDS)]
        self.config = (
            f'[runtimes.played]\nkind = "command"\nargv = {json.dumps(argv)}\n'
            '[sandbox]\nbackend = "none"\nreason = "the agents write down that they began"\n'
        )
        (self.root / "swarm.toml").write_text(self.config + STEP)
        self._amend()
        listen = f"{self.network.address}:0"
        self.url = swarm(self.root, "engine", "up", "--listen", listen)["url"]

    def _amend(self) -> None:
        """Bring the run to an amend wave with an agent in every domain."""
        listed = [{"name": domain, "globs": [f"{domain}/**"]} for domain in self.domains]
        (self.root.parent / "map.json").write_text(json.dumps([*listed, {"name": "rest", "globs": ["**"]}]))
        swarm(self.root, "init", ".", "--domains-from", "../map.json")
        wave = swarm(self.root, "dispatch", AUDIT, "--auto-freeze")
        for agent in wave["agents"]:
            domain = agent["domain"]
            place = {"file": f"{domain}/part.py", "line": 1, "quote": f"def {domain}(seen=[]):"}
            found = {"id": "1", "severity": "HIGH", "category": "bug", "description": "It is shared.", **place}
            body = {"domain": domain, "stage": "A", "summary": "Looked."}
            body["findings"] = [found] if domain in self.domains else []  # type: ignore[assignment]
            Path(agent["outputPath"]).write_text(json.dumps(body))
        swarm(self.root, "collect")
        swarm(self.root, "approve", "--all")
        swarm(self.root, "dispatch", AMEND, "--isolate", "--runtime", "played")

    def worker(self, host: str) -> Child:
        """Start the worker of a host, which is invited the first time."""
        place = self.folder / host
        credentials = place / "credentials"
        if not credentials.exists():
            place.mkdir()
            (place / "swarm.toml").write_text(self.config)
            swarm(self.root, "engine", "invite", host, "--tag", "played", "--output", str(credentials))
        words = ("worker", "--credentials", str(credentials), "--cache", str(place / "cache"), "--slots", str(SLOTS))
        return self._start(place, (*self.network.words(host), sys.executable, "-m", "swarm", *words), place / "log")

    def launch(self) -> Child:
        words = ("launch", "--on", self.url, "--runtime", "played", "--format", "json")
        return self._start(self.root, (sys.executable, "-m", "swarm", *words), self.folder / "launch.log")

    def _start(self, cwd: Path, argv: tuple[str, ...], log: Path) -> Child:
        output = log.open("ab")
        # What a worker leaves behind is its own affair: only the coordinator's temporary files are looked at.
        home = self.root.parent if cwd == self.root else cwd
        process = subprocess.Popen(
            argv, cwd=cwd, env={**environment(home), "SWARM_LOG": "on"}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
        return Child(process, output)

    def up(self) -> None:
        swarm(self.root, "engine", "up")

    def server(self) -> int:
        record = self.root.parent / ".local/state/swarm/engine/server.json"
        return int(json.loads(record.read_text())["pid"])

    def open_agents(self) -> int:
        """Return how many agents have not succeeded."""
        return self._agents("1")

    def waits_for_launch(self) -> bool:
        """Say whether a launch could still do something: it orders no agent again whose answer was invalid."""
        return self._agents("status IN ('dispatched', 'running')") > 0

    def _agents(self, which: str) -> int:
        query = (
            "SELECT count(*) FROM agent_runs WHERE wave_id = (SELECT max(id) FROM waves) AND domain != 'rest'"
            f" AND {which} AND id NOT IN (SELECT agent_run_id FROM attempts WHERE outcome = 'success')"
        )
        return int(rows(self.root, query)[0][0])

    def refused(self) -> dict[str, int]:
        """Return how many results the coordinator noted and did not take, by code."""
        said = (self.folder / "launch.log").read_text("utf-8", "replace")
        return {code: said.count(f"code={code}") for code in ("RESULT_LATE", "RESULT_FORGED")}

    def end(self) -> None:
        for worker in self.workers.values():
            with suppress(ProcessLookupError):
                worker.process.send_signal(signal.SIGCONT)
            end(worker, signal.SIGINT)
        swarm(self.root, "engine", "down")


def end(child: Child, number: int = signal.SIGKILL) -> None:
    child.process.send_signal(number)
    with suppress(subprocess.TimeoutExpired):
        child.process.wait(60)
    child.process.kill()
    child.process.wait()
    child.output.close()

"""A wave on workers that are processes of their own, without a repository."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from swarm.engine.link import EngineLink, administer
from swarm.engine.place import own_credentials
from tests.cli.scenes.amend_wave import LINE, MENDED, Amending
from tests.conftest import Swarm

# In the words of Claude Code.
STREAM = """
import json, os, pathlib, sys, time
LOG, GATE = map(pathlib.Path, sys.argv[1:3])
def tell(**line):
    print(json.dumps(line), flush=True)
def says(number, **block):
    usage = {"input_tokens": 1000, "output_tokens": 200}
    tell(type="assistant", message={"id": number, "content": [block], "usage": usage})
domain = os.environ["SWARM_DOMAIN"]
with LOG.open("a") as log:
    log.write(f"{domain}\\n")
tell(type="system", subtype="init", session_id="session-1", model="model-1")
says("m1", type="tool_use", id="t1", name="Read", input={"file_path": "a", "why": os.environ.get("API_KEY")})
if GATE.with_name("limited").exists() and domain == "code" and LOG.read_text().splitlines().count(domain) == 1:
    info = {"status": "rejected", "resetsAt": time.time() + 1, "rateLimitType": "five_hour"}
    tell(type="rate_limit_event", rate_limit_info=info)
    sys.exit(1)
while not GATE.exists():
    time.sleep(0.02)
answer = json.dumps({"domain": domain, "summary": "Done.", "fixes": [], "files_changed": []})
usage = {"input_tokens": 1000, "output_tokens": 500}
tell(type="result", subtype="success", is_error=False, num_turns=2, result=answer, session_id="session-1",
     total_cost_usd=0.25, usage=usage)
"""
PROGRAM = """
import json, os, pathlib, signal, sys, time
LOG, ROOT, BEHAVIOUR, LINE, MENDED = json.loads(sys.argv[1])
domain, tree = os.environ["SWARM_DOMAIN"], pathlib.Path(os.environ["SWARM_WORKTREE"])
prompt = pathlib.Path(os.environ["SWARM_PROMPT_FILE"]).read_text()
with open(LOG, "a") as log:
    log.write(f"{domain} {str(tree) in prompt} {ROOT in prompt}\\n")
behaviour = BEHAVIOUR[domain]
if behaviour == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if behaviour in ("sleep", "deaf"):
    print("asleep", flush=True)
    time.sleep(600)
if behaviour == "wait":
    while not pathlib.Path(LOG + ".go").exists():
        time.sleep(0.02)
    behaviour = {}
if behaviour == "fail":
    sys.exit("no luck")
for path, text in behaviour.items():
    (tree / path).write_text((tree / path).read_text().replace(LINE, MENDED) + text)
body = {"domain": domain, "summary": "Done.", "fixes": [], "files_changed": sorted(behaviour)}
pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(body))
"""


# swarm itself answers for the third agent of the wave, which has no finding to fix.
ORDERED = ("code", "tests")


@contextmanager
def worker_of(folder: Path, *more: str, patch: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker with the credentials, the configuration and the cache of a folder, and two slots."""
    words = ("worker", "--credentials", "one.credentials", "--cache", "cache", "--slots", "2", *more)
    begin = ["-c", f"{patch}\nfrom swarm.cli.main import run\nrun()"] if patch else ["-m", "swarm"]
    argv = [sys.executable, *begin, *words]
    with subprocess.Popen(argv, cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


class Hosts:
    """An engine, an amend wave, and workers in processes of their own."""

    def __init__(self, amending: Amending, swarm: Swarm, folder: Path) -> None:
        self.amending = amending
        self.swarm = swarm
        self.folder = folder
        self.log = folder / "log"
        self.credentials = folder / "one.credentials"
        swarm("engine", "invite", "one", "--tag", "played", "--tag", "claude", "--output", self.credentials)
        self.url = swarm("engine", "status", "--json").data["url"]

    def plays(self, **behaviour: Any) -> None:
        """Let the agents of the workers do something: edits by path, `fail`, `sleep`, `deaf`, or `wait`."""
        every = {domain: behaviour.get(domain, {}) for domain in ORDERED}
        words = json.dumps([str(self.log), str(self.amending.repo.root), every, LINE, MENDED])
        (self.folder / "agent.py").write_text(PROGRAM)
        argv = json.dumps([sys.executable, str(self.folder / "agent.py"), words])
        (self.folder / "swarm.toml").write_text(f'[runtimes.played]\nkind = "command"\nargv = {argv}\n')

    def streams(self) -> Path:
        """Let the agents of the workers be `claude`, as this scene plays it; they answer when the gate is there.

        With a file `limited` beside the gate the first agent of `code` meets a limit of its plan.
        """
        gate = self.folder / "gate"
        (self.folder / "agent.py").write_text(STREAM)
        argv = json.dumps([sys.executable, str(self.folder / "agent.py"), str(self.log), str(gate)])
        (self.folder / "swarm.toml").write_text(f'[runtimes.claude]\nargv = {argv}\nenvironment = ["API_KEY"]\n')
        return gate

    @contextmanager
    def worker(self, most: int, *more: str, patch: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker until it took so many orders; `patch` changes its modules before it begins."""
        with worker_of(self.folder, "--most", str(most), *more, patch=patch) as process:
            yield process

    def launch(self, exit: int = 0) -> Any:  # noqa: A002
        return self.swarm("launch", self.amending.run, "--on", self.url, "--runtime", "played", "--json", exit=exit)

    def ordered(self, point: str = "ordered", runtime: str = "played") -> None:
        """Launch on the engine, and be killed at a point: by default once the orders are with the engine."""
        argv = [sys.executable, "-m", "swarm", "launch", self.amending.run, "--on", self.url, "--runtime", runtime]
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

    def engines(self, text: str) -> None:
        """Write a `swarm.toml` that calls the engine `team`, with more lines after its table."""
        (self.amending.repo.root / "swarm.toml").write_text(f'[engines.team]\nurl = "{self.url}"\n{text}')

    def worked_on(self, count: int) -> bool:
        """Say whether so many agents have begun."""
        return self.log.exists() and len(self.log.read_text().splitlines()) >= count

    def kept_of_worker(self) -> int:
        """Return how many pieces of objects the engine keeps of the worker."""

        async def look(link: EngineLink) -> int:
            return int((await link.ask(f"STREAM.INFO.{link.names.bucket('one')}"))["state"]["messages"])

        return administer(own_credentials(), look)

    def agents_of_workers(self) -> list[int]:
        """Return the processes of agents, and their keepers."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if str(self.log).encode() in entry.read_bytes():
                    found.append(int(entry.parent.name))
        return found

    def outcomes(self) -> dict[str, Any]:
        """Return the outcome and the code of each attempt, by the agents that have any."""
        agents = self.swarm("attempts", self.amending.run, "--json").data["agents"]
        found = {agent["domain"]: [(one["outcome"], one["errorCode"]) for one in agent["attempts"]] for agent in agents}
        return {domain: codes for domain, codes in found.items() if codes}

"""Agents that `swarm launch` starts: Python scripts, their attempts and their processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.conftest import Answer, Repo, Swarm

OUTPUT = """
import json, os, pathlib, sys, time, subprocess
def answer(**more):
    return {"domain": os.environ["SWARM_DOMAIN"], "stage": "A", "summary": "Looked.", "findings": [], **more}
def write(**more):
    pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(answer(**more)))
"""
LONG = 60.0
# Where a launch can be killed. Its first commit only tries whether the control plane can be written; then the first
# attempt is opened, its process started and written down, and what it made is judged and the attempt closed.
OPENED, STARTED, NAMED, JUDGED, CLOSED = (
    *("commit.after:2", "commit.before:3", "commit.after:3"),
    *("commit.before:4", "commit.after:4"),
)


class Agents:
    """Writes a script and names it as a runtime in the repository's swarm.toml."""

    def __init__(self, repo: Repo, tmp: Path) -> None:
        self._repo = repo
        self.folder = tmp / "agents"
        self.folder.mkdir()

    def play(self, body: str, *, kind: str = "command", arguments: str = "", more: str = "") -> Path:
        script = self.folder / "agent.py"
        script.write_text(OUTPUT + body)
        config = (
            f'[runtimes.played]\nkind = "{kind}"\n'
            f"argv = [{json.dumps(sys.executable)}, {json.dumps(str(script))}{arguments}]\n{more}"
        )
        # While a wave is in flight nobody edits the checkout, this file neither.
        file = self._repo.root / "swarm.toml"
        if not file.exists() or file.read_text() != config:
            file.write_text(config)
        return script


def attempts(answer: Answer) -> dict[str, list[dict[str, Any]]]:
    return {agent["domain"]: agent["attempts"] for agent in answer.data["agents"]}


def outcomes(answer: Answer) -> dict[str, list[tuple[str | None, int | None, int | None]]]:
    return {
        domain: [(attempt["outcome"], attempt["exitClass"], attempt["exitCode"]) for attempt in own]
        for domain, own in attempts(answer).items()
    }


def record_of(attempt: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(attempt["recordPath"]).read_text())
    return document


def is_gone(pid: int) -> bool:
    """Say whether a process has ended; one that waits for its parent to look has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except FileNotFoundError:
        return True


def kill_with_watchdog(launch: subprocess.Popen[str]) -> None:
    """Kill a launch, and before it the watchdog that would end its agents: both can be killed."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_child = (folder / "stat").read_text().rpartition(")")[2].split()[1] == str(launch.pid)
            if is_child and b"watchdog.py" in (folder / "cmdline").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)
    launch.kill()
    launch.communicate(timeout=LONG)


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LONG
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


WAITS = "pathlib.Path({at!r} + os.environ['SWARM_DOMAIN']).write_text(str(os.getpid()))\ntime.sleep(600)"


def waiting(agents: Agents, swarm: Swarm, body: str = WAITS) -> Callable[[], bool]:
    """Dispatch a wave whose agents never end; say whether both are at work."""
    agents.play(body.format(at=str(agents.folder / "pid-")))
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    files = [agents.folder / f"pid-{domain}" for domain in ("code", "rest")]
    return lambda: all(file.exists() and file.read_text() for file in files)


def pids_of(agents: Agents) -> list[int]:
    return [int((agents.folder / f"pid-{domain}").read_text()) for domain in ("code", "rest")]

"""A real coding agent on two workers, which have no repository: an audit and an amend wave end in a verified fix."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.agents.conftest import FILES, Run, settings_of, works
from tests.agents.model_server import model_server
from tests.agents.programs import PROGRAMS, Program
from tests.conftest import Repo

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]
CLAUDE = next(program for program in PROGRAMS if program.runtime == "claude")


@contextmanager
def workers(program: Program, base: str, *places: Path) -> Iterator[list[Path]]:
    """Run a worker at each place, with the settings of the program and the variables of its login; yield their logs."""
    started, logs = [], []
    for place in places:
        (place / "swarm.toml").write_text(settings_of(program))
        words = ("worker", "--credentials", "credentials", "--cache", str(place / "cache"))
        logs.append(place / "log")
        with logs[-1].open("wb") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "swarm", *words],
                    cwd=place,
                    env={**os.environ, **program.ready(base).environment, "SWARM_LOG": "ndjson"},
                    stdout=log,
                    stderr=log,
                )
            )
    try:
        yield logs
    finally:
        for process in started:
            process.send_signal(signal.SIGINT)
        for process in started:
            process.wait(60)


@pytest.mark.parametrize("program", [CLAUDE], indirect=True, ids=["claude"])
def test_an_audit_and_an_amend_wave_on_two_workers_end_in_a_verified_fix(
    program: Program, project: Repo, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    places = [tmp_path / name for name in ("beta", "gamma")]
    with model_server(script=works) as server:

        def swarm(*words: str, exits: tuple[int, ...] = (0,)) -> Any:
            answer = run(server.base, *words, "--format", "json")
            assert answer.exit in exits, answer.out + answer.err
            return answer.data

        url = str(swarm("engine", "up", "--listen", "127.0.0.1:0")["url"])
        try:
            for place in places:
                place.mkdir()
                file = str(place / "credentials")
                swarm("engine", "invite", place.name, "--tag", program.runtime, "--output", file)
            with workers(program, server.base, *places) as logs:
                swarm("init", ".")
                swarm("dispatch", "health-audit-a", "--auto-freeze", "--isolate", "--runtime", program.runtime)
                swarm("launch", "--on", url, "--runtime", program.runtime)
                swarm("collect")
                swarm("approve", "--all")
                swarm("dispatch", "health-amend-a", "--isolate", "--runtime", program.runtime)
                swarm("launch", "--on", url, "--runtime", program.runtime)
                swarm("collect")
                swarm("merge", "--publish")
                swarm("verify")
                taken = [sum(b'"order_done"' in line for line in log.read_bytes().splitlines()) for log in logs]
        finally:
            swarm("engine", "down")
        (finding,) = swarm("findings", "--status", "all", exits=(0, 1))["findings"]
    assert (finding["file"], finding["status"]) == ("src/app.py", "fixed")
    assert (project.root / "src/app.py").read_text() == FILES["src/app.py"].removeprefix("import os\n\n\n")
    assert min(taken) > 0

"""Processes that an agent leaves: however they hide, they end with its attempt, under each sandbox and without one."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm.runtimes import bubblewrap, landlock, sandbox
from tests.cli.scenes.launched_agents import Agents, attempts, eventually, outcomes
from tests.conftest import Answer, Repo, Swarm, Workspace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes over orphans")
# Two forks, a session, a folder and an environment of its own, and no open file: nothing leads back to its agent.
HIDES = """
def hide(then):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 64)
            os.execve(sys.executable, [sys.executable, "-c", then], {"HIDDEN": TAG})
        os._exit(0)
    os.wait()
"""


@pytest.fixture(params=["none", "landlock", "bwrap"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    works = {"bwrap": bubblewrap.works, "landlock": landlock.works, "none": lambda: None}[request.param]
    if problem := works():
        pytest.skip(f"{request.param}: {problem}")
    if request.param != "none":
        monkeypatch.delenv("SWARM_SANDBOX")
        monkeypatch.setitem(sandbox.BACKENDS, request.param, works)
    return str(request.param)


def hidden(tag: str) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"HIDDEN={tag}".encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def body(tmp_path: Path, script: str) -> str:
    return HIDES.replace("TAG", repr(str(tmp_path))) + script


def test_a_process_that_hides_ends_with_the_attempt_of_its_agent(
    launched: Callable[..., Answer], tmp_path: Path, backend: str
) -> None:
    answer = launched(body(tmp_path, "for _ in range(3):\n    hide('import time; time.sleep(600)')\nwrite()\n"))
    assert outcomes(answer)["code"] == [("success", 0, 0)]
    assert [each["isolation"] for each in attempts(answer)["code"]] == [backend]
    assert eventually(lambda: hidden(str(tmp_path)) == [])


def test_a_process_that_hides_ends_with_an_attempt_that_ran_out_of_time(
    launched: Callable[..., Answer], tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("swarm.runtimes.processes.TERM_SECONDS", 0.1)
    script = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nhide('import time; time.sleep(600)')\n"
    answer = launched(body(tmp_path, script + "time.sleep(600)\n"), "--timeout", "1s", exit=3)
    assert {outcome for ((outcome, _, _),) in outcomes(answer).values()} == {"timed_out"}
    assert eventually(lambda: hidden(str(tmp_path)) == [])


def test_a_process_that_hides_ends_when_the_supervisor_of_its_agent_is_killed(
    swarm: Swarm,
    agents: Agents,
    workspace: Workspace,
    background: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    backend: str,
) -> None:
    held = "" if backend == "none" else f'[sandbox]\nbackend = "{backend}"\n'
    agents.play(body(tmp_path, "hide('import time; time.sleep(600)')\ntime.sleep(600)\n"), more=held)
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    launch = background("launch")
    assert eventually(lambda: len(hidden(str(tmp_path))) == 2)
    launch.kill()
    assert eventually(lambda: hidden(str(tmp_path)) == [])


def test_a_build_ends_when_its_verification_is_killed(
    swarm: Swarm,
    repo: Repo,
    workspace: Workspace,
    background: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    step = {"name": "wait", "kind": "test", "argv": ["env", f"HIDDEN={tmp_path}", "sleep", "600"]}
    words = "".join(f"{name} = {json.dumps(value)}\n" for name, value in step.items())
    (repo.root / "swarm.toml").write_text(f"[[verify.steps]]\n{words}")
    verify = background("verify")
    assert eventually(lambda: len(hidden(str(tmp_path))) == 1)
    verify.kill()
    assert eventually(lambda: hidden(str(tmp_path)) == [])


def test_a_process_that_hides_is_known_when_it_uses_swarm(
    launched: Callable[..., Answer], workspace: Workspace, tmp_path: Path
) -> None:
    seen = tmp_path / "seen.txt"
    then = (
        "import subprocess, sys, pathlib\n"
        f"answer = subprocess.run([sys.executable, '-m', 'swarm', '--db', {str(workspace.db)!r}, 'status'], cwd='/',"
        f" env={{'HOME': {str(Path.home())!r}, 'PATH': {os.environ['PATH']!r}}}, capture_output=True, text=True)\n"
        f"file = pathlib.Path({str(seen)!r})\nfile.with_suffix('.new').write_text(answer.stderr)\n"
        "file.with_suffix('.new').rename(file)\n"
    )
    wait = f"while not os.path.exists({str(seen)!r}):\n    time.sleep(0.05)\nwrite()\n"
    launched(body(tmp_path, f"if os.environ['SWARM_DOMAIN'] == 'code':\n    hide({then!r})\n{wait}"))
    assert "INSIDE_AGENT_WORKTREE" in seen.read_text()


def test_a_program_runs_beside_its_keeper_as_it_would_alone(launched: Callable[..., Answer], tmp_path: Path) -> None:
    shown = tmp_path / "shown.json"
    facts = (
        "{'ignored': [int(n) for n in (1, 2, 15) if signal.getsignal(n) is signal.SIG_IGN],"
        " 'added': [n for n in os.environ if n.startswith(('LC_CTYPE', 'PYTHON'))],"
        " 'is_in_group': os.getpgid(0) == os.getsid(0)}"
    )
    launched(f"import signal\npathlib.Path({str(shown)!r}).write_text(json.dumps({facts}))\nwrite()\n")
    # Under nohup a hangup is ignored here, and by every program that is started from here.
    own = [number for number in (1, 2, 15) if signal.getsignal(number) is signal.SIG_IGN]
    assert json.loads(shown.read_text()) == {"ignored": own, "added": [], "is_in_group": True}

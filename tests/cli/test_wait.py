"""`swarm wait`: bounded, compact, and the end of attempts whose launch died."""

import subprocess
from collections.abc import Callable

from tests.cli.scenes.documents import valid
from tests.cli.scenes.launched_agents import LONG, Agents, eventually, is_gone, pids_of
from tests.conftest import Answer, Swarm, Workspace


def test_a_wait_for_running_agents_ends_with_its_time_and_is_no_error(
    swarm: Swarm, workspace: Workspace, at_work: subprocess.Popen[str]
) -> None:
    assert at_work.poll() is None
    data = valid(swarm("wait", "--timeout", "1s", "--format", "json"), "wait", 0)
    assert (data["isRunning"], data["exitClass"], data["nextAction"]) == (True, 0, f"swarm wait {workspace.run}")
    assert [(agent["domain"], agent["state"], agent["runtime"]) for agent in data["live"]] == [
        ("code", "running", "played"),
        ("rest", "running", "played"),
    ]
    assert all(path.endswith(("stdout.log", "stderr.log")) for agent in data["live"] for path in agent["artifacts"])


def test_a_wait_closes_the_attempts_of_a_launch_that_was_killed(
    swarm: Swarm, agents: Agents, workspace: Workspace, at_work: subprocess.Popen[str]
) -> None:
    at_work.kill()
    at_work.communicate(timeout=LONG)
    answer = swarm("wait", exit=3)
    assert "code: running" in answer.err
    assert answer.out.splitlines()[0] == "Wave 1: no launch is running"
    assert answer.out.splitlines()[-1] == f"Next: swarm launch {workspace.run}"
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in pids_of(agents))  # type: ignore[misc]
    agents.play("write()")
    swarm("launch")
    assert valid(swarm("wait", "--format", "json"), "wait", 0)["live"][0]["state"] == "success"


def test_a_wait_after_a_launch_names_what_failed_and_where_its_files_are(
    swarm: Swarm, launched: Callable[..., Answer]
) -> None:
    launched("sys.exit(7) if os.environ['SWARM_DOMAIN'] == 'code' else write()", exit=3)
    (code, rest) = valid(swarm("wait", "--format", "json", exit=3), "wait", 3)["live"]
    assert (code["state"], rest["state"]) == ("runtime_error", "success")
    assert [path.rpartition("/")[2] for path in code["artifacts"]] == [
        *("record.json", "stdout.log", "stderr.log", "events.jsonl"),
    ]


def test_agents_that_ended_without_an_attempt_wait_for_nothing(swarm: Swarm, collected: Workspace) -> None:
    data = valid(swarm("wait", "--format", "json"), "wait", 0)
    assert {agent["state"] for agent in data["live"]} == {"complete"}
    assert data["nextAction"] == f"swarm status {collected.run}"

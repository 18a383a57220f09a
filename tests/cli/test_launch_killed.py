"""`swarm launch` beside another launch, interrupted, and killed."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm.runtimes import processes
from tests.cli.scenes.launched_agents import (
    CLOSED,
    JUDGED,
    LONG,
    NAMED,
    OPENED,
    STARTED,
    Agents,
    attempts,
    eventually,
    is_gone,
    kill_with_watchdog,
    outcomes,
    pids_of,
    record_of,
    waiting,
)
from tests.cli.scenes.snapshots import block_of
from tests.cli.test_dispatch import rows, sound
from tests.conftest import Answer, Swarm, Workspace
from tests.sweeping import swept


def test_a_second_launch_is_refused_while_one_supervises(
    swarm: Swarm, agents: Agents, workspace: Workspace, at_work: subprocess.Popen[str]
) -> None:
    answer = swarm("launch", exit=1)
    assert block_of(answer).splitlines()[0] == (
        f"ERROR [LAUNCH_IN_PROGRESS]: Wave 1 is already being launched or collected by process {at_work.pid}"
    )
    assert len(rows(workspace.db, "SELECT * FROM attempts")) == 2
    status = swarm("status", "--format", "json").data
    assert (status["assessment"]["state"], status["agentSummary"]["inFlight"]) == ("IN PROGRESS", 2)
    assert not any(agent["interrupted"] for agent in status["agents"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_agents_exits_130_and_can_be_continued(
    swarm: Swarm,
    agents: Agents,
    workspace: Workspace,
    at_work: subprocess.Popen[str],
    number: signal.Signals,
) -> None:
    at_work.send_signal(number)
    _, err = at_work.communicate(timeout=LONG)
    assert at_work.returncode == 130
    assert "Traceback" not in err
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in pids_of(agents))  # type: ignore[misc]
    assert rows(workspace.db, "SELECT DISTINCT outcome, error_code FROM attempts") == [("killed", "INTERRUPTED")]
    shown = swarm("status", "--format", "json").data
    assert [(agent["domain"], agent["interrupted"]) for agent in shown["agents"]] == [("code", True), ("rest", True)]
    table = [line.split()[:2] for line in swarm("status").out.splitlines() if line.startswith(("code", "rest"))]
    assert table == [["code", "interrupted"], ["rest", "interrupted"]]
    agents.play("write()")
    again = swarm("launch", "--format", "json")
    assert outcomes(again)["code"] == [("killed", 3, None), ("success", 0, 0)]
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


def test_a_supervisor_that_was_killed_is_found_its_agents_ended_and_launched_anew(
    swarm: Swarm, agents: Agents, workspace: Workspace, at_work: subprocess.Popen[str]
) -> None:
    kill_with_watchdog(at_work)
    orphans = pids_of(agents)
    assert not any(is_gone(pid) for pid in orphans)
    doctor = {check["id"]: check["status"] for check in swarm("doctor", "--format", "json").data["checks"]}
    assert doctor["attempts"] == "warn"
    # The agents live on until the next launch ends them.
    assert not any(agent["interrupted"] for agent in swarm("status", "--format", "json").data["agents"])
    agents.play("write()")
    again = swarm("launch", "--format", "json")
    assert outcomes(again) == {domain: [("killed", 3, None), ("success", 0, 0)] for domain in ("code", "rest")}
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in orphans)  # type: ignore[misc]
    first_attempt = attempts(again)["code"][0]
    assert (first_attempt["errorCode"], record_of(first_attempt)["outcome"]) == ("SUPERVISOR_DIED", "killed")
    assert attempts(again)["code"][1]["recordPath"].endswith("attempt-2/record.json")
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"
    assert sound(swarm)


def test_an_agent_whose_supervisor_died_before_it_could_write_its_pid_is_ended_too(
    swarm: Swarm, swarm_process: Swarm, agents: Agents, workspace: Workspace
) -> None:
    waiting(agents, swarm)
    swarm_process("launch", "--jobs", "1", exit=-9, SWARM_FAILPOINT=STARTED)
    assert rows(workspace.db, "SELECT pid, outcome FROM attempts") == [(None, None)]
    folder = Path(rows(workspace.db, "SELECT record_path FROM attempts")[0][0]).parent
    assert eventually(lambda: not processes.all_with({"SWARM_ATTEMPT_FOLDER": str(folder)}))
    agents.play("write()")
    again = swarm("launch", "--format", "json")
    assert outcomes(again)["code"] == [("killed", 3, None), ("success", 0, 0)]


# In a session of its own, so that no signal to the agent's group reaches it.
DAEMON = """
daemon = subprocess.Popen(["sleep", "600"], start_new_session=True)
pathlib.Path({at!r} + os.environ["SWARM_DOMAIN"]).write_text(str(daemon.pid))
time.sleep(600)
"""


@pytest.mark.parametrize("is_closed", [False, True])
def test_doctor_ends_the_daemons_of_a_launch_that_was_killed(
    swarm: Swarm,
    agents: Agents,
    workspace: Workspace,
    background: Callable[..., subprocess.Popen[str]],
    is_closed: bool,
) -> None:
    are_at_work = waiting(agents, swarm, DAEMON)
    first = background("launch")
    assert eventually(are_at_work)
    kill_with_watchdog(first)
    daemons = pids_of(agents)
    if is_closed:
        with sqlite3.connect(workspace.db) as conn:
            conn.execute("UPDATE attempts SET outcome = 'killed', exit_class = 3, ended = created")
    doctor = {check["id"]: check["message"] for check in swarm("doctor", "--format", "json").data["checks"]}
    assert all(str(pid) in doctor["processes"] for pid in daemons)
    repairs = swarm("doctor", "--fix", "--apply", "--reason", "x", "--format", "json").data["repairs"]
    assert ("processes", "done") in {(repair["id"], repair["status"]) for repair in repairs}
    assert {repair["status"] for repair in repairs} == {"done"}
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in daemons)  # type: ignore[misc]
    assert swarm("doctor", "--fix", "--format", "json").data["repairs"] == []


def test_the_next_launch_ends_the_daemons_of_one_that_was_killed(
    swarm: Swarm, agents: Agents, workspace: Workspace, background: Callable[..., subprocess.Popen[str]]
) -> None:
    are_at_work = waiting(agents, swarm, DAEMON)
    first = background("launch")
    assert eventually(are_at_work)
    kill_with_watchdog(first)
    agents.play("write()")
    swarm("launch")
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in pids_of(agents))  # type: ignore[misc]


def test_collect_ends_what_a_killed_supervisor_left(
    swarm: Swarm, agents: Agents, workspace: Workspace, at_work: subprocess.Popen[str]
) -> None:
    kill_with_watchdog(at_work)
    swarm("collect", exit=1)
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in pids_of(agents))  # type: ignore[misc]
    assert rows(workspace.db, "SELECT DISTINCT outcome FROM attempts") == [("killed",)]


@pytest.mark.parametrize("point", swept([OPENED, NAMED, JUDGED, CLOSED]))
def test_a_launch_that_died_anywhere_is_continued_and_nothing_is_launched_twice(
    swarm: Swarm, swarm_process: Swarm, agents: Agents, workspace: Workspace, point: str
) -> None:
    agents.play("write()")
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    swarm_process("launch", "--jobs", "1", exit=-9, SWARM_FAILPOINT=point)
    again = swarm("launch", "--format", "json")
    last = {domain: own[-1][0] for domain, own in outcomes(again).items()}
    assert last == {"code": "success", "rest": "success"}
    tried = {domain: [outcome for outcome, _, _ in own] for domain, own in outcomes(again).items()}
    before = [] if point == CLOSED else ["killed"]
    assert tried == {"code": [*before, "success"], "rest": ["success"]}
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"
    for own in attempts(again).values():
        assert [record_of(attempt)["outcome"] for attempt in own] == [attempt["outcome"] for attempt in own]
    assert sound(swarm)


def test_an_agent_cannot_use_the_control_plane(launched: Callable[..., Answer], workspace: Workspace) -> None:
    body = (
        'done = subprocess.run([sys.executable, "-m", "swarm", "--db", ' + repr(str(workspace.db)) + ', "status"],'
        ' cwd="/", capture_output=True, text=True, env={**os.environ, "PYTHONPATH": '
        + repr(str(Path.cwd()))
        + "})\nwrite(summary=done.stderr)"
    )
    launched(body)
    assert "ERROR [INSIDE_AGENT_WORKTREE]" in json.loads(workspace.output("code").read_text())["summary"]

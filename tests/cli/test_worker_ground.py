"""`swarm worker` launches what a dispatch locked, in a worktree that it set up itself."""

import json
import sys
from pathlib import Path

from tests.cli.scenes.hosts import Hosts, worker_of
from tests.cli.scenes.launched_agents import LONG, Agents
from tests.conftest import Swarm, Workspace

# The set-up of `tests` fails; that of `code` changes a file of another domain, and makes one.
SET_UP = """
echo "$SWARM_DOMAIN $SWARM_PORT_BASE" >> {log}
echo made > made.txt; echo changed >> lib/api.py
[ "$SWARM_DOMAIN" = code ] || {{ echo no compiler >&2; exit 3; }}
"""


def test_a_worktree_on_a_worker_is_set_up_there_and_what_that_makes_is_no_work(hosts: Hosts) -> None:
    hosts.plays(code={"src/app.py": ""})
    ports = hosts.folder / "ports"
    with (hosts.folder / "swarm.toml").open("a") as file:
        file.write(f"[worktrees]\nsetup = {json.dumps(['sh', '-c', SET_UP.format(log=ports)])}\n")
    with hosts.worker(2) as process:
        answer = hosts.launch(exit=3)
        assert process.wait(LONG) == 0
    assert hosts.outcomes() == {"code": [("success", None)], "tests": [("not_started", "WORKTREE_SETUP_FAILED")]}
    (failed,) = next(agent["attempts"] for agent in answer.data["agents"] if agent["domain"] == "tests")
    assert failed["errorFragment"] == (
        "the set-up of its worktree ended with exit code 3; its output is in its logs\nno compiler"
    )
    assert Path(failed["recordPath"]).with_name("stderr.log").read_text() == "no compiler\n"
    told = dict(line.split() for line in ports.read_text().splitlines())
    assert (sorted(told), all(map(str.isdigit, told.values()))) == (["code", "tests"], True)
    assert hosts.swarm("collect", hosts.amending.run, "--json", exit=1).data["violations"] == []
    assert hosts.amending.claims() == [("code", "src/app.py", "edit", 1, 1, "code", 0)]


def test_a_worker_that_would_launch_another_plan_than_was_dispatched_refuses(
    swarm: Swarm, agents: Agents, workspace: Workspace, engine: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    swarm("engine", "invite", "one", "--tag", "played", "--output", folder / "one.credentials")
    url = swarm("engine", "status", "--json").data["url"]
    agents.play("write()", more='version_argv = ["echo", "played 1.0"]\naccepts = [0, 7]\n')
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    argv = json.dumps([sys.executable, "another/place"])
    version = '["echo", "played 2.0"]'
    (folder / "swarm.toml").write_text(
        f'[runtimes.played]\nkind = "command"\nargv = {argv}\nversion_argv = {version}\n'
    )
    # Another runtime is not even ordered.
    answer = swarm("launch", "--on", url, "--runtime", "other", "--json", exit=2)
    assert answer.code == "MANIFEST_LOCK_MISMATCH"
    with worker_of(folder, "--most", "2"):
        answer = swarm("launch", "--on", url, "--runtime", "played", "--json", exit=2)
    ends = {
        (one["outcome"], one["errorCode"], one["errorFragment"])
        for own in answer.data["agents"]
        for one in own["attempts"]
    }
    words = (
        "its worker would launch another played than was dispatched: accepts was [0, 7], and is none; version was 1.0,"
        " and is 2.0"
    )
    assert ends == {("policy_rejected", "MANIFEST_LOCK_MISMATCH", words)}


def test_a_plan_that_is_locked_anew_goes_to_the_workers(
    swarm: Swarm, agents: Agents, workspace: Workspace, engine: Path
) -> None:
    url = swarm("engine", "status", "--json").data["url"]
    agents.play("write()")
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    words = ("launch", "--on", url, "--runtime", "other")
    refused = swarm(*words, "--json", exit=2)
    assert refused.code == "MANIFEST_LOCK_MISMATCH"
    # Without the engine in the hint the agents would be launched here.
    assert f"swarm launch {workspace.run} --on {url} --relock --reason" in refused.document["error"]["hint"]
    relock = ("--relock", "--reason", "another program")
    assert swarm("launch", "--on", url, "--cancel", *relock, "--json", exit=2).code == "CLI_USAGE"
    # The lock is no obstacle any more: nobody has a worker with that runtime.
    assert swarm(*words, *relock, "--json", exit=1).code == "ENGINE_NO_WORKER"
    assert swarm(*words, "--json", exit=1).code == "ENGINE_NO_WORKER"

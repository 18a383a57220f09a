"""`swarm status`: one run at a glance, and a next command that works."""

import shlex
from typing import Any

from tests.cli.scenes.snapshots import nothing_changes
from tests.conftest import Repo, Swarm, Workspace


def status(swarm: Swarm) -> dict[str, Any]:
    data: dict[str, Any] = swarm("status", "--format", "json").data
    return data


def assessed(swarm: Swarm) -> tuple[str, list[str], str]:
    found = status(swarm)["assessment"]
    return found["state"], found["blockers"], found["nextAction"]


def test_a_fresh_run_is_shown_whole(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    data = status(swarm)
    run = data["run"]
    assert data == {
        "run": {
            "id": workspace.run,
            "repo": "repo",
            "status": "initializing",
            "branch": "main",
            "commitSha": repo.head,
            "savePointTag": workspace.run.replace("swarm-", "swarm-save-"),
            "created": run["created"],
            "timeoutPolicy": 1800,
        },
        "domains": [
            {"name": name, "ownership": "owned", "frozen": True, "description": ""} for name in ("code", "rest")
        ],
        "waves": {"total": 0, "current": None},
        "agents": [],
        "agentSummary": {"total": 0, "complete": 0, "inFlight": 0, "blocked": 0},
        "findings": {
            "total": 0,
            "bySeverity": {"CRITICAL": 0, "HIGH": 0, "MEDIUM": 0, "LOW": 0},
            "byStatus": {},
            "open": 0,
            "thisWave": None,
        },
        "violations": 0,
        "lastVerification": None,
        "refusedItems": [],
        "review": None,
        "assessment": {
            "state": "NO WAVE",
            "blockers": [],
            "nextAction": f"swarm dispatch {workspace.run} health-audit-a --isolate",
        },
    }


def test_a_collected_wave_is_reported(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    data = status(swarm)
    assert data["run"]["status"] == "health-audit-a"
    assert data["waves"] == {
        "total": 1,
        "current": {
            "id": 1,
            "number": 1,
            "phase": "health-audit-a",
            "status": "collected",
            "snapshotId": 1,
            "dispatchSha": repo.head,
            "isolated": True,
            "ownershipProbeDegraded": False,
            "fromElsewhere": False,
            "review": False,
        },
    }
    assert data["agentSummary"] == {"total": 2, "complete": 2, "inFlight": 0, "blocked": 0}
    assert data["findings"] == {
        "total": 1,
        "bySeverity": {"CRITICAL": 0, "HIGH": 0, "MEDIUM": 1, "LOW": 0},
        "byStatus": {"new": 1},
        "open": 1,
        "thisWave": {"new": 1, "recurring": 0, "fixed": 0, "unverified": 0},
    }


def test_reading_changes_nothing(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    with nothing_changes(repo.root):
        swarm("status")
        swarm("runs")


def test_the_assessment_follows_a_wave_and_its_next_command_works_in_every_state(
    swarm: Swarm, workspace: Workspace
) -> None:
    run = workspace.run
    swarm("domains", "--unfreeze", "--reason", "to edit")
    assert assessed(swarm) == ("NO WAVE", ["the map is a draft"], f"swarm domains {run} --freeze")
    follow(swarm)
    assert assessed(swarm)[0] == "NO WAVE"
    follow(swarm)
    state, blockers, action = assessed(swarm)
    assert (state, blockers, action) == ("IN PROGRESS", ["no output yet: code, rest"], f"swarm launch {run}")
    workspace.answer("code", {"severity": "HIGH", "file": "src/app.py", "line": 5})
    assert assessed(swarm) == ("IN PROGRESS", ["no output yet: rest"], f"swarm launch {run}")
    workspace.answer("rest")
    assert assessed(swarm) == ("READY TO COLLECT", [], f"swarm collect {run}")
    follow(swarm)
    approve = f"swarm approve {run} --all --severity CRITICAL,HIGH"
    assert assessed(swarm) == ("AMEND NEEDED", ["1 HIGH open"], approve)
    follow(swarm)
    amend = f"swarm dispatch {run} health-amend-a --isolate"
    assert assessed(swarm) == ("AMEND NEEDED", ["1 HIGH open"], amend)
    follow(swarm)
    assert assessed(swarm)[0] == "IN PROGRESS"


def test_a_run_without_an_agent_is_shown_how_to_get_an_agent(swarm: Swarm, workspace: Workspace) -> None:
    swarm("domains", "--unfreeze", "--reason", "to edit")
    swarm("domains", "--remove", "code")
    swarm("domains", "--remove", "rest")
    assert assessed(swarm)[1] == ["no domain has an agent"]
    follow(swarm)
    assert assessed(swarm)[1] == ["the map is a draft"]


def test_a_failed_wave_names_who_failed_and_can_be_dispatched_again(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code")
    swarm("collect", exit=1)
    state, blockers, action = assessed(swarm)
    assert (state, action) == ("WAVE FAILED", f"swarm resume {dispatched.run}")
    assert blockers == ["rest is failed: BOUNDED_JSON_READ_FAILED: there is no output"]
    follow(swarm)
    swarm(*shlex.split(action)[1:], "--apply", "--reason", "again")
    assert assessed(swarm)[0] == "IN PROGRESS"


def test_an_agent_that_is_blocked_blocks_the_run(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.output("code").write_text("{}")
    dispatched.answer("rest")
    swarm("collect", exit=1)
    data = status(swarm)
    line = f"swarm revalidate {dispatched.run} --domain code:<corrected-output.json> --apply --reason '…'"
    assert (data["assessment"]["state"], data["assessment"]["nextAction"]) == ("BLOCKED", line)
    assert data["agentSummary"] == {"total": 2, "complete": 1, "inFlight": 0, "blocked": 1}


def test_a_clean_wave_leads_to_the_next_phase(swarm: Swarm, collected: Workspace) -> None:
    run = collected.run
    assert assessed(swarm) == ("READY TO ADVANCE", [], f"swarm advance {run}")
    follow(swarm)
    assert assessed(swarm) == ("READY TO DISPATCH", [], f"swarm dispatch {run} health-audit-b --isolate")
    follow(swarm)
    data = status(swarm)
    assert (data["run"]["status"], data["waves"]["current"]["phase"]) == ("health-audit-b", "health-audit-b")


def follow(swarm: Swarm, *, code: int = 0) -> None:
    """Do what the assessment says."""
    action = assessed(swarm)[2]
    program, *words = shlex.split(action)
    assert program == "swarm"
    swarm(*words, exit=code)


def test_the_text_names_the_state_and_ends_with_the_next_command(swarm: Swarm, dispatched: Workspace) -> None:
    lines = swarm("status").out.splitlines()
    assert lines[:3] == [
        f"Run {dispatched.run} (repo, main): health-audit-a",
        "IN PROGRESS",
        "⚠ no output yet: code, rest",
    ]
    assert "Wave 1 of 1 (health-audit-a): dispatched, isolated" in lines
    assert lines[-1] == f"Next: swarm launch {dispatched.run}"


def test_an_agent_past_the_policy_is_stale(swarm: Swarm, dispatched: Workspace) -> None:
    import sqlite3

    with sqlite3.connect(dispatched.db) as conn:
        conn.execute(
            "UPDATE agent_runs SET status = 'running', started = '2020-01-01T00:00:00.000Z' WHERE domain = 'code'"
        )
    conn.close()
    assert [(agent["domain"], agent["stale"]) for agent in status(swarm)["agents"]] == [("code", True), ("rest", False)]

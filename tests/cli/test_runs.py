"""`swarm runs`: the list of runs, and their time-out policy."""

import pytest

from tests.cli.test_status import status
from tests.conftest import Repo, Swarm, Workspace


def test_runs_lists_counts(swarm: Swarm, collected: Workspace) -> None:
    (run,) = swarm("runs", "--format", "json").data
    assert {key: value for key, value in run.items() if key != "created"} == {
        "id": collected.run,
        "repo": "repo",
        "status": "health-audit-a",
        "branch": "main",
        "waveCount": 1,
        "findingCount": 1,
    }


def test_a_time_out_policy_is_changed_and_the_ledger_says_so(swarm: Swarm, workspace: Workspace) -> None:
    swarm("runs", "--set-timeout", "90", "--run", workspace.run)
    assert status(swarm)["run"]["timeoutPolicy"] == 90
    last = swarm("events", "--format", "json").data["events"][-1]
    assert [last[key] for key in ("kind", "from", "to")] == ["run_timeout_set", "1800s", "90s"]


@pytest.mark.parametrize("words", [("--run", "latest"), ("--set-timeout", "soon")])
def test_runs_refuses_half_a_wish(swarm: Swarm, workspace: Workspace, words: tuple[str, ...]) -> None:
    assert swarm("runs", *words, exit=2).code == "CLI_USAGE"


def test_without_a_database_runs_says_there_are_none(swarm: Swarm, repo: Repo) -> None:
    assert swarm("runs").out == "No runs found.\n"
    assert swarm("runs", "--format", "json").data == []
    assert not (repo.root / "swarms").exists()

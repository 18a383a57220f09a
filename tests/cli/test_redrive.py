"""`swarm redrive`: a fresh try for every agent of a failed wave that is not complete."""

import shlex

import pytest

from swarm.errors import CATALOGUE
from tests.cli.scenes.documents import valid
from tests.cli.scenes.failed_wave import FOUND, WHY, Wave
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept


@pytest.fixture
def blocked(swarm: Swarm, repo: Repo, dispatched: Workspace) -> Wave:
    """A failed wave: `code` is complete, the output of `rest` is no JSON."""
    dispatched.answer("code", FOUND)
    dispatched.output("rest").write_text("no JSON")
    swarm("collect", exit=1)
    return Wave(swarm, repo, dispatched)


def test_redrive_gives_blocked_agents_a_fresh_try_and_proves_the_rest_untouched(blocked: Wave) -> None:
    (blocked.tree("w1-rest") / "README.md").write_text("# Not mine to change\n")
    kept = blocked.sql("SELECT * FROM agent_runs ORDER BY id")
    plan = blocked.do("redrive", "1")
    data = blocked.do("redrive", "1", blocked.place.run, *WHY)
    assert data["completedHash"] == {**plan["completedHash"], "after": plan["completedHash"]["before"]}
    assert data["blocked"] == []
    assert [(agent["was"], agent["worktreePath"]) for agent in data["redispatched"]] == [
        ("invalid_output", str(blocked.tree("w1-rest.2")))
    ]
    assert blocked.sql("SELECT * FROM agent_runs WHERE id < 3 ORDER BY id") == kept
    blocked.answer("rest")
    assert blocked.do("collect")["waveStatus"] == "collected"


def test_an_agent_that_touched_what_is_not_its_own_is_redriven_as_status_says(
    swarm: Swarm, repo: Repo, dispatched: Workspace
) -> None:
    wave = Wave(swarm, repo, dispatched)
    (wave.tree("w1-code") / "README.md").write_text("# Mine\n")
    dispatched.answer("code")
    dispatched.answer("rest")
    swarm("collect", exit=1)
    named = wave.do("status")["assessment"]["nextAction"]
    assert named == f"swarm redrive 1 {dispatched.run}"
    swarm(*shlex.split(named)[1:], *WHY)
    dispatched_again = wave.sql("SELECT worktree_path FROM agent_runs WHERE id = 3")
    assert dispatched_again == [(str(wave.tree("w1-code.2")),)]
    wave.answer("code")
    assert wave.do("collect")["waveStatus"] == "collected"


def test_a_dry_run_shows_the_plan_and_changes_nothing(blocked: Wave) -> None:
    before = blocked.whole
    data = valid(blocked.swarm("redrive", "1", "--format", "json"), "redrive", 0)
    assert blocked.whole == before
    assert (data["applied"], data["complete"], data["reason"]) == (False, ["code"], None)
    assert [(agent["domain"], agent["was"], agent["agentRunId"]) for agent in data["redispatched"]] == [
        ("rest", "invalid_output", None)
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    swept(
        [
            ((), "CLI_USAGE"),
            (("0",), "CLI_USAGE"),
            (("one",), "CLI_USAGE"),
            (("9",), "WAVE_NOT_FOUND"),
            (("1", "no-such-run"), "RUN_NOT_FOUND"),
            (("1", "--apply"), "REASON_REQUIRED"),
            (("1", "--apply", "--reason", " "), "REASON_REQUIRED"),
        ]
    ),
)
def test_a_wave_and_a_reason_are_needed(blocked: Wave, words: tuple[str, ...], code: str) -> None:
    before = blocked.whole
    assert blocked.swarm("redrive", *words, exit=CATALOGUE[code].exit_code).code == code
    assert blocked.whole == before

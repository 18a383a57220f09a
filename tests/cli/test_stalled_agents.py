"""Agents that do not go on: ended for a reason, and recovered from, by `swarm launch`."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from swarm.rules import recovery
from swarm.runtimes import processes
from tests.cli.scenes.launched_agents import attempts, eventually, record_of
from tests.cli.scenes.streaming_agents import StreamingAgents
from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.sweeping import swept


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(processes, "TERM_SECONDS", 0.5)


@pytest.fixture
def streaming(workspace: Workspace, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StreamingAgents:
    assert workspace.db.exists()
    return StreamingAgents(repo, tmp_path, monkeypatch)


def launched(swarm: Swarm, exit: int = 0) -> Answer:  # noqa: A002
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "streaming")
    return swarm("launch", "--format", "json", exit=exit)


def agent_of(answer: Answer, domain: str = "code") -> dict[str, Any]:
    (found,) = [agent for agent in answer.data["agents"] if agent["domain"] == domain]
    return found  # type: ignore[no-any-return]


ONLY_CODE = "if os.environ['SWARM_DOMAIN'] != 'code':\n    finish(); sys.exit()\n"


def test_a_silent_agent_is_ended_and_launched_anew_in_a_tree_as_at_dispatch(
    swarm: Swarm, streaming: StreamingAgents, workspace: Workspace, repo: Repo
) -> None:
    streaming.play(
        ONLY_CODE + "tree = pathlib.Path(os.environ['SWARM_WORKTREE'])\n"
        "if 'An earlier attempt' in prompt:\n"
        "    left = [name for name in ('new.txt', 'README.md') if (tree / name).exists()]\n"
        "    tell('tool', call='a', name='read', is_read=True); tell('tool_ended', call='a')\n"
        "    finish(summary=json.dumps([left, 'bash make test (failed)' in prompt])); sys.exit()\n"
        "tell('tool', 'make test', call='t', name='bash'); tell('tool_ended', call='t', has_failed=True)\n"
        "(tree / 'new.txt').write_text('work'); (tree / 'README.md').unlink()\n"
        "tell('tool', 'hang', call='h', name='bash'); time.sleep(600)\n"
    )
    agent = agent_of(launched(swarm))
    first, second = agent["attempts"]
    assert (first["outcome"], first["stallReason"], first["errorCode"]) == (*("stalled", "tool_stalled", "STALLED"),)
    assert second["outcome"] == "success"
    assert {
        key: agent[key] for key in agent if key.startswith(("requested", "selected", "attemptC", "reco", "orig"))
    } == {
        "requestedAttemptId": first["id"],
        "selectedAttemptId": second["id"],
        "attemptChain": [first["id"], second["id"]],
        "recoveredFrom": first["id"],
        "recoveryReason": "tool_stalled",
        "originalStallReason": "tool_stalled",
        "recoveryStallReason": None,
    }
    # The tree was as at dispatch, and the capsule was in the prompt.
    assert json.loads(json.loads(workspace.output("code").read_text())["summary"]) == [["README.md"], True]
    capsule = record_of(second)["recovery"]["handoffCapsule"]
    assert capsule[-2:] == ["bash make test (failed)", "bash hang (never ended)"]
    # What the first attempt left is kept as a patch and as a ref.
    patch = (Path(first["recordPath"]).parent / "diff.patch").read_text()
    assert "+++ b/new.txt" in patch
    assert "--- a/README.md" in patch
    kept = repo.git("for-each-ref", "--format=%(refname)", f"refs/swarm/salvage/{workspace.run}/").split()
    assert [repo.git("show", f"{ref}:new.txt") for ref in kept] == ["work"]
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"
    swarm("ledger", "verify")


def test_an_agent_without_last_words_is_asked_for_them_in_its_session(swarm: Swarm, streaming: StreamingAgents) -> None:
    streaming.play(
        "if what == 'finish':\n    finish(summary=session); sys.exit()\n"
        + ONLY_CODE
        + "tell('tool', call='a', name='bash'); tell('tool_ended', call='a')\n"
    )
    agent = agent_of(launched(swarm))
    first, second = agent["attempts"]
    assert (first["stallReason"], second["outcome"]) == ("backend_no_final_text", "success")
    recovery = record_of(second)["recovery"]
    assert recovery.pop("softStallRescueSubmittedAt") > "2026"
    assert recovery == {
        "requestedAttemptId": first["id"],
        "attemptChain": [first["id"]],
        "recoveredFrom": first["id"],
        "recoveryReason": "backend_no_final_text",
        "originalStallReason": "backend_no_final_text",
        "softStallRescueStrategy": "final_answer_no_tools",
        "softStallRescueAgent": "streaming",
        "softStallRescueModel": "model-1",
        "softStallRescueTools": [],
        "softStallRescueSourceReason": "backend_no_final_text",
        "softStallRescueSourceSummary": "it ended with exit code 0 and no final text",
    }
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


# The body of an agent, and its attempts: outcome, code, stall reason. A program ends by itself, or would never end.
ENDS: dict[str, tuple[str, list[tuple[str, str | None, str | None]]]] = {
    "a credential": (
        "tell('error', '401 Unauthorized', fault='credential', status=401); sys.exit(1)",
        [("stalled", "CREDENTIAL_REFUSED", "provider_error")],
    ),
    "a quota": (
        "tell('error', '429', fault='quota', status=429); time.sleep(600)",
        [("stalled", "QUOTA_EXHAUSTED", "provider_error")] * 2,
    ),
    "no connection": (
        "tell('error', 'ECONNREFUSED', fault='unreachable'); sys.exit(0)",
        [("runtime_error", "BACKEND_UNREACHABLE", None)] * 2,
    ),
    "a crash": ("sys.exit(3)", [("runtime_error", "RUNTIME_FAILED", None)]),
    "a write in an audit": (
        "tell('tool', call='w', name='edit', is_write=True, target='README.md'); time.sleep(600)",
        [("stalled", "STALLED", "read_only_write_intent")] * 2,
    ),
    "a finish that stalls too": (
        "tell('tool', call='a') if what == 'work' else time.sleep(600); tell('tool_ended', call='a')",
        [
            ("stalled", "STALLED", "backend_no_final_text"),
            ("stalled", "STALLED", "provider_zero_progress"),
            ("stalled", "STALLED", "backend_no_final_text"),
        ],
    ),
}


@pytest.mark.parametrize("name", swept(ENDS))
def test_an_agent_that_cannot_go_on_has_as_many_attempts_as_its_reason_is_worth(
    swarm: Swarm, streaming: StreamingAgents, workspace: Workspace, name: str
) -> None:
    body, expected = ENDS[name]
    streaming.play(ONLY_CODE + body)
    answer = launched(swarm, exit=3)
    found = attempts(answer)["code"]
    assert [(attempt["outcome"], attempt["errorCode"], attempt["stallReason"]) for attempt in found] == expected
    assert {attempt["exitClass"] for attempt in found} == {3}
    agent = agent_of(answer)
    assert (agent["status"], agent["selectedAttemptId"]) == ("failed", None)
    assert answer.data["nextAction"] == f"swarm resume {workspace.run}"


def test_the_configuration_says_how_many_attempts_there_are(swarm: Swarm, streaming: StreamingAgents) -> None:
    streaming.play(ONLY_CODE + "tell('tool', call='a'); time.sleep(600)\n", config="attempts = 1\n")
    assert [attempt["stallReason"] for attempt in attempts(launched(swarm, exit=3))["code"]] == ["tool_stalled"]


def test_a_launch_that_waits_for_a_quota_says_so_once_and_goes_on(
    swarm: Swarm, streaming: StreamingAgents, workspace: Workspace, tmp_path: Path
) -> None:
    taken = tmp_path / "notices"
    script = f"import pathlib, sys; pathlib.Path({str(taken)!r}).open('a').write(sys.stdin.read() + chr(10))"
    streaming.play(
        "if os.environ['SWARM_DOMAIN'] != 'code':\n    finish(); sys.exit()\n"
        "tell('error', '429', fault='quota', status=429, resets_at=time.time() + 2); sys.exit(1)\n",
        config=f"attempts = 1\n[notify]\non_attention = {json.dumps([sys.executable, '-c', script])}\n",
    )
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "streaming")
    answer = swarm("launch", "--jobs", "1", "--park", "60s", "--format", "json", exit=3)
    assert [event["runId"] for event in answer.events if event["stage"] == "launch_parked"] == [workspace.run]
    assert {domain: own[0]["outcome"] for domain, own in attempts(answer).items()} == {
        "code": "stalled",
        "rest": "success",
    }
    assert eventually(lambda: taken.read_text().count("\n") == 3)
    notices = {json.loads(line)["event"]: json.loads(line) for line in taken.read_text().splitlines()}
    assert (set(notices), notices["parked"]["next"]) == ({"stalled", "parked", "done"}, f"swarm wait {workspace.run}")

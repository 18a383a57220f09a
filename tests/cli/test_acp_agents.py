"""Agents that speak the Agent Client Protocol, launched by name: played by a script in the place of their program."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import runtimes
from tests.cli.scenes.launched_agents import attempts, record_of
from tests.conftest import Answer, Repo, Swarm, Workspace

AGENT = Path(runtimes.__file__).with_name("acp_agent.py")
ANSWER = {"domain": "{domain}", "stage": "A", "summary": "Looked.", "findings": []}


def said(text: str) -> dict[str, Any]:
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
    return {"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s-1", "update": update}}


def costs(amount: float) -> dict[str, Any]:
    update = {"sessionUpdate": "usage_update", "used": 1, "size": 2, "cost": {"amount": amount, "currency": "USD"}}
    return {"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s-1", "update": update}}


def ends(**answer: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "prompt", **(answer or {"result": {"stopReason": "end_turn"}})}


@pytest.fixture
def launched(swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path) -> Callable[..., Answer]:
    """Launch an audit wave whose agents are played by a script."""

    def call(*script: Any, options: tuple[str, ...] = (), exit: int = 0) -> Answer:  # noqa: A002
        argv = [sys.executable, str(AGENT), json.dumps(script), str(tmp_path / "log")]
        (repo.root / "swarm.toml").write_text(
            # Every answer of the script names another domain; what is asked again is tested elsewhere.
            f"[runtimes.opencode]\nargv = {json.dumps(argv)}\ncorrections = 0\n[launch]\nattempts = 1\n"
        )
        if not swarm("status", "--json").data["waves"]["total"]:
            swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "opencode")
        return swarm("launch", "--json", "--jobs", "1", *options, exit=exit)

    return call


def test_the_answer_of_an_agent_is_its_last_words(swarm: Swarm, launched: Callable[..., Answer]) -> None:
    answer = launched(said("I look.\n```json\n" + json.dumps(ANSWER) + "\n```"), costs(0.5), ends())
    found = attempts(answer)
    assert {domain: own[0]["outcome"] for domain, own in found.items()} == {"code": "success", "rest": "success"}
    record = record_of(found["code"][0])
    assert (record["session"]["sessionId"], record["session"]["modelAnswered"]) == ("s-1", "scripted-1")
    assert record["cost_usd"] == 0.5


def test_a_refused_credential_ends_an_agent_with_its_words(launched: Callable[..., Answer]) -> None:
    answer = launched(ends(error={"code": -32000, "message": "Authentication required"}), exit=3)
    (attempt,) = attempts(answer)["code"]
    assert (attempt["exitClass"], attempt["errorFragment"] is not None) == (3, True)
    assert "Authentication required" in attempt["errorFragment"]


def test_a_cap_on_costs_stops_the_agents_after_it(launched: Callable[..., Answer]) -> None:
    answer = launched(said(json.dumps(ANSWER)), costs(2.0), ends(), options=("--max-cost", "1.5"), exit=2)
    found = {domain: (own[0]["outcome"], own[0]["errorCode"]) for domain, own in attempts(answer).items()}
    assert found == {"code": ("success", None), "rest": ("policy_rejected", "COST_BUDGET_EXCEEDED")}


def test_a_used_up_quota_pauses_the_launches_until_it_is_there_again(
    swarm: Swarm, launched: Callable[..., Answer]
) -> None:
    reset = int(time.time()) + 7200
    refused = ends(error={"code": 429, "message": f"Usage limit reached|{reset}"})
    answer = launched(refused, exit=3)
    assert {domain: len(own) for domain, own in attempts(answer).items()} == {"code": 1, "rest": 0}
    assert answer.data["launched"] == 1
    again = swarm("launch", exit=3)
    assert again.code == "QUOTA_USED_UP"
    assert swarm("launch", "--park", "60s", exit=3).code == "QUOTA_USED_UP"


def test_the_next_runtime_of_a_chain_goes_on_where_a_provider_fails(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    refused = [ends(error={"code": 429, "message": "Usage limit reached"})]
    answered = [said(json.dumps(ANSWER)), ends()]
    tables = "".join(
        f"[runtimes.{name}]\nargv = {json.dumps([sys.executable, str(AGENT), json.dumps(script), str(tmp_path / name)])}\n"
        for name, script in (("opencode", refused), ("goose", answered))
    )
    chain = '[chains]\nevery = [{ runtime = "opencode", auth_source = "HOME" }, { runtime = "goose", auth_source = "HOME" }]\n'
    (repo.root / "swarm.toml").write_text(tables + chain)
    swarm("dispatch", "health-audit-a", "--isolate")
    found = attempts(swarm("launch", "--json"))["code"]
    assert [(one["runtime"], one["outcome"]) for one in found] == [("opencode", "stalled"), ("goose", "success")]
    assert record_of(found[1])["recovery"]["recoveredFrom"] == found[0]["id"]

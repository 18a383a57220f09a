"""Agents whose stream lies, floods or goes on: each attempt has a typed end, and no process is left."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm.runtimes import processes, talk
from tests import runtimes
from tests.cli.scenes.launched_agents import attempts, record_of
from tests.conftest import Answer, Repo, Swarm, Workspace

# A stand-in of Claude Code: it prints the program's own objects, and says in them what it likes.
CLAUDE = """
import json, os, signal, sys, time
def say(**fields): print(json.dumps(fields), flush=True)
def begin(session="s-1", model="m-1"):
    say(type="system", subtype="init", session_id=session, model=model)
def tool(call="t-1", **given):
    use = {"type": "tool_use", "id": call, "name": "Bash", "input": given}
    say(type="assistant", message={"id": call, "content": [use]})
def end(**more):
    answer = {"domain": os.environ["SWARM_DOMAIN"], "stage": "A", "summary": "Looked.", "findings": []}
    say(**{"type": "result", "subtype": "success", "is_error": False, "result": json.dumps(answer),
           "session_id": "s-1", "num_turns": 1, "usage": {"input_tokens": 10, "output_tokens": 5},
           "total_cost_usd": 0.01, **more})
if os.environ["SWARM_DOMAIN"] != "code":
    begin(); end(); sys.exit()
"""
End = tuple[str, str | None, str | None]
GOOD: End = ("success", None, None)
SILENT: End = ("stalled", "STALLED", "provider_zero_progress")
# An act of the agent, and how its attempt ends: outcome, code, stall reason.
ACTS: dict[str, tuple[str, End]] = {
    "a result, and then silence": ("begin(); end(); time.sleep(600)", GOOD),
    "a result, and then work": (
        "begin(); end()\nwhile True: tool(command='make'); time.sleep(0.1)",
        ("timed_out", "TIMED_OUT", None),
    ),
    "a result, and then a command that hangs": (
        "begin(); end(); tool(command='make'); time.sleep(600)",
        ("stalled", "STALLED", "tool_stalled"),
    ),
    "60 MB in a line": ("begin(); print('x' * 60_000_000); end()", GOOD),
    "60 MB without an end of line": (
        "begin(); sys.stdout.write('x' * 60_000_000); sys.stdout.flush(); time.sleep(600)",
        SILENT,
    ),
    "a closed stdout after the result": ("begin(); end(); os.close(1); os.close(2); time.sleep(600)", GOOD),
    "a closed stdout before the result": ("begin(); os.close(1); os.close(2); time.sleep(600)", SILENT),
    "two forks": ("begin(); end(); os.fork() or (os.setsid(), os.fork() or time.sleep(600))", GOOD),
    "TERM is ignored": ("signal.signal(signal.SIGTERM, signal.SIG_IGN); begin(); time.sleep(600)", SILENT),
    "an output after the end": (
        "begin(); end()\nif os.fork() == 0:\n    os.setsid(); time.sleep(1); open(os.environ['SWARM_OUTPUT_FILE'], 'w')",
        GOOD,
    ),
    "questions without end": ("begin()\nwhile True: say(type='control_request', request={'subtype': 'x'})", SILENT),
    "calls without end": (
        "begin()\nfor n in range(5000): tool(call=str(n), command='x')\ntime.sleep(600)",
        ("stalled", "STALLED", "tool_stalled"),
    ),
    "a deep line": ("begin(); print('{\"type\":' + '[' * 1_000_000); end()", GOOD),
}
LAUNCH = "corrections = 0\n[launch]\nattempts = 1\nstalls = { no_event = 2, tool = 2, error = 1 }\n"
Lying = Callable[..., Answer]


@pytest.fixture
def lying(swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lying:
    """Launch an audit wave whose agent of `code` lies in the stream of a known program."""
    assert workspace.db.exists()
    monkeypatch.setattr(processes, "TERM_SECONDS", 0.5)
    monkeypatch.setattr(talk, "ANSWERED_SECONDS", 1.0)
    monkeypatch.setattr(talk, "LAST_WORDS_SECONDS", 0.2)

    def call(runtime: str, *argv: str) -> Answer:
        table = f"[runtimes.{runtime}]\nargv = {json.dumps([sys.executable, *argv])}\n{LAUNCH}"
        (repo.root / "swarm.toml").write_text(table)
        swarm("dispatch", "health-audit-a", "--isolate", "--runtime", runtime)
        return swarm("launch", "--timeout", "5s", "--format", "json", exit=None)

    def by_claude(body: str) -> Answer:
        script = tmp_path / "claude.py"
        script.write_text(CLAUDE + body)
        return call("claude", str(script))

    return lambda body, *rest: call(body, *rest) if rest else by_claude(body)


def ended(answer: Answer) -> dict[str, Any]:
    """Return the attempt of the liar, of which no process is left; the agent beside it is not disturbed."""
    assert answer.document["ok"], answer.err
    found = attempts(answer)
    assert found["rest"][0]["outcome"] == "success"
    (attempt,) = found["code"]
    assert processes.all_with({"SWARM_ATTEMPT_FOLDER": str(Path(attempt["recordPath"]).parent)}) == []
    assert isinstance(attempt, dict)
    return attempt


@pytest.mark.sweep
@pytest.mark.parametrize("name", ACTS)
def test_an_agent_that_lies_in_its_stream_has_a_typed_end_and_leaves_no_process(
    swarm: Swarm, lying: Lying, name: str
) -> None:
    body, expected = ACTS[name]
    attempt = ended(lying(body))
    assert (attempt["outcome"], attempt["errorCode"], attempt["stallReason"]) == expected
    collected = swarm("collect", "--format", "json", exit=None).data
    assert collected["waveStatus"] == ("collected" if expected == GOOD else "failed")


def test_numbers_words_and_ids_that_nothing_can_hold_count_as_none(lying: Lying) -> None:
    body = (
        "begin(session=chr(0xd800), model=chr(0xdfff))\n"
        "tool(command=chr(0xd83d))\nsay(type='user', message={'content': [{'type': 'tool_result',"
        " 'tool_use_id': 't-1'}]})\n"
        "end(session_id='--resume', total_cost_usd=-5, num_turns=10**30,"
        " usage={'input_tokens': 10**300, 'output_tokens': 1e999})\n"
    )
    record = record_of(ended(lying(body)))
    assert record["cost_usd"] is None
    wanted = {"sessionId": "--resume", "modelAnswered": "?", "turns": 1, "tokensIn": 0, "tokensOut": None}
    assert {name: record["session"][name] for name in wanted} == wanted


@pytest.mark.sweep
@pytest.mark.parametrize("cost", ["float('nan')", "float('inf')", "10**400"])
def test_a_cost_that_is_no_number_counts_as_none(lying: Lying, cost: str) -> None:
    assert record_of(ended(lying(f"begin(); end(total_cost_usd={cost})")))["cost_usd"] is None


ACP_AGENT = Path(runtimes.__file__).with_name("acp_agent.py")


@pytest.mark.sweep
def test_an_agent_that_asks_for_permissions_without_end_is_told_no_and_waits_as_any_other(
    swarm: Swarm, lying: Lying, tmp_path: Path
) -> None:
    asks = [
        {
            "jsonrpc": "2.0",
            "id": f"p-{number}",
            "method": "session/request_permission",
            "params": {
                "toolCall": {"toolCallId": f"t-{number}", "title": "read", "rawInput": {"path": "/etc/passwd"}},
                "options": [{"optionId": "no", "name": "Reject", "kind": "reject_once"}],
            },
        }
        for number in range(400)
    ]
    script = tmp_path / "script.json"
    script.write_text(json.dumps(asks))
    answer = lying(
        "opencode",
        "-c",
        f"import sys; sys.argv[1:] = [open({str(script)!r}).read(), '/dev/null'];"
        f" exec(compile(open({str(ACP_AGENT)!r}).read(), 'agent', 'exec'))",
    )
    for (attempt,) in attempts(answer).values():
        assert (attempt["outcome"], attempt["stallReason"]) == ("stalled", "external_directory_permission_pending")
        assert len(record_of(attempt)["recovery"]["permissionActions"]) == 20
    assert swarm("permissions", "list", "--json").data["permissions"] is not None

"""`swarm launch`: real processes, played by small Python scripts, with good ends and bad ones."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm import documents
from tests.cli.scenes.launched_agents import JUDGED, Agents, attempts, eventually, is_gone, outcomes, record_of
from tests.cli.scenes.snapshots import block_of
from tests.cli.test_dispatch import rows
from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.sweeping import swept

# --- good ends -------------------------------------------------------------------------------------------


def test_a_command_that_writes_its_output_succeeds_and_is_collected(
    swarm: Swarm, launched: Callable[..., Answer], workspace: Workspace
) -> None:
    answer = launched(
        'write(findings=[{"id": "1", "severity": "LOW", "category": "bug", "description": "It is wrong."}])'
    )
    assert outcomes(answer) == {"code": [("success", 0, 0)], "rest": [("success", 0, 0)]}
    assert (answer.data["launched"], answer.data["exitClass"]) == (2, 0)
    assert {agent["status"] for agent in answer.data["agents"]} == {"running"}
    data = swarm("collect", "--format", "json").data
    assert (data["waveStatus"], data["findings"]["new"]) == ("collected", 2)


def test_the_command_sees_its_tree_its_prompt_and_nothing_of_ours(
    swarm: Swarm, launched: Callable[..., Answer], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_SETTING", "passed on")
    monkeypatch.setenv("OTHER_SETTING", "kept back")
    launched(
        'write(summary=json.dumps({"cwd": os.getcwd(), "argv": sys.argv[1:], "env": dict(os.environ),'
        ' "stdin": sys.stdin.read(), "prompt": open(os.environ["SWARM_PROMPT_FILE"]).read()[:1]}))',
        arguments=', "{domain}", "{phase}", "{worktree}", "{prompt_file}", "{output_file}", "{nothing}{{domain}}"',
        more='environment = ["MY_SETTING"]\n',
    )
    seen = json.loads(json.loads(workspace.output("code").read_text())["summary"])
    folder = workspace.folder / workspace.run
    tree = str(folder / "worktrees/w1-code")
    assert seen["cwd"] == tree
    assert seen["argv"] == [
        "code",
        "health-audit-a",
        tree,
        str(folder / "wave-1/code.md"),
        str(workspace.folder / workspace.run / "worktrees/w1-code/.swarm/output.json"),
        "{nothing}{code}",
    ]
    assert (seen["stdin"], len(seen["prompt"])) == ("", 1)
    assert seen["env"]["MY_SETTING"] == "passed on"
    assert "OTHER_SETTING" not in seen["env"]
    assert not {name for name in seen["env"] if name.startswith(("SWARM_LOG", "SWARM_DB", "GIT_", "PYTEST"))}
    assert seen["env"]["SWARM_ATTEMPT"].isdigit()


def test_an_output_that_is_printed_is_taken_when_no_file_is_written(
    swarm: Swarm, launched: Callable[..., Answer], workspace: Workspace
) -> None:
    launched('print("Here it is:\\n```json\\n" + json.dumps(answer(summary="printed")) + "\\n```\\nDone.")')
    assert json.loads(workspace.output("code").read_text()) == {
        "domain": "code",
        "stage": "A",
        "summary": "printed",
        "findings": [],
    }
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


ENVELOPES = {
    "printed in an envelope": 'print(json.dumps({"type": "result", "result": "```json\\n" + text + "\\n```"}))',
    "printed as an array of events": 'print(json.dumps([{"type": "system"}, {"type": "result", "result": text}]))',
    "printed as lines of events": 'print(json.dumps({"type": "result", "result": text})); print(\'{"type": "end"}\')',
    "written in an envelope": 'put(json.dumps({"type": "result", "result": json.dumps({"response": text})}))',
    "written behind text": 'put("I looked.\\n" + text + "\\nDone.")',
}


@pytest.mark.parametrize("how", swept(ENVELOPES))
def test_an_answer_in_an_envelope_is_collected(swarm: Swarm, launched: Callable[..., Answer], how: str) -> None:
    found = '[{"id": "1", "severity": "LOW", "category": "bug", "description": "It is wrong."}]'
    put = 'put = lambda text: pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(text)'
    launched(f"{put}\ntext = json.dumps(answer(findings={found}), indent=1)\n{ENVELOPES[how]}")
    data = swarm("collect", "--format", "json").data
    assert (data["waveStatus"], data["findings"]["new"]) == ("collected", 2)


def test_a_printed_answer_that_does_not_parse_is_refused_with_its_place(launched: Callable[..., Answer]) -> None:
    answer = launched('print("```json\\n{\\"domain\\": \\"code\\",\\n}\\n```")', exit=3)
    fragment, _, _ = attempts(answer)["code"][0]["errorFragment"].rpartition(" ")
    assert fragment == (
        "it wrote no output file, and the JSON that it printed is unreadable:"
        " a comma stands before a closing bracket: line 3 column 1 (char 27);"
        " so it was also after a correction by prompt"
    )


def test_a_file_wins_over_what_is_printed_and_that_is_noted(
    launched: Callable[..., Answer], workspace: Workspace
) -> None:
    answer = launched('write(summary="written"); print(json.dumps(answer(summary="printed")))')
    assert json.loads(workspace.output("code").read_text())["summary"] == "written"
    assert attempts(answer)["code"][0]["errorFragment"] == "it also printed an output; the file wins"


def test_an_attempt_leaves_a_record_logs_and_events(
    swarm: Swarm, launched: Callable[..., Answer], workspace: Workspace
) -> None:
    answer = launched('write(); print("to stdout"); print("to stderr", file=sys.stderr)')
    (attempt,) = attempts(answer)["code"]
    folder = Path(attempt["recordPath"]).parent
    assert folder == workspace.output("code").parent / "attempt-1"
    assert (folder / "stdout.log").read_text() == "to stdout\n"
    assert (folder / "stderr.log").read_text() == "to stderr\n"
    record = record_of(attempt)
    assert documents.check(record, "attempt-record") is None
    assert (record["exit_code"], record["outcome"], record["attempt_id"]) == (0, "success", attempt["id"])
    events = [json.loads(line)["event"] for line in (folder / "events.jsonl").read_text().splitlines()]
    assert events == ["spawned", "first_output", "step_ended", "ended"]
    data = swarm("explain", f"attempt:{attempt['id']}", "--format", "json").data
    assert data["title"] == "attempt 1 with played: success"


def test_agents_that_have_succeeded_are_not_launched_again(
    swarm: Swarm, launched: Callable[..., Answer], agents: Agents
) -> None:
    launched("write()")
    agents.play("sys.exit(9)")
    again = swarm("launch", "--format", "json")
    assert (again.data["launched"], again.data["exitClass"]) == (0, 0)
    assert outcomes(again) == {"code": [("success", 0, 0)], "rest": [("success", 0, 0)]}


def test_at_most_so_many_work_at_once(launched: Callable[..., Answer], agents: Agents) -> None:
    """Each agent marks the start and the end of its work; with one job they never overlap."""
    marks = agents.folder / "marks"
    body = f"marks = open({str(marks)!r}, 'a')\nmarks.write('('); marks.flush(); time.sleep(0.05)\nmarks.write(')'); marks.close(); write()"
    launched(body, "--jobs", "1")
    assert marks.read_text() == "()()"


# --- bad ends --------------------------------------------------------------------------------------------


def test_a_command_that_fails_exits_3_and_is_explained(
    swarm: Swarm, launched: Callable[..., Answer], workspace: Workspace
) -> None:
    answer = launched(
        'if os.environ["SWARM_DOMAIN"] == "code":\n'
        '    print("HTTP 401 unauthorized", file=sys.stderr); sys.exit(42)\nwrite()',
        exit=3,
    )
    assert answer.document["ok"] is True
    assert outcomes(answer) == {"code": [("runtime_error", 3, 42)], "rest": [("success", 0, 0)]}
    (attempt,) = attempts(answer)["code"]
    assert (attempt["errorCode"], attempt["errorFragment"]) == ("RUNTIME_FAILED", "HTTP 401 unauthorized")
    data = swarm("explain", f"attempt:{attempt['id']}", "--format", "json").data
    assert "Likely: its credential is missing, wrong or expired" in data["meaning"]
    collected = swarm("collect", "--format", "json", exit=1).data
    assert {agent["domain"]: agent["status"] for agent in collected["agents"]} == {"code": "failed", "rest": "complete"}
    assert swarm("findings", "--format", "json", exit=2).data["state"] == "pipeline_broken"


def test_a_command_that_dies_of_a_signal_exits_3_with_the_signal_kept(launched: Callable[..., Answer]) -> None:
    answer = launched("import signal; os.kill(os.getpid(), signal.SIGSEGV)", exit=3)
    assert outcomes(answer)["code"] == [("runtime_error", 3, -11)]
    assert record_of(attempts(answer)["code"][0])["result"]["signal"] == 11


def test_a_good_end_without_an_output_is_no_success(launched: Callable[..., Answer]) -> None:
    answer = launched('print("I found nothing.")', exit=3)
    (attempt,) = attempts(answer)["code"]
    assert (attempt["outcome"], attempt["errorCode"], attempt["errorFragment"].rpartition(" ")[0]) == (
        "invalid_output",
        "NO_OUTPUT",
        "it wrote no output file and printed no JSON object; so it was also after a correction by prompt",
    )


def test_an_answer_by_hand_is_kept_and_its_agent_is_not_launched(
    swarm: Swarm, agents: Agents, workspace: Workspace
) -> None:
    agents.play("write()")
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    workspace.answer("code", {"file": "src/app.py", "line": 5})
    answer = swarm("launch", "--format", "json")
    assert outcomes(answer) == {"code": [], "rest": [("success", 0, 0)]}
    assert swarm("collect", "--format", "json").data["findings"]["new"] == 1


def test_an_output_of_an_earlier_attempt_is_not_taken_for_the_next_ones_own(
    swarm: Swarm, swarm_process: Swarm, agents: Agents, workspace: Workspace
) -> None:
    agents.play('write(summary="earlier")')
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    swarm_process("launch", "--jobs", "1", exit=-9, SWARM_FAILPOINT=JUDGED)
    agents.play("pass")
    answer = swarm("launch", "--format", "json", exit=3)
    assert outcomes(answer)["code"] == [("killed", 3, None), ("invalid_output", 3, 0)]
    kept = Path(attempts(answer)["code"][1]["recordPath"]).with_name("previous-output.json")
    assert json.loads(kept.read_text())["summary"] == "earlier"
    assert not workspace.output("code").exists()


def test_a_program_that_is_not_there_is_127_before_anything_is_spawned(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.write({"swarm.toml": '[runtimes.played]\nkind = "command"\nargv = ["no-such-program-here"]\n'})
    refused = swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played", exit=127)
    assert refused.code == "RUNTIME_NOT_FOUND"
    assert rows(workspace.db, "SELECT * FROM waves") == []


def test_an_interpreter_that_is_not_there_is_127_and_kept(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    script = tmp_path / "agent"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    repo.write({"swarm.toml": f'[runtimes.played]\nkind = "command"\nargv = ["{script}"]\n'})
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    answer = swarm("launch", "--format", "json", exit=127)
    assert outcomes(answer) == {"code": [("not_started", 127, None)], "rest": [("not_started", 127, None)]}


def test_127_goes_before_3(swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path) -> None:
    gone = tmp_path / "agent"
    gone.write_text(f"#!{sys.executable}\nimport os, sys\nos.unlink(sys.argv[0])\nsys.exit(1)\n")
    gone.chmod(0o755)
    repo.write({"swarm.toml": f'[runtimes.played]\nkind = "command"\nargv = ["{gone}"]\n'})
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    answer = swarm("launch", "--jobs", "1", "--format", "json", exit=127)
    assert outcomes(answer) == {"code": [("runtime_error", 3, 1)], "rest": [("not_started", 127, None)]}


def test_a_time_out_ends_the_whole_process_group(swarm: Swarm, launched: Callable[..., Answer], agents: Agents) -> None:
    pids = agents.folder / "pids"
    answer = launched(
        'child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])\n'
        f"with open({str(pids)!r}, 'a') as file: file.write(f'{{os.getpid()}} {{child.pid}} ')\n"
        'print("at work", flush=True)\ntime.sleep(600)',
        "--timeout",
        "2",
        exit=3,
    )
    assert outcomes(answer)["code"] == [("timed_out", 3, -15)]
    (attempt,) = attempts(answer)["code"]
    assert (attempt["errorCode"], attempt["errorFragment"]) == ("TIMED_OUT", "no end within 2 s. at work")
    assert {agent["status"] for agent in answer.data["agents"]} == {"timed_out"}
    family = [int(pid) for pid in pids.read_text().split()]
    assert len(family) == 4
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in family)  # type: ignore[misc]


def test_what_a_command_leaves_running_is_ended_with_it(launched: Callable[..., Answer], agents: Agents) -> None:
    pids = agents.folder / "pids"
    launched(
        'child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL,'
        " stderr=subprocess.DEVNULL)\n"
        f"with open({str(pids)!r}, 'a') as file: file.write(f'{{child.pid}} ')\nwrite()"
    )
    left = [int(pid) for pid in pids.read_text().split()]
    assert len(left) == 2
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in left)  # type: ignore[misc]


def test_secrets_reach_no_file(
    swarm: Swarm, launched: Callable[..., Answer], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Made of parts, so that no scanner takes this file for a leak.
    secrets = ["hunter2" + "hunter2", "sk-" + "a1b2c3d4e5f6", "ghp_" + "A" * 36, "AKIA" + "B" * 16]
    monkeypatch.setenv("AGENT_API_KEY", secrets[0])
    body = f"""
write()
for stream in (sys.stdout, sys.stderr):
    print("key", os.environ["AGENT_API_KEY"], "and", {"s" + "k-" + "a1b2c3d4e5f6"!r}, file=stream)
    print("Authorization: Bearer", {secrets[2]!r}, "password={secrets[3]}", file=stream)
sys.exit(1 if os.environ["SWARM_DOMAIN"] == "rest" else 0)
"""
    answer = launched(body, exit=3, more='environment = ["AGENT_API_KEY"]\n')
    assert answer.data["exitClass"] == 3
    folder = Path(attempts(answer)["code"][0]["recordPath"]).parent
    assert (folder / "stdout.log").read_text() == (
        "key [redacted] and [redacted]\nAuthorization: Bearer [redacted] password=[redacted]\n"
    )
    run = workspace.folder / workspace.run
    kept = [file for file in run.rglob("*") if file.is_file()] + [workspace.db]
    leaks = {file.name for file in kept for secret in secrets if secret.encode() in file.read_bytes()}
    assert leaks == set()
    assert not any(secret in answer.out + answer.err for secret in secrets)


# --- options ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "10x", "", "٣", "1h30m"])
def test_a_duration_is_a_whole_number_of_seconds_minutes_or_hours(
    swarm: Swarm, dispatched: Workspace, word: str
) -> None:
    answer = swarm("launch", "--timeout", word, exit=2)
    assert answer.code == "CLI_USAGE"
    assert f"'{word}' is no duration; write 90, 90s, 30m or 2h" in block_of(answer)


@pytest.mark.parametrize("word", ["0", "-1", "257", "many"])
def test_jobs_are_a_whole_number_above_0(swarm: Swarm, dispatched: Workspace, word: str) -> None:
    assert swarm("launch", "--jobs", word, exit=2).code == "CLI_USAGE"


def test_the_text_shows_each_agent_and_the_next_command(swarm: Swarm, agents: Agents, workspace: Workspace) -> None:
    agents.play('print("no", file=sys.stderr); sys.exit(1)')
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    lines = swarm("launch", exit=3).out.splitlines()
    assert lines[0] == "Wave 1: 2 agents launched"
    assert lines[1].split() == ["agent", "status", "outcome", "took", "attempts"]
    assert "⚠ code: RUNTIME_FAILED: no" in lines
    assert "  Explained by: swarm explain attempt:1" in lines
    assert lines[-1] == f"Next: swarm resume {workspace.run}"

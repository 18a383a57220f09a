"""`swarm launch`: real processes, played by small Python scripts, with good ends and bad ones."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from swarm import documents
from tests.cli.scenes.snapshots import block_of
from tests.cli.test_dispatch import rows, sound
from tests.conftest import Answer, Repo, Swarm, Workspace

OUTPUT = """
import json, os, pathlib, sys, time, subprocess
def answer(**more):
    return {"domain": os.environ["SWARM_DOMAIN"], "stage": "A", "summary": "Looked.", "findings": [], **more}
def write(**more):
    pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(answer(**more)))
"""
LONG = 60.0
# Where a launch can be killed. Its first commit only tries whether the control plane can be written; then the first
# attempt is opened, its process started and written down, and what it made is judged and the attempt closed.
OPENED, STARTED, NAMED, JUDGED, CLOSED = (
    *("commit.after:2", "commit.before:3", "commit.after:3"),
    *("commit.before:4", "commit.after:4"),
)


class Agents:
    """Writes a script and names it as a runtime in the repository's swarm.toml."""

    def __init__(self, repo: Repo, tmp: Path) -> None:
        self._repo = repo
        self.folder = tmp / "agents"
        self.folder.mkdir()

    def play(self, body: str, *, kind: str = "command", arguments: str = "", more: str = "") -> Path:
        script = self.folder / "agent.py"
        script.write_text(OUTPUT + body)
        config = (
            f'[runtimes.played]\nkind = "{kind}"\n'
            f"argv = [{json.dumps(sys.executable)}, {json.dumps(str(script))}{arguments}]\n{more}"
        )
        # While a wave is in flight nobody edits the checkout, this file neither.
        file = self._repo.root / "swarm.toml"
        if not file.exists() or file.read_text() != config:
            file.write_text(config)
        return script


@pytest.fixture
def agents(repo: Repo, tmp_path: Path) -> Agents:
    return Agents(repo, tmp_path)


@pytest.fixture
def launched(swarm: Swarm, agents: Agents, workspace: Workspace) -> Callable[..., Answer]:
    """Play a script for both agents of an isolated wave."""

    def call(body: str, *options: str, exit: int | None = 0, **how: str) -> Answer:  # noqa: A002
        agents.play(body, **how)
        swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
        return swarm("launch", "--format", "json", *options, exit=exit)

    return call


def attempts(answer: Answer) -> dict[str, list[dict[str, Any]]]:
    return {agent["domain"]: agent["attempts"] for agent in answer.data["agents"]}


def outcomes(answer: Answer) -> dict[str, list[tuple[str | None, int | None, int | None]]]:
    return {
        domain: [(attempt["outcome"], attempt["exitClass"], attempt["exitCode"]) for attempt in own]
        for domain, own in attempts(answer).items()
    }


def record_of(attempt: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(attempt["recordPath"]).read_text())
    return document


def is_gone(pid: int) -> bool:
    """Say whether a process has ended; one that waits for its parent to look has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except FileNotFoundError:
        return True


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LONG
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


# --- good ends --------------------------------------------------------------------------------------------


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
        str(workspace.output("code")),
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
    told = swarm("explain", f"attempt:{attempt['id']}", "--format", "json").data
    assert told["title"] == "attempt 1 with played: success"


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


# --- bad ends ---------------------------------------------------------------------------------------------


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
    told = swarm("explain", f"attempt:{attempt['id']}", "--format", "json").data
    assert "Likely: its credential is missing, wrong or expired" in told["meaning"]
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
    assert (attempt["outcome"], attempt["errorCode"], attempt["errorFragment"]) == (
        "invalid_output",
        "NO_OUTPUT",
        "it wrote no output file and printed no JSON object",
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


# --- sarif ------------------------------------------------------------------------------------------------

SARIF_TOOL = """
log = {"version": "2.1.0", "runs": [{
    "tool": {"driver": {"name": "tool", "rules": [{"id": "R1"}]}},
    "artifacts": [{"location": {"uri": "src/app.py"}, "roles": ["analysisTarget"]}],
    "results": results}]}
if len(sys.argv) > 1:
    pathlib.Path(sys.argv[1]).write_text(json.dumps(log))
else:
    print(json.dumps(log))
"""
ONE = """results = [{"ruleId": "R1", "level": "error", "message": {"text": "wrong"}, "locations": [{"physicalLocation":
    {"artifactLocation": {"uri": "src/app.py"}, "region": {"startLine": 5}}}]}]
if os.environ["SWARM_DOMAIN"] != "code": results = []
"""


@pytest.mark.parametrize(("arguments", "end"), [(', "{output_file}"', "sys.exit(1)"), ("", "sys.exit(0)")])
def test_a_tool_that_writes_sarif_is_launched_over_one_tree_and_its_findings_count(
    swarm: Swarm, launched: Callable[..., Answer], workspace: Workspace, arguments: str, end: str
) -> None:
    launched(ONE + SARIF_TOOL + end, kind="sarif", arguments=arguments)
    swarm("collect")
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert [finding[key] for key in ("ruleId", "severity", "file", "line", "quote")] == [
        "R1",
        "HIGH",
        "src/app.py",
        5,
        "def load(path, seen=[]):",
    ]
    assert list((workspace.folder / workspace.run / "worktrees").iterdir()) == []


def test_a_tools_silence_about_a_file_that_it_analysed_is_a_fix(
    swarm: Swarm, launched: Callable[..., Answer], agents: Agents
) -> None:
    launched(ONE + SARIF_TOOL, kind="sarif")
    swarm("collect")
    agents.play("results = []\n" + SARIF_TOOL, kind="sarif")
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    swarm("launch")
    assert swarm("collect", "--format", "json").data["findings"]["fixed"] == 1


@pytest.mark.parametrize("printed", ["", "no json", "{}", '{"runs": [3]}'])
def test_a_tool_that_prints_no_sarif_has_failed(launched: Callable[..., Answer], printed: str) -> None:
    answer = launched(f"print({printed!r})", kind="sarif", exit=3)
    assert outcomes(answer)["code"] == [("invalid_output", 3, 0)]


def test_a_tool_that_ends_with_2_has_failed(launched: Callable[..., Answer]) -> None:
    answer = launched("results = []\n" + SARIF_TOOL + "sys.exit(2)", kind="sarif", exit=3)
    assert outcomes(answer)["code"] == [("runtime_error", 3, 2)]


# --- two at once, and what dies ---------------------------------------------------------------------------


@pytest.fixture
def background(repo: Repo) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start swarm in a process that is not waited for."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "swarm", *arguments],
            cwd=repo.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


WAITS = "pathlib.Path({at!r} + os.environ['SWARM_DOMAIN']).write_text(str(os.getpid()))\ntime.sleep(600)"


def waiting(agents: Agents, swarm: Swarm, body: str = WAITS) -> Callable[[], bool]:
    """Dispatch a wave whose agents never end; say whether both are at work."""
    agents.play(body.format(at=str(agents.folder / "pid-")))
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    files = [agents.folder / f"pid-{domain}" for domain in ("code", "rest")]
    return lambda: all(file.exists() and file.read_text() for file in files)


def pids_of(agents: Agents) -> list[int]:
    return [int((agents.folder / f"pid-{domain}").read_text()) for domain in ("code", "rest")]


def test_a_second_launch_is_refused_while_one_supervises(
    swarm: Swarm, agents: Agents, workspace: Workspace, background: Callable[..., subprocess.Popen[str]]
) -> None:
    are_at_work = waiting(agents, swarm)
    first = background("launch")
    assert eventually(are_at_work)
    answer = swarm("launch", exit=1)
    assert block_of(answer).splitlines()[0] == (
        f"ERROR [LAUNCH_IN_PROGRESS]: Wave 1 is already being launched or collected by process {first.pid}"
    )
    assert len(rows(workspace.db, "SELECT * FROM attempts")) == 2
    status = swarm("status", "--format", "json").data
    assert (status["assessment"]["state"], status["agentSummary"]["inFlight"]) == ("IN PROGRESS", 2)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_agents_exits_130_and_can_be_gone_on_from(
    swarm: Swarm,
    agents: Agents,
    workspace: Workspace,
    background: Callable[..., subprocess.Popen[str]],
    number: signal.Signals,
) -> None:
    are_at_work = waiting(agents, swarm)
    first = background("launch")
    assert eventually(are_at_work)
    first.send_signal(number)
    _, err = first.communicate(timeout=LONG)
    assert first.returncode == 130
    assert "Traceback" not in err
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in pids_of(agents))  # type: ignore[misc]
    assert rows(workspace.db, "SELECT DISTINCT outcome, error_code FROM attempts") == [("killed", "INTERRUPTED")]
    agents.play("write()")
    again = swarm("launch", "--format", "json")
    assert outcomes(again)["code"] == [("killed", 3, None), ("success", 0, 0)]
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


def test_a_supervisor_that_was_killed_is_found_its_agents_ended_and_launched_anew(
    swarm: Swarm, agents: Agents, workspace: Workspace, background: Callable[..., subprocess.Popen[str]]
) -> None:
    are_at_work = waiting(agents, swarm)
    first = background("launch")
    assert eventually(are_at_work)
    first.kill()
    first.communicate(timeout=LONG)
    orphans = pids_of(agents)
    assert not any(is_gone(pid) for pid in orphans)
    doctor = {check["id"]: check["status"] for check in swarm("doctor", "--format", "json").data["checks"]}
    assert doctor["attempts"] == "warn"
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
    file = agents.folder / "pid-code"
    assert eventually(lambda: file.exists() and file.read_text() != "")
    assert rows(workspace.db, "SELECT pid, outcome FROM attempts") == [(None, None)]
    agents.play("write()")
    again = swarm("launch", "--format", "json")
    assert outcomes(again)["code"] == [("killed", 3, None), ("success", 0, 0)]
    assert eventually(lambda: is_gone(int(file.read_text())))


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
    first.kill()
    first.communicate(timeout=LONG)
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
    first.kill()
    first.communicate(timeout=LONG)
    agents.play("write()")
    swarm("launch")
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in pids_of(agents))  # type: ignore[misc]


def test_collect_ends_what_a_killed_supervisor_left(
    swarm: Swarm, agents: Agents, workspace: Workspace, background: Callable[..., subprocess.Popen[str]]
) -> None:
    are_at_work = waiting(agents, swarm)
    first = background("launch")
    assert eventually(are_at_work)
    first.kill()
    first.communicate(timeout=LONG)
    swarm("collect", exit=1)
    assert all(eventually(lambda pid=pid: is_gone(pid)) for pid in pids_of(agents))  # type: ignore[misc]
    assert rows(workspace.db, "SELECT DISTINCT outcome FROM attempts") == [("killed",)]


@pytest.mark.parametrize("point", [OPENED, NAMED, JUDGED, CLOSED])
def test_a_launch_that_died_anywhere_is_gone_on_with_and_nothing_is_launched_twice(
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


# --- options ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["0", "-1", "1.5", "10x", "", "٣", "1h30m"])
def test_a_duration_is_a_whole_number_of_seconds_minutes_or_hours(
    swarm: Swarm, dispatched: Workspace, word: str
) -> None:
    answer = swarm("launch", "--timeout", word, exit=1)
    assert answer.code == "CLI_USAGE"
    assert f"'{word}' is no duration; write 90, 90s, 30m or 2h" in block_of(answer)


@pytest.mark.parametrize("word", ["0", "-1", "257", "many"])
def test_jobs_are_a_whole_number_above_0(swarm: Swarm, dispatched: Workspace, word: str) -> None:
    assert swarm("launch", "--jobs", word, exit=1).code == "CLI_USAGE"


def test_the_text_tells_each_agent_and_the_next_command(swarm: Swarm, agents: Agents, workspace: Workspace) -> None:
    agents.play('print("no", file=sys.stderr); sys.exit(1)')
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    lines = swarm("launch", exit=3).out.splitlines()
    assert lines[0] == "Wave 1: 2 agents launched"
    assert lines[1].split() == ["agent", "status", "outcome", "took", "attempts"]
    assert "⚠ code: RUNTIME_FAILED: no" in lines
    assert "  Explained by: swarm explain attempt:1" in lines
    assert lines[-1] == f"Next: swarm resume {workspace.run}"


# --- a repository whose old place is a link to the new one ------------------------------------------------


def test_an_analyzer_finds_the_same_through_a_link_to_where_the_repository_was_moved(
    swarm: Swarm, repo: Repo, tmp_path: Path
) -> None:
    file = tmp_path / "map.json"
    file.write_text(json.dumps([{"name": "all", "globs": ["**"]}]))
    swarm("init", ".", "--domains-from", file)
    swarm("dispatch", "health-audit-a", "--isolate", "--auto-freeze", "--runtime", "ruff")
    moved = repo.root.with_name("moved")
    repo.root.rename(moved)
    repo.root.symlink_to(moved)
    swarm("launch", cwd=moved)
    swarm("collect", cwd=moved)
    found = swarm("findings", "--format", "json", cwd=moved, exit=1).data["findings"]
    assert {(one["file"], one["line"], one["ruleId"]) for one in found} == {
        *(("src/app.py", 1, "F401"), ("src/app.py", 2, "F401"), ("src/app.py", 5, "B006"), ("src/app.py", 8, "E722")),
        *(("src/app.py", 8, "S110"), ("src/app.py", 13, "F821")),
        *(("src/tool.py", 1, "E401"), ("src/tool.py", 1, "F401"), ("src/tool.py", 5, "S307")),
    }

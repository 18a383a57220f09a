"""The sandbox of launched processes: what they reach, what they do not, and what is recorded of it."""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.errors.refusal import raises
from tests.cli.scenes.launched_agents import Agents, attempts, eventually, outcomes, record_of
from tests.cli.test_launch_sarif import ONE, SARIF_TOOL
from tests.conftest import Answer, Repo, Swarm, Workspace

TRIES = """
import socket
def tried(act):
    try:
        return act() or "done"
    except OSError as error:
        return type(error).__name__
def text(path):
    return lambda: pathlib.Path(path).read_text()[:1]
def put(path):
    return lambda: pathlib.Path(path).write_text("x") and None
def connects():
    socket.create_connection(("127.0.0.1", PORT), 5).close()
"""


@pytest.fixture(autouse=True)
def _no_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWARM_SANDBOX")


def seen(workspace: Workspace) -> dict[str, str]:
    found: dict[str, str] = json.loads(json.loads(workspace.output("code").read_text())["summary"])
    return found


def test_an_agent_reaches_its_tree_and_nothing_of_others(
    launched: Callable[..., Answer], workspace: Workspace, repo: Repo, tmp_path: Path, backend: str
) -> None:
    import socket

    secret = Path.home() / ".ssh" / "id"
    secret.parent.mkdir()
    secret.write_text("secret")
    wave = workspace.folder / workspace.run / "wave-1"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        acts = {
            "own tree": "put('note')",
            "own prompt": "text(os.environ['SWARM_PROMPT_FILE'])",
            "checkout": f"text({str(repo.root / 'README.md')!r})",
            "secret of home": f"text({str(secret)!r})",
            "other prompt": f"text({str(wave / 'rest.md')!r})",
            "other answer": f"put({str(wave / 'rest' / 'output.json')!r})",
            "control plane": f"text({str(workspace.db)!r})",
            "hook": f"put({str(repo.root / '.git/hooks/post-checkout')!r})",
            "settings of git": f"put({str(repo.root / '.git/config')!r})",
            "network": "connects",
        }
        listed = ", ".join(f"{name!r}: tried({act})" for name, act in acts.items())
        tries = TRIES.replace("PORT", str(listener.getsockname()[1]))
        answer = launched(f"{tries}write(summary=json.dumps({{{listed}}}))", "--jobs", "1")
    found = seen(workspace)
    allowed = {name: found.pop(name) for name in ("own tree", "own prompt", "checkout")}
    assert allowed["own tree"] == "done"
    assert (len(allowed["own prompt"]), allowed["checkout"]) == (1, "#")
    assert {name for name, end in found.items() if not end.endswith("Error")} == set()
    (attempt,) = attempts(answer)["code"]
    assert (attempt["isolation"], attempt["isolationReason"]) == (backend, None)
    assert record_of(attempt)["isolation"] == {"backend": backend, "reason": None, "policy": attempt["policy"]}


def test_git_can_be_read_inside_and_a_commit_needs_its_setting(
    launched: Callable[..., Answer], workspace: Workspace, swarm: Swarm, agents: Agents, backend: str
) -> None:
    body = (
        "git = lambda *a: subprocess.run(['git', '-c', 'user.name=A', '-c', 'user.email=a@b.c', *a],"
        " capture_output=True).returncode\n"
        "pathlib.Path('note').write_text('x')\n"
        "write(summary=json.dumps({a: str(git(*a.split())) for a in"
        " ('status', 'log -1', 'diff', 'add note', 'commit -m x', 'branch evil', 'config user.x y')}))"
    )
    setting = "[sandbox]\ncommit = true\n" if backend == "bwrap" else ""
    launched(body, more=setting)
    ends = {name: end == "0" for name, end in seen(workspace).items()}
    assert [ends[name] for name in ("status", "log -1", "diff", "config user.x y")] == [True, True, True, False]
    assert [ends[name] for name in ("add note", "commit -m x")] == [backend == "bwrap"] * 2


@raises("ISOLATION_UNAVAILABLE")
def test_a_demanded_policy_that_no_backend_holds_is_refused_and_nothing_is_spawned(
    launched: Callable[..., Answer], swarm: Swarm
) -> None:
    answer = launched("write()", more="network = false\n", exit=2)
    assert answer.code == "ISOLATION_UNAVAILABLE"
    assert [agent["attempts"] for agent in swarm("attempts", "--format", "json").data["agents"]] == [[], []]
    bare = swarm("launch", "--unsafe-no-isolation", "--reason", "a trial", "--format", "json")
    (attempt,) = attempts(bare)["code"]
    assert (attempt["isolation"], attempt["isolationReason"]) == ("none", "a trial")


def test_a_default_policy_without_a_backend_runs_and_says_so(launched: Callable[..., Answer]) -> None:
    (attempt,) = attempts(launched("write()"))["code"]
    told = "no sandbox works here (bwrap: not in this test; landlock: not in this test)"
    assert (attempt["isolation"], attempt["isolationReason"]) == ("none", told)


def test_a_launch_without_a_sandbox_needs_a_reason(launched: Callable[..., Answer]) -> None:
    assert launched("write()", "--unsafe-no-isolation", exit=1).code == "REASON_REQUIRED"


# --- launches as without a sandbox -----------------------------------------------------------------------


LEAVES = """subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", {mark!r}],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""


def is_running(mark: str) -> bool:
    """Say whether a process of this machine has a word among its arguments; its number inside is another."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in file.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def test_what_a_command_leaves_running_in_a_sandbox_is_ended_with_it(
    launched: Callable[..., Answer], tmp_path: Path, backend: str
) -> None:
    mark = f"left by {tmp_path} in {backend}"
    launched(LEAVES.format(mark=mark) + "write()")
    assert eventually(lambda: not is_running(mark))


def test_a_time_out_ends_all_that_runs_in_a_sandbox(
    launched: Callable[..., Answer], tmp_path: Path, backend: str
) -> None:
    mark = f"late of {tmp_path} in {backend}"
    answer = launched(LEAVES.format(mark=mark) + "time.sleep(600)", "--timeout", "1", exit=3)
    assert outcomes(answer) == {"code": [("timed_out", 3, -15)], "rest": [("timed_out", 3, -15)]}
    assert eventually(lambda: not is_running(mark))


def test_a_program_that_is_removed_before_its_turn_is_127_and_not_an_error_of_the_sandbox(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path, backend: str
) -> None:
    gone = tmp_path / "tools" / "agent"
    gone.parent.mkdir()
    gone.write_text(f"#!{sys.executable}\nimport os, sys\nos.unlink(sys.argv[0])\nsys.exit(1)\n")
    gone.chmod(0o755)
    settings = f"[sandbox]\nwritable = [{json.dumps(str(gone.parent))}]\n"
    repo.write({"swarm.toml": f'[runtimes.played]\nkind = "command"\nargv = ["{gone}"]\n{settings}'})
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "played")
    answer = swarm("launch", "--jobs", "1", "--format", "json", exit=127)
    assert outcomes(answer) == {"code": [("runtime_error", 3, 1)], "rest": [("not_started", 127, None)]}


def test_a_tool_that_writes_sarif_is_launched_in_a_sandbox(
    swarm: Swarm, launched: Callable[..., Answer], backend: str
) -> None:
    answer = launched(ONE + SARIF_TOOL + "sys.exit(1)", kind="sarif", arguments=', "{output_file}"')
    swarm("collect")
    (finding,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert (finding["ruleId"], finding["file"], finding["line"]) == ("R1", "src/app.py", 5)
    assert {attempt["isolation"] for (attempt,) in attempts(answer).values()} == {backend}


def test_ruff_finds_in_a_sandbox_what_it_finds_without(swarm: Swarm, repo: Repo, backend: str) -> None:
    audit = swarm("audit", str(repo.root), "--format", "json", exit=1)
    assert audit.data["digest"]["findings"] != []
    (agent, *_) = swarm("attempts", "--format", "json").data["agents"]
    assert [attempt["isolation"] for attempt in agent["attempts"]] == [backend]
    assert audit.data["withoutSandbox"] is None


# --- what is said of the sandbox -------------------------------------------------------------------------


def test_the_runtimes_name_the_backend_that_works_here(swarm: Swarm, backend: str) -> None:
    data = swarm("runtimes", "--format", "json").data
    assert (data["sandbox"], data["sandboxWhyNot"]) == (backend, None)
    assert f"Sandbox: {backend}\n" in swarm("runtimes").out


def test_the_runtimes_say_why_no_sandbox_works_and_how_to_have_one(swarm: Swarm) -> None:
    why = "bwrap: not in this test; landlock: not in this test"
    data = swarm("runtimes", "--format", "json").data
    assert (data["sandbox"], data["sandboxWhyNot"]) == ("none", why)
    told = f"Sandbox: none ({why}); to have one, install bubblewrap (`apt-get install bubblewrap`)\n"
    assert told in swarm("runtimes").out


def test_an_audit_says_once_that_a_tool_ran_without_a_sandbox(swarm: Swarm, repo: Repo, agents: Agents) -> None:
    agents.play("results = []\n" + SARIF_TOOL, kind="sarif")
    told = "⚠ Audited without a sandbox: no sandbox works here (bwrap: not in this test; landlock: not in this test)."
    assert swarm("audit", str(repo.root), "--runtime", "played").out.count(told) == 1
    assert "sandbox" not in swarm("audit", str(repo.root), exit=1).out


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no folder of shared memory")
def test_an_agent_that_lies_in_shared_memory_is_found_and_what_lies_beside_it_is_not_seen(
    swarm: Swarm, repo: Repo, backend: str
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as beside, tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        script = Path(folder) / "agent"
        script.write_text(
            f"#!{sys.executable}\nimport json, os\n"
            f"body = {{'domain': os.environ['SWARM_DOMAIN'], 'stage': 'A', 'summary': str(os.path.exists({beside!r}))}}\n"
            "json.dump({**body, 'findings': []}, open(os.environ['SWARM_OUTPUT_FILE'], 'w'))\n"
        )
        script.chmod(0o755)
        repo.commit({"swarm.toml": f'[runtimes.a]\nkind = "command"\nargv = ["{script}"]\n'})
        answer = swarm("audit", ".", "--runtime", "a", "--format", "json")
    outputs = repo.root.glob("swarms/*/wave-1/*/output.json")
    summaries = {json.loads(file.read_text())["summary"] for file in outputs}
    assert (answer.data["waveStatus"], summaries) == ("collected", {str(backend == "landlock")})


def test_the_callers_word_turns_the_default_policy_off_and_is_recorded(
    swarm: Swarm, repo: Repo, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWARM_SANDBOX", "none")
    script = repo.root.parent / "agent.py"
    script.write_text(
        "import json, os\n"
        "json.dump({'domain': os.environ['SWARM_DOMAIN'], 'stage': 'A', 'summary': 's', 'findings': []},"
        " open(os.environ['SWARM_OUTPUT_FILE'], 'w'))\n"
    )
    repo.commit({"swarm.toml": f'[runtimes.a]\nkind = "command"\nargv = ["python3", "{script}"]\n'})
    answer = swarm("audit", ".", "--runtime", "a", "--format", "json")
    assert answer.data["withoutSandbox"] == "SWARM_SANDBOX=none is in the environment of the caller"
    run = answer.data["runId"]
    repo.commit({"swarm.toml": (repo.root / "swarm.toml").read_text() + "[sandbox]\nnetwork = false\n"})
    swarm("audit", ".", "--runtime", "a", exit=None)
    attempts = swarm("attempts", run, "--format", "json").data["agents"]
    assert {one["isolation"] for agent in attempts for one in agent["attempts"]} <= {backend, "none"}

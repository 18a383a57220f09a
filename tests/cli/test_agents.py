"""Coding agents that are known by name, played by stand-ins that print what the real programs printed."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm.runtimes.agents.login import private_home
from swarm.runtimes.agents.table import AGENTS
from tests.cli.scenes.documents import valid
from tests.cli.scenes.launched_agents import attempts, outcomes, record_of
from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.sweeping import swept

STREAMS = Path(__file__).parents[1] / "data/streams"
STAND_IN = """#!{python}
import json, os, pathlib, sys
if "--version" in sys.argv:
    print("2.1.197 (Stand-in)")
    sys.exit()
home = pathlib.Path.home()
inside = sorted(str(file.relative_to(home)) for file in home.rglob("*") if file.is_file())
seen = {{"argv": sys.argv[1:], "stdin": sys.stdin.read(), "env": dict(os.environ), "home": inside}}
{act}
if not os.environ.get("SANDBOXED"):
    pathlib.Path({folder!r}, "seen-" + os.environ["SWARM_DOMAIN"]).write_text(json.dumps(seen))
stream = {stream!r}.replace("\\\\\\"src\\\\\\"", "\\\\\\"" + os.environ["SWARM_DOMAIN"] + "\\\\\\"")
print(stream.replace("One.", json.dumps(json.dumps(json.dumps(seen)))[3:-3] if {tells} else "One."), flush=True)
sys.exit({code})
"""
Play = Callable[..., Answer]


class StandIns:
    """Stand-ins of programs on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, stream: str, *, code: int = 0, act: str = "", tells: bool = False) -> Path:
        (file,) = STREAMS.glob(f"{stream}.*")
        program = self.folder / name
        # As a text: a sandbox need not show the checkout.
        fields = {"python": sys.executable, "folder": str(self.folder), "stream": file.read_text(), "act": act}
        program.write_text(STAND_IN.format(**fields, code=code, tells=tells))
        program.chmod(0o755)
        return program

    def seen(self, domain: str = "code") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"seen-{domain}").read_text())
        return found


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return StandIns(folder)


@pytest.fixture
def played(swarm: Swarm, repo: Repo, workspace: Workspace) -> Play:
    """Launch an isolated audit wave by a runtime."""

    def call(name: str, exit: int | None = 0) -> Answer:  # noqa: A002
        # A second attempt after a quota would wait.
        (repo.root / "swarm.toml").write_text("[launch]\nattempts = 1\n")
        swarm("dispatch", "health-audit-a", "--isolate", "--runtime", name)
        return swarm("launch", "--format", "json", exit=exit)

    return call


def test_an_agent_is_listed_with_its_command_line_and_the_name_of_its_credential(
    swarm: Swarm, repo: Repo, stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = stand_ins.put("claude", "claude/say")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-nobody")
    (repo.root / "swarm.toml").write_text('[runtimes.claude]\nmodel = "opus"\nmax_turns = 7\narguments = ["--bare"]\n')
    answer = swarm("runtimes", "claude", "--format", "json")
    (claude,) = valid(answer, "runtimes", 0)["runtimes"]
    assert (claude["kind"], claude["path"], claude["version"]) == ("agent", str(program), "2.1.197")
    assert (claude["credential"], claude["model"], claude["whyNot"]) == ("ANTHROPIC_API_KEY", "opus", None)
    assert claude["argv"] == [
        *("claude", "-p", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits"),
        *("--setting-sources", "user", "--strict-mcp-config", "--model", "opus", "--max-turns", "7", "--bare"),
    ]
    assert "sk-ant-of-nobody" not in answer.out
    assert "login: ANTHROPIC_API_KEY" in swarm("runtimes", "claude").out


def test_an_agent_that_is_not_installed_is_refused_with_the_command_that_installs_it(
    swarm: Swarm, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    refused = swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "codex", exit=127)
    assert refused.code == "RUNTIME_NOT_FOUND"
    assert "npm install --global @openai/codex" in refused.err


def test_an_audit_is_answered_by_the_last_message_of_an_agent_that_cannot_write(
    swarm: Swarm, workspace: Workspace, stand_ins: StandIns, played: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins.put("claude", "claude/say")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-nobody")
    monkeypatch.setenv("OTHER_TOKEN", "kept-back")
    answer = played("claude")
    assert outcomes(answer) == {"code": [("success", 0, 0)], "rest": [("success", 0, 0)]}
    record = record_of(attempts(answer)["code"][0])
    assert record["session"] == {
        "sessionId": "00000000-0000-4000-8000-000000000001",
        "modelAsked": None,
        "modelAnswered": "claude-fake",
        "turns": 1,
        "tools": 0,
        "tokensIn": 1200,
        "tokensOut": 80,
        "denials": [],
    }
    assert record["cost_usd"] == 0.008
    seen = stand_ins.seen()
    assert seen["argv"][seen["argv"].index("--permission-mode") + 1] == "plan"
    prompt = (workspace.folder / workspace.run / "wave-1/code.md").read_text()
    assert seen["stdin"].startswith(prompt)
    assert "Print the JSON object" in seen["stdin"].removeprefix(prompt)
    assert seen["env"]["ANTHROPIC_API_KEY"] == "sk-ant-of-nobody"
    assert "OTHER_TOKEN" not in seen["env"]
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"
    journal = (workspace.folder / workspace.run / "wave-1/code/attempt-1/events.jsonl").read_text()
    events = [json.loads(line)["event"] for line in journal.splitlines()]
    assert events == [
        *("spawned", "session", "placeholder", "usage", "reasoning", "text", "turn_ended", "final"),
        *("step_ended", "ended"),
    ]


WRITES = """
body = {"domain": os.environ["SWARM_DOMAIN"], "summary": "s", "fixes": [], "files_changed": []}
if body["domain"] == "code":
    pathlib.Path("src/app.py").write_text("mended = 1\\n")
pathlib.Path(os.environ["SWARM_OUTPUT_FILE"]).write_text(json.dumps(body))
"""


def test_an_agent_that_fixes_writes_in_its_tree_and_its_output_file_counts(
    swarm: Swarm, three: Workspace, stand_ins: StandIns
) -> None:
    stand_ins.put("codex", "codex/edit", act=WRITES)
    swarm("approve", "--all")
    swarm("dispatch", "health-amend-a", "--isolate", "--runtime", "codex")
    answer = swarm("launch", "--format", "json")
    assert outcomes(answer)["code"] == [("success", 0, 0)]
    argv = stand_ins.seen()["argv"]
    assert argv[: argv.index("-c") + 2] == [
        "exec",
        "--json",
        "--skip-git-repo-check",
        "-c",
        "sandbox_mode=workspace-write",
    ]
    assert argv[-1] == "-"
    assert "Print the JSON object" not in stand_ins.seen()["stdin"]
    assert swarm("collect", "--format", "json").data["summary"].endswith("1 file changed")


@pytest.mark.parametrize(
    ("name", "stream", "code", "end"),
    swept(
        [
            ("claude", "claude/401", 1, ("stalled", "CREDENTIAL_REFUSED", "provider_error: 401 Invalid API key")),
            (
                "claude",
                "claude/429",
                1,
                ("stalled", "QUOTA_EXHAUSTED", "provider_error: 429 API Error: Request rejected"),
            ),
            ("codex", "codex/half", 1, ("stalled", "STALLED", "provider_error: stream disconnected before completion")),
            ("codex", "codex/blank", 0, ("stalled", "STALLED", "provider_blank_assistant: it ended with no text")),
            ("claude", "claude/silence", 0, ("stalled", "STALLED", "backend_no_final_text: it ended with exit code 0")),
            ("claude", "claude/denied", 0, ("policy_rejected", "TOOLS_DENIED", "it was refused Edit /work/tree/a.py")),
            (
                "codex",
                "codex/edit",
                0,
                ("invalid_output", "NO_OUTPUT", "it wrote no output file, and its last message"),
            ),
        ]
    ),
)
def test_a_stream_says_how_an_attempt_ended_also_where_the_program_exits_with_0(
    stand_ins: StandIns, played: Play, name: str, stream: str, code: int, end: tuple[str, str, str]
) -> None:
    stand_ins.put(name, stream, code=code)
    attempt = attempts(played(name, exit=3))["code"][0]
    assert (attempt["outcome"], attempt["errorCode"], attempt["exitClass"]) == (*end[:2], 3)
    assert attempt["errorFragment"].startswith(end[2])


def test_an_agent_that_said_nothing_is_asked_again_in_its_session_without_tools(
    stand_ins: StandIns, played: Play
) -> None:
    stand_ins.put("claude", "claude/silence")
    _, finish = attempts(played("claude", exit=3))["code"]
    argv = record_of(finish)["plan"]["argv"]
    assert argv[argv.index("--resume") + 1] == "00000000-0000-4000-8000-000000000001"
    assert argv[argv.index("--tools") + 1] == ""


def test_aider_reads_its_prompt_from_a_file_and_its_words_say_that_it_was_refused(
    stand_ins: StandIns, played: Play, workspace: Workspace
) -> None:
    stand_ins.put("aider", "aider/401")
    (attempt,) = attempts(played("aider", exit=3))["code"]
    argv = stand_ins.seen()["argv"]
    prompt = Path(argv[argv.index("--message-file") + 1])
    assert prompt == workspace.folder / workspace.run / "wave-1/code/attempt-1/prompt.md"
    assert prompt.read_text().startswith((workspace.folder / workspace.run / "wave-1/code.md").read_text())
    assert argv[argv.index("--edit-format") + 1] == "ask"
    assert (attempt["exitCode"], attempt["exitClass"], attempt["errorCode"]) == (0, 3, "CREDENTIAL_REFUSED")


def test_a_command_of_the_user_may_have_the_name_of_an_agent(
    swarm: Swarm, repo: Repo, stand_ins: StandIns, workspace: Workspace
) -> None:
    program = stand_ins.put("claude", "claude/say")
    (repo.root / "swarm.toml").write_text(f'[runtimes.claude]\nkind = "command"\nargv = ["{program}", "-p"]\n')
    (shown,) = swarm("runtimes", "claude", "--format", "json").data["runtimes"]
    assert (shown["kind"], shown["argv"], shown["credential"]) == ("command", [str(program), "-p"], None)


def test_a_table_of_an_unknown_name_needs_its_kind(swarm: Swarm, repo: Repo) -> None:
    (repo.root / "swarm.toml").write_text('[runtimes.other]\nmodel = "opus"\n')
    assert swarm("runtimes", exit=None).code == "CONFIG_INVALID"


# A folder of a program that a user has moved, where the program finds its copy, and the login that `runtimes` names.
MOVED_LOGINS = {
    "claude": ("CLAUDE_CONFIG_DIR", ".credentials.json", ".claude/.credentials.json"),
    "codex": ("CODEX_HOME", "auth.json", ".codex/auth.json"),
    "opencode": ("XDG_DATA_HOME", "opencode/auth.json", ".local/share/opencode/auth.json"),
}


@pytest.mark.parametrize("name", MOVED_LOGINS)
def test_a_login_in_a_folder_that_its_user_moved_is_named_and_copied_to_its_usual_place(
    swarm: Swarm, repo: Repo, stand_ins: StandIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert repo.root.exists()
    variable, moved, usual = MOVED_LOGINS[name]
    file = tmp_path / "moved" / moved
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    (Path.home() / usual).parent.mkdir(parents=True)
    (Path.home() / usual).write_text("of another login")
    stand_ins.put(name, "claude/say")
    monkeypatch.setenv(variable, str(tmp_path / "moved"))
    (shown,) = swarm("runtimes", name, "--format", "json").data["runtimes"]
    assert shown["credential"] == f"${variable}/{moved}"
    facts = AGENTS[name](None).agent
    assert facts is not None
    with private_home(facts, os.environ, Path.home()) as home:
        assert (home / usual).read_text() == "mine"
    # A relative folder would be another one in each tree.
    monkeypatch.setenv(variable, "moved")
    assert swarm("runtimes", name, "--format", "json").data["runtimes"][0]["credential"] == f"~/{usual}"


def test_a_moved_folder_is_passed_on_without_a_sandbox_alone(
    workspace: Workspace, stand_ins: StandIns, played: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workspace.db.exists()
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    stand_ins.put("claude", "claude/say")
    played("claude")
    assert stand_ins.seen()["env"]["CLAUDE_CONFIG_DIR"] == str(tmp_path)


def test_an_agent_in_the_sandbox_has_a_copy_of_its_login_and_an_audit_cannot_write(
    swarm: Swarm, workspace: Workspace, stand_ins: StandIns, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path.home()
    for name in (".claude/.credentials.json", ".claude/projects/old.jsonl", ".codex/auth.json", ".ssh/id"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("mine")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / ".claude"))
    act = """
assert "CLAUDE_CONFIG_DIR" not in os.environ
os.environ["SANDBOXED"] = "1"
(home / ".claude/.credentials.json").write_text("changed")
try:
    pathlib.Path("made").write_text("x")
    seen = {"wrote": True, "home": inside}
except OSError:
    seen = {"wrote": False, "home": inside}
"""
    stand_ins.put("claude", "claude/say", act=act, tells=True)
    swarm("dispatch", "health-audit-a", "--isolate", "--runtime", "claude")
    answer = swarm("launch", "--format", "json", "--jobs", "1")
    assert [attempt["isolation"] for attempt in attempts(answer)["code"]] == [backend]
    seen = json.loads(json.loads(workspace.output("code").read_text())["summary"])
    assert seen == {"wrote": False, "home": [".claude/.credentials.json"]}
    assert (home / ".claude/.credentials.json").read_text() == "mine"

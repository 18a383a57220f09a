"""Real coding agents that coordinate: the instructions that reach their models, and a walk by their MCP clients."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from swarm.show.instructions import CLIENTS, agents_text, skill_text
from tests.agents.conftest import Run
from tests.agents.model_server import ModelServer, model_server
from tests.agents.programs import PROGRAMS, Program
from tests.agents.steps import Call, Say, Step
from tests.conftest import Answer, Repo

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]
ASKED = "Audit this repository and fix the unused import."
# Each program without a terminal, with the tools of the server allowed. The prompt comes on stdin.
COMMANDS = {
    "claude": ("claude", "-p", "--allowedTools", "mcp__swarm", "--mcp-config", ".mcp.json"),
    "codex": ("codex", "exec", "--skip-git-repo-check", "-"),
    "opencode": ("opencode", "run", "-m", "fake/fake-model"),
    "gemini": ("gemini", "-m", "gemini-2.5-flash", "--approval-mode", "yolo", "--skip-trust"),
}
NAMES = {"claude": "Claude Code", "codex": "Codex", "gemini": "Gemini CLI", "opencode": "OpenCode"}
READS_AGENTS = {"codex", "opencode"}
# A model of a provider that somebody configured gets no tools of any server from Codex 0.169.
OFFERS_NO_TOOLS = {"codex"}
COORDINATORS = pytest.mark.parametrize(
    "program", [each for each in PROGRAMS if each.runtime in COMMANDS], ids=lambda each: each.runtime, indirect=True
)


def coordinates(text: str) -> Sequence[Step]:
    """Audit, look, approve, fix and verify by the tools of the server, each by the name that the program gives it."""

    def call(verb: str, **given: object) -> Call:
        offered = re.search(rf"\b(?:mcp_+)?swarm_+{verb}\b", text)
        return Call(offered[0] if offered else verb, given)

    (finding,) = set(re.findall(r'"findingId": ?"(F-[0-9a-f]{8})"', text)) or {"F-0"}
    return [
        # Claude Code starts servers while it asks its model, and offers this tool to wait for them.
        *([Call("WaitForMcpServers", {})] if "Claude Code" in text else []),
        call("audit"),
        call("findings", rule="F401"),
        call("approve", findings=[finding]),
        call("fix", findings=[finding], dry_run=True),
        call("fix", findings=[finding]),
        call("verify"),
        Say(f"{finding} is fixed."),
    ]


def asked(program: Program, server: ModelServer, project: Repo, words: Sequence[str]) -> Answer:
    """Call the program in the project, where it finds the entry of `swarm mcp` and swarm itself."""
    ready = program.ready(server.base)
    (client,) = [each for each in CLIENTS if each.client == NAMES[program.runtime]]
    is_of_home = client.file.startswith("~/")
    file = Path(client.file).expanduser() if is_of_home else project.root / client.file
    # A file of the home has the address of the server already.
    before = ready.home[client.file.removeprefix("~/")] if is_of_home else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{before}{client.entry}\n")
    return called(program, server, project, words)


def called(program: Program, server: ModelServer, project: Repo, words: Sequence[str]) -> Answer:
    """Call the program in the project, where it finds swarm itself."""
    ready = program.ready(server.base)
    environment = {
        **os.environ,
        **ready.environment,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        # OpenCode and Claude Code take their folder from the variable of the shell.
        "PWD": str(project.root),
        # As the user of a folder says once, in a dialogue.
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    done = subprocess.run(
        words,
        cwd=project.root,
        env=environment,
        input=ASKED,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@COORDINATORS
def test_instructions_reach_the_model_and_its_tools_lead_to_a_verified_finding(
    program: Program, project: Repo, run: Run
) -> None:
    with model_server(script=coordinates) as server:
        assert run(server.base, "init", ".", "--agents").exit == 0
        project.commit(message="instructions")
        start = project.head
        answer = asked(program, server, project, COMMANDS[program.runtime])
        assert answer.exit == 0, answer.out + answer.err
        first = server.requests[0].text
        (description,) = re.findall(r"^description: (.*)$", skill_text(), re.MULTILINE)
        assert description in first
        assert (agents_text().splitlines()[2] in first) == (program.runtime in READS_AGENTS)
        if program.runtime in OFFERS_NO_TOOLS:
            return
        found = run(server.base, "findings", "--status", "all", "--format", "json").data["findings"]
        assert [(each["ruleId"], each["status"]) for each in found] == [("F401", "fixed")], answer.out + answer.err
        status = run(server.base, "status", "--format", "json").data
    assert (status["waves"]["current"]["status"], status["lastVerification"]["verdict"]) == ("verified", "pass")
    assert project.head == start


@pytest.mark.parametrize("program", [each for each in PROGRAMS if each.runtime == "aider"], indirect=True)
def test_aider_shows_its_model_the_block_that_it_is_given_and_its_user_the_answers_of_swarm(
    program: Program, project: Repo, run: Run
) -> None:
    with model_server(Say("I would run `swarm audit .`.")) as server:
        assert run(server.base, "init", ".", "--agents").exit == 0
        project.commit(message="instructions")
        words = (
            "aider",
            "--model",
            "openai/fake-model",
            "--yes-always",
            "--no-check-update",
            "--no-show-model-warnings",
        )
        for more in (("--message", ASKED), ("--read", "AGENTS.md", "--message", ASKED)):
            assert called(program, server, project, (*words, *more)).exit == 0
        told = [agents_text().splitlines()[2] in request.text for request in server.requests]
        assert (told[0], told[-1]) == (False, True)
        heard = called(program, server, project, (*words, "--message", "/run swarm audit ."))
    assert re.search(r"src/app.py:1:8 +LOW +F401 ", heard.out), heard.out + heard.err
    assert "lines of output to the chat" in heard.out

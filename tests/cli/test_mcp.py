"""`swarm mcp`: the verbs as tools, called by the client of the protocol's own library over stdin and stdout."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import click
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from swarm.cli.group import Verbs
from swarm.mcp_server.tools import BY_NAME, TOOLS, VerbTool, command_line, input_schema
from tests.cli.scenes.documents import valid
from tests.cli.scenes.launched_agents import eventually
from tests.cli.scenes.processes import is_alive
from tests.conftest import Repo, Swarm


@asynccontextmanager
async def _served(repo: Repo) -> AsyncIterator[Client]:
    server = StdioServerParameters(
        command=str(Path(sys.executable).with_name("swarm")),
        args=["mcp"],
        cwd=repo.root,
        env={**os.environ, "SWARM_TRUST": "1"},
    )
    async with Client(stdio_client(server)) as client:
        yield client


def _talk(repo: Repo, talk: Callable[[Client], Awaitable[None]]) -> None:
    async def talks() -> None:
        async with _served(repo) as client:
            await talk(client)

    anyio.run(talks)


def test_a_coordinator_audits_looks_and_plans_a_fix_by_tools_whose_answers_are_the_documents_of_the_verbs(
    repo: Repo, swarm: Swarm
) -> None:
    stages: list[str | None] = []

    async def progressed(_: float, __: float | None, stage: str | None) -> None:
        stages.append(stage)

    async def talk(client: Client) -> None:
        # The client holds each answer to the schema that the server gave for it.
        assert [tool.name for tool in (await client.list_tools()).tools] == list(BY_NAME)
        missing = await client.call_tool("status", {})
        assert (missing.is_error, missing.structured_content["error"]["code"]) == (True, "CONTROL_PLANE_MISSING")
        audit = await client.call_tool("audit", {"runtime": "ruff"}, progress_callback=progressed)
        assert (audit.is_error, audit.structured_content["command"], audit.structured_content["exitCode"]) == (
            False,
            "audit",
            1,
        )
        assert json.loads(audit.content[0].text) == audit.structured_content
        found = (await client.call_tool("findings", {"limit": 1})).structured_content["data"]
        assert (len(found["findings"]), found["total"] > 1) == (1, True)
        finding = found["findings"][0]["findingId"]
        shown = await client.call_tool("show", {"finding": finding})
        assert shown.structured_content["data"]["finding"]["findingId"] == finding
        plan = await client.call_tool("fix", {"rule": "F401", "dry_run": True})
        assert (plan.is_error, plan.structured_content["data"]["dryRun"]) == (False, True)
        assert {each["rule"] for each in plan.structured_content["data"]["findings"]} == {"F401"}

    _talk(repo, talk)
    assert [stage for stage in stages if stage and stage.startswith("attempt_")]
    # What the tools did is what the verbs see.
    assert swarm("status", "--format", "json").data["run"]["status"] == "health-audit-a"


def test_what_a_client_may_not_send_is_refused_before_any_verb_is_started(repo: Repo) -> None:
    async def talk(client: Client) -> None:
        with pytest.raises(MCPError, match="no tool is called 'rm'"):
            await client.call_tool("rm", {})
        for tool, given in (
            ("show", {}),
            ("show", {"finding": ["F-1"]}),
            ("show", {"finding": "F-1", "db": "elsewhere.db"}),
            ("show", {"finding": "x" * 2001}),
            ("approve", {"findings": ["F-1"] * 501}),
            ("approve", {"findings": ["F-1,F-2"]}),
            ("audit", {"runtime": "ruff\n--db=x"}),
            ("findings", {"limit": -1}),
        ):
            refused = await client.call_tool(tool, given)
            assert refused.is_error
            assert refused.structured_content["error"]["code"] == "CLI_USAGE", (tool, given)
        for given, message in (
            ({}, "show needs the argument 'finding'"),
            ({"findings": "F-1"}, "show takes no argument 'findings'. Did you mean 'finding'?"),
        ):
            error = (await client.call_tool("show", given)).structured_content["error"]
            assert (error["message"], error["hint"]) == (message, "show takes finding (required), run")
        # A value is never read as an option.
        hostile = await client.call_tool("show", {"finding": "--help"})
        assert hostile.structured_content["error"]["code"] == "CONTROL_PLANE_MISSING"

    _talk(repo, talk)
    assert not (repo.root / "swarms").exists()


def test_no_module_of_the_repository_is_imported(repo: Repo, tmp_path: Path) -> None:
    mark = tmp_path / "imported"
    evil = f"open({str(mark)!r}, 'a').write(__name__)\n"
    repo.commit({"swarm/__init__.py": evil, "swarm/__main__.py": evil, "json.py": evil, "click.py": evil})

    async def talk(client: Client) -> None:
        refused = await client.call_tool("status", {})
        assert refused.structured_content["error"]["code"] == "CONTROL_PLANE_MISSING"

    _talk(repo, talk)
    assert not mark.exists()


def test_a_cancelled_call_ends_its_agents_and_the_next_call_goes_on(repo: Repo, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    script = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    argv = json.dumps([sys.executable, "-c", script])
    repo.commit({"swarm.toml": f'[runtimes.slow]\nkind = "command"\nargv = {argv}\n'})

    async def talk(client: Client) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "audit", {"runtime": "slow", "jobs": 1})
            assert await anyio.to_thread.run_sync(eventually, lambda: mark.exists() and bool(mark.read_text()))
            group.cancel_scope.cancel()
        agent = int(mark.read_text())
        assert await anyio.to_thread.run_sync(eventually, lambda: not is_alive(agent))
        again = await client.call_tool("audit", {"runtime": "ruff"})
        assert (again.is_error, again.structured_content["data"]["waveStatus"]) == (False, "collected")

    _talk(repo, talk)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_interrupted_ends_though_its_stdin_stays_open(repo: Repo, number: signal.Signals) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "a client", "version": "1"},
        },
    }
    server = [sys.executable, "-m", "swarm", "mcp"]
    with subprocess.Popen(server, cwd=repo.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(hello) + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "swarm"
        process.send_signal(number)
        assert process.wait(60) == 130


def test_an_agent_gets_no_tools(swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWARM_ATTEMPT", "1")
    assert swarm("mcp", exit=1).code == "INSIDE_AGENT_WORKTREE"


def test_the_tools_are_listed_without_a_server(swarm: Swarm) -> None:
    tools = valid(swarm("mcp", "--tools", "--format", "json"), "mcp", 0)["tools"]
    assert [tool["name"] for tool in tools] == list(BY_NAME)
    assert swarm("mcp", "--tools").out.splitlines()[0].split()[0] == "audit"


@pytest.mark.parametrize("tool", TOOLS, ids=list(BY_NAME))
def test_every_argument_of_a_tool_is_one_of_its_verb(tool: VerbTool) -> None:
    verb = Verbs()[tool.verb]
    options = {option for each in verb.params if isinstance(each, click.Option) for option in each.opts}
    assert {each.option for each in tool.parameters if each.option} <= options
    by_place = [each for each in tool.parameters if each.option is None]
    assert len(by_place) <= len([each for each in verb.params if isinstance(each, click.Argument)])
    assert input_schema(tool)["additionalProperties"] is False


def test_arguments_become_options_that_hold_their_values() -> None:
    given = {"findings": ["F-1", "F-2"], "all": False, "jobs": 8.0, "reason": "--publish", "dry_run": True}
    assert command_line(BY_NAME["fix"], given) == [
        *("fix", "--format=json", "--ids=F-1,F-2", "--reason=--publish", "--jobs=8", "--dry-run", "--"),
    ]
    assert command_line(BY_NAME["findings"], {"run": "-1"}) == ["findings", "--format=json", "--limit=50", "--", "-1"]

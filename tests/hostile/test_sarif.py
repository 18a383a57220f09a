"""Every SARIF log of the corpus, named to `collect`, and as the work of a launched tool."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Repo, Swarm, Workspace
from tests.hostile.cases import cases
from tests.hostile.law import assert_lawful, assert_whole, checkout

pytestmark = pytest.mark.sweep

LOGS = cases("sarif")


@pytest.fixture
def tools(swarm: Swarm, repo: Repo, tmp_path: Path) -> Workspace:
    """A wave in flight with an agent for every log, named for it."""
    (tmp_path / "logs").mkdir()
    for case in LOGS:
        (tmp_path / "logs" / f"{case.name}.sarif").write_bytes(case.body)
    argv = json.dumps(["cat", f"{tmp_path}/logs/{{domain}}.sarif"])
    runtime = f'[runtimes.tool]\nkind = "sarif"\nargv = {argv}\n'
    repo.commit({f"{case.name}/x.py": "x = 1\n" for case in LOGS} | {"swarm.toml": runtime})
    domains = [{"name": case.name, "globs": [f"{case.name}/**"]} for case in LOGS]
    (tmp_path / "map.json").write_text(json.dumps([*domains, {"name": "rest", "globs": ["**"], "ownership": "shared"}]))
    run = swarm("init", ".", "--domains-from", tmp_path / "map.json", "--format", "json").data["runId"]
    swarm("dispatch", run, "health-audit-a", "--auto-freeze")
    return Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db")


def states_of(data: Any) -> dict[str, tuple[str, list[str], int]]:
    """Return the state of each agent, the codes of its errors, and how many findings were read."""
    return {
        agent["domain"]: (agent["status"], [error["code"] for error in agent["errors"]], agent["findingsCount"])
        for agent in data["agents"]
    }


def assert_shown_safely(swarm: Swarm, workspace: Workspace) -> None:
    for form in ("text", "markdown", "json", "sarif"):
        assert_lawful(swarm("findings", "--limit", "500", "--format", form, exit=None), form=form)
    for words in (("status",), ("receipt",), ("history", "1"), ("trends",)):
        assert_lawful(swarm(*words, exit=None))
    assert_whole(swarm, workspace.db)


def test_each_log_that_is_named_is_read_or_refused_for_itself(
    swarm: Swarm, repo: Repo, tools: Workspace, tmp_path: Path
) -> None:
    before = checkout(repo)
    words = [word for case in LOGS for word in ("--domain", f"{case.name}:{tmp_path}/logs/{case.name}.sarif")]
    answer = swarm("collect", *words, "--format", "json", exit=1)
    assert_lawful(answer, form="json")
    found = states_of(answer.data)
    for case in LOGS:
        status, codes, count = found[case.name]
        if "code" in case.expected:
            assert (status, codes, count) == ("invalid_output", [case.expected["code"]], 0), case.name
        else:
            refused = case.expected.get("refused", {})
            assert (status, Counter(codes), count) == ("complete", refused, case.expected["findings"]), case.name
    assert_shown_safely(swarm, tools)
    assert checkout(repo) == before


def test_each_log_that_a_tool_prints_is_read_or_refused_for_itself(
    swarm: Swarm, tools: Workspace, tmp_path: Path
) -> None:
    # A tool runs once a wave over the whole tree, so each log has an audit of its own.
    swarm("collect", exit=1)
    ends = {}
    for case in LOGS:
        (tmp_path / "logs" / "all.sarif").write_bytes(case.body)
        answer = swarm("audit", ".", "--runtime", "tool", "--format", "json", exit=None)
        assert_lawful(answer, form="json")
        ends[case.name] = answer.exit
    assert {name for name, code in ends.items() if code == 3} >= {c.name for c in LOGS if "code" in c.expected}
    assert {name for name, code in ends.items() if code == 0} <= {
        c.name for c in LOGS if c.expected.get("findings") == 0
    }
    assert_shown_safely(swarm, tools)

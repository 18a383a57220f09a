"""Handed-in reports name their tools: findings are shown with them, and two tools never share a finding."""

import json
from pathlib import Path

import pytest

from tests.conftest import Repo, Swarm, Workspace
from tests.sarif.logs import Json, log_of, place, result, run_of

# Two tools that give the same rule to a line, as ESLint and oxlint do.
RULE = "no-eval"


def log(line: int, *tools: tuple[str, str]) -> str:
    runs = []
    for name, version in tools:
        run = run_of(result(RULE, place("src/tool.py", line), text="Do not use eval."))
        run["tool"]["driver"] |= {"name": name, "version": version}
        runs.append(run)
    return json.dumps(log_of(*runs))


def taken(swarm: Swarm, workspace: Workspace, report: Path, wave: int, text: str) -> list[Json]:
    swarm("dispatch", "health-audit-a", "--isolate")
    report.write_text(text)
    workspace.answer("rest", wave=wave)
    swarm("collect", "--domain", f"code:{report}")
    found: list[Json] = swarm("findings", "--status", "all", "--format", "json", exit=None).data["findings"]
    return found


def test_findings_of_handed_in_reports_keep_apart_by_their_tools_which_every_view_names(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    report = tmp_path / "both.sarif"
    first = taken(swarm, workspace, report, 1, log(5, ("ESLint", "9.0"), ("oxc | lint", "1.2")))
    by_tool = {one["tool"]: one["findingId"] for one in first}
    assert [(one["tool"], one["analyzer"], one["ruleId"]) for one in first] == [
        ("ESLint", None, RULE),
        ("oxc | lint", None, RULE),
    ]
    text = (repo.root / "src/tool.py").read_text()
    repo.commit({"src/tool.py": f"# A tool.\n{text}"})
    # Newer versions of both, in the other order: each goes on with its own finding.
    second = taken(swarm, workspace, report, 2, log(6, ("oxc | lint", "1.3"), ("eslint", "10.0")))
    assert {one["findingId"]: (one["tool"], one["line"], one["status"]) for one in second} == {
        by_tool["ESLint"]: ("eslint", 6, "recurring"),
        by_tool["oxc | lint"]: ("oxc | lint", 6, "recurring"),
    }
    # Another tool's report is no sight of what the first tool found.
    third = taken(swarm, workspace, report, 3, log(6, ("oxc | lint", "1.3")))
    assert {one["tool"]: one["status"] for one in third} == {"eslint": "unverified", "oxc | lint": "recurring"}
    shown = swarm("show", by_tool["ESLint"], "--format", "json").data["sightings"]
    assert [(one["wave"], one["tool"], one["reportedId"]) for one in shown] == [
        (1, "ESLint", "code-0001"),
        (2, "eslint", "code-0002"),
    ]
    lines = swarm("show", by_tool["ESLint"]).out.splitlines()
    assert lines[lines.index("Sightings") + 1] == (
        "  wave 1, code [code-0001], in a report of ESLint, MEDIUM: src/tool.py:5"
    )
    meaning = swarm("explain", by_tool["ESLint"], "--format", "json").data["meaning"]
    assert "Reported by eslint, as a report says that somebody handed in: swarm has not run it" in meaning
    runs = json.loads(swarm("findings", "--format", "sarif", exit=None).out)["runs"]
    assert [(run["tool"]["driver"]["name"], run["automationDetails"]["id"], len(run["results"])) for run in runs] == [
        ("eslint", "swarm/eslint/", 1),
        ("oxc | lint", "swarm/oxc-lint/", 1),
        ("swarm", "swarm/swarm/", 0),
    ]
    agents = swarm("receipt", "2", "--format", "json").data["agents"]
    assert [(agent["domain"], agent["tools"]) for agent in agents] == [("code", ["eslint", "oxc | lint"]), ("rest", [])]
    rows = [line for line in swarm("receipt", "2").out.splitlines() if line.startswith("| code | complete")]
    assert [row.split(" | ")[2] for row in rows] == ["2, in a report of eslint, oxc \\| lint"]
    assert swarm("ledger", "replay", "--check").code is None
    kept = tmp_path / "baseline.json"
    swarm("findings", "--format", "baseline", "-o", str(kept), exit=None)
    assert sorted(one["tool"] for one in json.loads(kept.read_text())["findings"]) == ["eslint", "oxc"]


@pytest.mark.parametrize(
    ("named", "kept"), [("\0\x1b", None), (" \0Evil\x1b[31m\n=1+1", "Evil[31m =1+1"), ("x" * 300, "x" * 100)]
)
def test_a_tool_of_a_hostile_name_is_named_by_what_can_be_shown_of_it(
    swarm: Swarm, workspace: Workspace, tmp_path: Path, named: str, kept: str | None
) -> None:
    (found,) = taken(swarm, workspace, tmp_path / "r.sarif", 1, log(5, (named, "1")))
    assert found["tool"] == kept


def test_an_agent_that_names_a_tool_beside_its_finding_has_not_run_it(swarm: Swarm, dispatched: Workspace) -> None:
    dispatched.answer("code", {"file": "src/tool.py", "line": 5, "quote": "    return eval('1')", "tool": "ESLint"})
    dispatched.answer("rest")
    swarm("collect")
    (found,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert found["tool"] is None

"""`swarm launch` of tools that write SARIF."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.launched_agents import Agents, outcomes
from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.sweeping import swept

# --- sarif -----------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("printed", swept(["", "no json", "{}", '{"runs": [3]}']))
def test_a_tool_that_prints_no_sarif_has_failed(launched: Callable[..., Answer], printed: str) -> None:
    answer = launched(f"print({printed!r})", kind="sarif", exit=3)
    assert outcomes(answer)["code"] == [("invalid_output", 3, 0)]


def test_a_tool_that_ends_with_2_has_failed(launched: Callable[..., Answer]) -> None:
    answer = launched("results = []\n" + SARIF_TOOL + "sys.exit(2)", kind="sarif", exit=3)
    assert outcomes(answer)["code"] == [("runtime_error", 3, 2)]


# --- a repository whose old place is a link to the new one -----------------------------------------------


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
    assert {(item["file"], item["line"], item["ruleId"]) for item in found} == {
        *(("src/app.py", 1, "F401"), ("src/app.py", 2, "F401"), ("src/app.py", 5, "B006"), ("src/app.py", 8, "E722")),
        *(("src/app.py", 8, "S110"), ("src/app.py", 13, "F821")),
        *(("src/tool.py", 1, "E401"), ("src/tool.py", 1, "F401"), ("src/tool.py", 5, "S307")),
    }

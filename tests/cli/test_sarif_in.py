"""SARIF that `swarm collect` and `swarm audit` read: logs of other machines, notebooks, failures, unusual exits."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Answer, Repo, Swarm, Workspace
from tests.sarif.logs import Json, log_of, place, result, run_of
from tests.sweeping import swept


def collected(swarm: Swarm, workspace: Workspace, report: Path, log: Any) -> list[Json]:
    report.write_text(json.dumps(log))
    workspace.answer("rest")
    swarm("collect", "--domain", f"code:{report}")
    found: list[Json] = swarm("findings", "--format", "json", exit=None).data["findings"]
    return found


def test_results_are_placed_where_the_tool_says_and_equal_ones_are_one(
    swarm: Swarm, repo: Repo, dispatched: Workspace, tmp_path: Path
) -> None:
    # A snippet of the lines around the place, as gosec writes it.
    around = {"text": "4: \n5: def load(path, seen=[]):\n6: "}
    twice = result("TWICE", place("src/app.py", 2, startColumn=1))
    run = run_of(
        result("CHECKOUT", place((repo.root / "src/app.py").as_uri(), 5, snippet=around)),
        result("PASSED", place("src/app.py", 5), kind="pass", level="none"),
        result("OFFSET", place("src/app.py", charOffset=0)),
        twice,
        twice,
    )
    found = collected(swarm, dispatched, tmp_path / "r.sarif", log_of(run, run_of(twice)))
    assert sorted((one["ruleId"], one["file"], one["line"], one["quote"]) for one in found) == [
        ("CHECKOUT", "src/app.py", 5, "def load(path, seen=[]):"),
        ("OFFSET", "src/app.py", 1, "import os"),
        ("TWICE", "src/app.py", 2, "import sys"),
    ]


def test_a_log_is_known_by_its_content_whatever_its_file_is_called(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path
) -> None:
    found = collected(swarm, dispatched, tmp_path / "report.json", log_of(run_of(result("R1", place("src/app.py", 5)))))
    assert [one["ruleId"] for one in found] == ["R1"]


def test_a_log_of_a_container_is_about_the_files_of_the_repository(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path
) -> None:
    names = ("src/app.py", "src/tool.py")
    run = run_of(*(result("R1", place(f"/github/workspace/{name}", 5)) for name in names))
    found = collected(swarm, dispatched, tmp_path / "r.sarif", log_of(run))
    assert sorted(one["file"] for one in found) == list(names)


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_a_log_in_utf_16_is_read_as_powershell_writes_it(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path, order: str
) -> None:
    log = log_of(run_of(result("R1", place("src/app.py", 5), text="Ünsafe 😀")))
    (tmp_path / "report.json").write_bytes(f"\ufeff{json.dumps(log, ensure_ascii=False)}\r\n".encode(order))
    dispatched.answer("rest")
    swarm("collect", "--domain", f"code:{tmp_path / 'report.json'}")
    (found,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert (found["ruleId"], found["line"], found["description"]) == ("R1", 5, "Ünsafe 😀")


def test_a_log_of_another_version_is_refused_with_its_version(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "r.sarif.json").write_text(json.dumps({"version": "1.0.0", "runs": [{"tool": {"name": "csc"}}]}))
    dispatched.answer("rest")
    answer = swarm("collect", "--domain", f"code:{tmp_path}/r.sarif.json", "--format", "json", exit=1)
    (problem,) = answer.data["agents"][0]["errors"]
    assert problem["message"].endswith(" is SARIF of version '1.0.0', and swarm reads 2.1.0")


def audited(swarm: Swarm, repo: Repo, tmp_path: Path, log: Json, end: int, *, settings: str = "", ends: int) -> Answer:
    (tmp_path / "log.json").write_text(json.dumps(log))
    code = f"import sys; print(open({f'{tmp_path}/log.json'!r}).read()); sys.exit({end})"
    argv = json.dumps([sys.executable, "-c", code])
    repo.commit({"swarm.toml": f'[runtimes.tool]\nkind = "sarif"\nargv = {argv}\n{settings}'})
    return swarm("audit", ".", "--runtime", "tool", "--format", "json", exit=ends)


SUCCESS = {"executionSuccessful": True}


@pytest.mark.parametrize(
    ("end", "settings", "invocations", "exit_code"),
    [(4, "", [SUCCESS], 1), (2, "accepts = [0, 2]\n", [], 1), (2, "", [], 3), (1, "accepts = [0, 2]\n", [SUCCESS], 3)],
)
def test_an_exit_code_is_good_where_swarm_toml_or_the_log_says_so(
    swarm: Swarm,
    repo: Repo,
    tmp_path: Path,
    end: int,
    settings: str,
    invocations: list[Json],
    exit_code: int,
) -> None:
    log = log_of(run_of(result("R1", place("src/app.py", 5)), invocations=invocations))
    answer = audited(swarm, repo, tmp_path, log, end, settings=settings, ends=exit_code)
    assert len(answer.data["digest"]["findings"]) == (exit_code == 1)


def test_a_file_that_the_tool_could_not_parse_was_not_looked_at(swarm: Swarm, repo: Repo, tmp_path: Path) -> None:
    error = {"level": "error", "message": {"text": "Parsing error"}, "locations": [place("src/tool.py", 3)]}
    step = {"executionSuccessful": True, "toolExecutionNotifications": [error]}
    data = audited(swarm, repo, tmp_path, log_of(run_of(invocations=[step])), 0, ends=3).data
    assert data["lookedAt"]["notRead"] == ["src/tool.py"]
    assert any("the tool reports an error (src/tool.py): Parsing error" in item for item in data["refusedItems"])


def test_a_tool_that_says_that_it_failed_has_not_completed(swarm: Swarm, repo: Repo, tmp_path: Path) -> None:
    log = log_of(run_of(invocations=[{"executionSuccessful": False, "exitCodeDescription": "no licence"}]))
    data = audited(swarm, repo, tmp_path, log, 0, ends=3).data
    assert {broken["error"] for broken in data["digest"]["broken"]} == {
        "NO_OUTPUT: the tool says that it failed, no licence"
    }


@pytest.mark.parametrize(
    ("doubt", "unproved"),
    swept(
        [
            ([result("R1", place("src/app.py", 0))], {"src/app.py"}),
            ([result("R1", place("../app.py", 5))], {"src/app.py", "src/tool.py"}),
            ([result("R1", place("src/app.py", 1, startColumn=0))], set()),
        ]
    ),
)
def test_silence_about_the_file_of_a_refused_result_is_no_fix(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path, doubt: list[Json], unproved: set[str]
) -> None:
    swarm("dispatch", "health-audit-a", "--isolate")
    both = run_of(*(result("R1", place(name, 5)) for name in ("src/app.py", "src/tool.py")))
    collected(swarm, workspace, tmp_path / "1.sarif", log_of(both))
    for name in ("src/app.py", "src/tool.py"):
        lines = (repo.root / name).read_text().split("\n")
        repo.commit({name: "\n".join([*lines[:4], "LIMIT = 3", *lines[5:]])})
    swarm("dispatch", "health-audit-a", "--isolate")
    (tmp_path / "2.sarif").write_text(json.dumps(log_of(run_of(*doubt))))
    workspace.answer("rest", wave=2)
    swarm("collect", "--domain", f"code:{tmp_path}/2.sarif")
    found = swarm("findings", "--status", "fixed,unverified", "--format", "json", exit=1).data["findings"]
    assert {one["file"] for one in found if one["status"] == "unverified"} == unproved
    assert len(found) == 2


def notebook(*cells: tuple[str, list[str]]) -> str:
    written = [{"cell_type": kind, "metadata": {}, "source": lines} for kind, lines in cells]
    return json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


@pytest.mark.parametrize(
    "form", ["file://{root}/{tree}", "{root}/{tree}", "{tree}"], ids=["uri", "absolute", "relative"]
)
def test_a_report_of_a_tool_that_ran_in_a_worktree_is_about_the_files_of_the_commit(
    swarm: Swarm, repo: Repo, dispatched: Workspace, tmp_path: Path, form: str
) -> None:
    # A worktree of an earlier wave, which is gone by now, or of this one.
    gone = f"swarms/{dispatched.run}/worktrees/w0-code/src/app.py"
    uri = form.format(root=repo.root, tree=gone)
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 5}}}
    result = {"ruleId": "R1", "message": {"text": "m"}, "locations": [place]}
    log = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "My Tool"}}, "results": [result]}]}
    (tmp_path / "log.sarif").write_text(json.dumps(log))
    dispatched.answer("rest")
    swarm("collect", "--domain", f"code:{tmp_path / 'log.sarif'}")
    (found,) = swarm("findings", "--format", "json", exit=1).data["findings"]
    assert (found["file"], found["line"], found["quote"]) == ("src/app.py", 5, "def load(path, seen=[]):")
    (sighting,) = swarm("show", found["findingId"], "--format", "json").data["sightings"]
    assert sighting["reportedId"] == "My-Tool-0001"


def test_a_row_of_a_notebook_is_the_line_of_its_file(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    text = notebook(
        ("markdown", ["# Title\n"]), ("code", ["x = 1\n"]), ("code", ["%%bash\n", "ls\n"]), ("code", ["y = 2\n", "z"])
    )
    repo.commit({"src/n.ipynb": text})
    swarm("dispatch", "health-audit-a", "--isolate")
    through = run_of(result("THROUGH", place("src/n.ipynb", 4))) | {"tool": {"driver": {"name": "ruff"}}}
    in_cell = run_of(
        result("IN_CELL", place("src/n.ipynb", 1), properties={"cell": 4}),
        result("PLAIN", place("src/n.ipynb", 1)),
        result("NO_CELL", place("src/n.ipynb", 1), properties={"cell": 9}),
    )
    found = collected(swarm, workspace, tmp_path / "r.sarif", log_of(through, in_cell))
    lines = [line.strip() for line in text.split("\n")]
    assert sorted((one["ruleId"], one["line"], one["description"]) for one in found if one["line"]) == [
        ("IN_CELL", lines.index('"y = 2\\n",') + 1, "It is wrong."),
        ("PLAIN", 1, "It is wrong."),
        ("THROUGH", lines.index('"z"') + 1, "It is wrong."),
    ]
    (lost,) = (one for one in found if one["line"] is None)
    assert (lost["ruleId"], lost["description"]) == ("NO_CELL", "It is wrong. (cell 9, line 1)")

"""`swarm trends`: what persists, how it went and what comes back, over waves and over runs."""

from typing import Any

import pytest

from tests.conftest import Repo, Swarm, Workspace

LOAD = {"file": "src/app.py", "line": 5, "quote": "def load(path, seen=[]):", "category": "bug"}
EVAL = {
    "file": "src/tool.py",
    "line": 5,
    "quote": "    return eval('1')",
    "category": "security",
    "severity": "CRITICAL",
}


def wave(swarm: Swarm, at: Workspace, number: int, *findings: dict[str, Any], confirmed: tuple[str, ...] = ()) -> None:
    swarm("dispatch", at.run, "health-audit-a", "--isolate")
    at.answer("code", *findings, wave=number, confirmed=list(confirmed))
    at.answer("rest", wave=number)
    swarm("collect", at.run)


def look_back(swarm: Swarm, query: str, *options: str) -> Any:
    return swarm("trends", "--query", query, *options, "--format", "json").data


@pytest.fixture
def returned(swarm: Swarm, repo: Repo, workspace: Workspace) -> Workspace:
    """Three waves: two findings, of which one is mended, and comes back."""
    wave(swarm, workspace, 1, LOAD, EVAL)
    source = (repo.root / "src/tool.py").read_text()
    repo.commit({"src/tool.py": source.replace("eval('1')", "1")})
    wave(swarm, workspace, 2, LOAD)
    repo.commit({"src/tool.py": source})
    wave(swarm, workspace, 3, LOAD, EVAL)
    return workspace


def another_run(swarm: Swarm, repo: Repo) -> Workspace:
    run = swarm("init", ".", "--new", "--format", "json").data["runId"]
    for domain in [d["name"] for d in swarm("domains", run, "--format", "json").data["domains"]]:
        swarm("domains", run, "--remove", domain)
    swarm("domains", run, "--add", "code", "--globs", '["src/**"]')
    swarm("domains", run, "--add", "rest", "--globs", '["**"]')
    swarm("domains", run, "--freeze")
    folder = repo.root / "swarms"
    return Workspace(run, folder, folder / "control-plane.db")


def short(found: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    return [(f["file"], f["status"], f["runs"], f["waves"], f["cameBack"]) for f in found]


def test_the_most_persistent_stand_first(swarm: Swarm, returned: Workspace) -> None:
    data = look_back(swarm, "recurring")
    assert (data["runs"], data["total"]) == (1, 2)
    assert short(data["recurring"]) == [
        ("src/app.py", "recurring", 1, 3, 0),
        ("src/tool.py", "recurring", 1, 2, 1),
    ]
    assert [f["last"] for f in data["recurring"]] == [{"runId": returned.run, "wave": 3}] * 2
    assert (data["history"], data["rules"], data["files"]) == (None, None, None)


def test_history_shows_every_wave_in_order(swarm: Swarm, returned: Workspace) -> None:
    data = look_back(swarm, "history")
    found = [(p["wave"], p["status"], p["new"], p["fixed"], p["regressed"]) for p in data["history"]]
    assert found == [(1, "collected", 2, 0, 0), (2, "collected", 0, 1, 0), (3, "collected", 0, 0, 1)]
    assert [p["wave"] for p in look_back(swarm, "history", "--limit", "2")["history"]] == [2, 3]


def test_recurrence_shows_the_rules_and_files_that_come_back(swarm: Swarm, returned: Workspace) -> None:
    data = look_back(swarm, "recurrence")
    counts = {"findings": 1, "open": 1, "fixes": 1, "cameBack": 1, "rate": 1.0}
    assert data["rules"] == [{"name": "security", **counts}]
    assert data["files"] == [{"name": "src/tool.py", **counts}]


def test_a_finding_is_known_again_in_the_next_run(swarm: Swarm, repo: Repo, returned: Workspace) -> None:
    wave(swarm, another_run(swarm, repo), 1, LOAD)
    data = look_back(swarm, "recurring")
    assert short(data["recurring"])[0] == ("src/app.py", "new", 2, 4, 0)
    assert data["recurring"][0]["first"] == {"runId": returned.run, "wave": 1}


def test_what_one_run_fixed_and_the_next_one_saw_came_back(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    wave(swarm, workspace, 1, EVAL)
    source = (repo.root / "src/tool.py").read_text()
    repo.commit({"src/tool.py": source.replace("eval('1')", "1")})
    wave(swarm, workspace, 2)
    repo.commit({"src/tool.py": source})
    wave(swarm, another_run(swarm, repo), 1, EVAL)
    assert short(look_back(swarm, "recurring")["recurring"]) == [("src/tool.py", "new", 2, 2, 1)]
    (rule,) = look_back(swarm, "recurrence")["rules"]
    assert (rule["name"], rule["fixes"], rule["cameBack"], rule["rate"]) == ("security", 1, 1, 1.0)


def test_an_alias_links_runs_too(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    wave(swarm, workspace, 1, LOAD)
    # The same line in another definition: its fingerprint is another one, which becomes an alias.
    source = (repo.root / "src/app.py").read_text()
    repo.commit({"src/app.py": source.replace("def load(path, seen=[]):", "class Made:\n  def load(path, seen=[]):")})
    moved = LOAD | {"line": 6, "quote": "  def load(path, seen=[]):"}
    wave(swarm, workspace, 2, moved)
    second = another_run(swarm, repo)
    wave(swarm, second, 1, moved)
    known = [swarm("findings", run, "--format", "json", exit=1).data["findings"] for run in (workspace.run, second.run)]
    assert known[0][0]["fingerprint"] != known[1][0]["fingerprint"]
    assert short(look_back(swarm, "recurring")["recurring"]) == [("src/app.py", "new", 2, 3, 0)]


def test_equal_findings_of_two_repositories_are_two(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    wave(swarm, workspace, 1, LOAD)
    run = swarm("init", ".", "--new", "--repo", "org/fork", "--format", "json").data["runId"]
    swarm("domains", run, "--freeze")
    swarm("audit", ".", exit=None)
    assert all(f["runs"] == 1 for f in look_back(swarm, "recurring")["recurring"])
    assert look_back(swarm, "history", "--repo", "org/fork")["runs"] == 1
    assert swarm("trends", "--repo", "org/none").out == "No runs of org/none found.\n"


def test_the_limit_says_how_many_it_left_out(swarm: Swarm, returned: Workspace) -> None:
    lines = swarm("trends", "--limit", "1").out.splitlines()
    assert lines[0].endswith("  bug  It is wrong.")
    assert lines[1].endswith("  recurring, seen in 3 waves of 1 run")
    assert lines[-1] == "… and 1 more: `swarm trends --query recurring --limit 2`"


@pytest.mark.parametrize("query", ["recurring", "history", "recurrence"])
def test_without_a_control_plane_there_is_nothing_to_look_back_on(swarm: Swarm, query: str) -> None:
    assert swarm("trends", "--query", query, exit=1).code == "CONTROL_PLANE_MISSING"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("recurring", "Nothing was seen in more than one wave of 1 run."),
        ("history", "No wave in 1 run."),
        ("recurrence", "Nothing that was fixed came back in 1 run."),
    ],
)
def test_where_nothing_came_back_it_says_so(swarm: Swarm, workspace: Workspace, query: str, expected: str) -> None:
    assert swarm("trends", "--query", query).out == expected + "\n"

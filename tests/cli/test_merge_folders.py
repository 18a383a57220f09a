"""`swarm merge` where folders, renames and deletions conflict: paths that exist, and every domain with a part in it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.shared_files import Files, team_of_two, work
from tests.conftest import Repo, Swarm
from tests.sweeping import swept

LONG = {name: "".join(f"{name} {number}\n" for number in range(30)) for name in ("a", "b")}
FILES = {"docs/x.txt": "x\n", "old/a.txt": LONG["a"], "old/b.txt": LONG["b"], "bin/run": "#!/bin/sh\n"}
# What the agents `code` and `rest` do, and the paths in conflict.
CASES: dict[str, tuple[Files, Files, list[str]]] = {
    "a folder becomes a file": ({"docs/x.txt": None, "docs": "file\n"}, {"docs/y.txt": "y\n"}, ["docs"]),
    "a file becomes a folder": ({"bin/run": "more\n"}, {"bin/run": None, "bin/run/x": "x\n"}, ["bin/run"]),
    "both add one name as file and folder": ({"new": "file\n"}, {"new/y.txt": "y\n"}, ["new"]),
    "a folder is renamed": (
        {"old/a.txt": None, "old/b.txt": None, "new/a.txt": LONG["a"], "new/b.txt": LONG["b"]},
        {"old/c.txt": "c\n"},
        ["old/c.txt"],
    ),
    "a file is renamed in two ways": (
        {"old/a.txt": None, "one.txt": LONG["a"]},
        {"old/a.txt": None, "two.txt": LONG["a"]},
        ["old/a.txt", "one.txt", "two.txt"],
    ),
    "a file is edited and deleted": ({"old/a.txt": None}, {"old/a.txt": LONG["a"] + "more\n"}, ["old/a.txt"]),
    "a file is renamed and deleted": (
        {"old/a.txt": None, "one.txt": LONG["a"]},
        {"old/a.txt": None},
        ["old/a.txt", "one.txt"],
    ),
    "both add a file": ({"new.txt": "code\n"}, {"new.txt": "rest\n"}, ["new.txt"]),
    "two files are renamed to one": (
        {"old/a.txt": None, "one.txt": LONG["a"]},
        {"old/b.txt": None, "one.txt": LONG["b"]},
        ["one.txt"],
    ),
}


@pytest.fixture
def team(swarm: Swarm, repo: Repo, tmp_path: Path) -> Team:
    repo.commit(FILES)
    return team_of_two(swarm, repo, tmp_path)


def edit(team: Team, domain: str, files: Files) -> None:
    """Delete first: a folder may take the place of a file, and a file that of a folder."""
    team.edit(domain, {name: None for name, content in files.items() if content is None})
    tree = team.tree(domain)
    for name, content in files.items():
        if content is not None and (tree / name).is_dir():
            (tree / name).rmdir()
    team.edit(domain, {name: content for name, content in files.items() if content is not None})


@pytest.mark.parametrize("case", swept(CASES, first=2))
def test_a_conflict_names_paths_that_exist_and_both_domains(team: Team, case: str) -> None:
    code, rest, files = CASES[case]
    edit(team, "code", code)
    edit(team, "rest", rest)
    team.collect()
    error: dict[str, Any] = team.merge(exit=1).document["error"]
    assert (error["code"], error["domains"]) == ("MERGE_CONFLICT", ["code", "rest"])
    assert error["files"] == files


def test_who_edited_the_same_file_elsewhere_has_no_part_in_a_conflict(team: Team) -> None:
    work(team, {"old/a.txt": "top\n" + LONG["a"]}, {"old/a.txt": LONG["a"] + "end\n"})
    team.repo.commit({"old/a.txt": LONG["a"] + "other\n"})
    assert team.merge(exit=1).document["error"]["domains"] == ["rest"]


def test_work_that_an_earlier_merge_brought_in_has_its_part_in_a_conflict(team: Team) -> None:
    edit(team, "code", {"docs/x.txt": None, "docs": "file\n"})
    edit(team, "rest", {"docs/y.txt": "y\n"})
    team.collect()
    team.merge("--drop", "rest")
    error = team.merge(exit=1).document["error"]
    assert (error["files"], error["domains"]) == (["docs"], ["code", "rest"])


def test_the_hint_of_a_conflict_leads_to_the_end(team: Team) -> None:
    edit(team, "code", {"docs/x.txt": None, "docs": "file\n"})
    edit(team, "rest", {"docs/y.txt": "y\n"})
    team.collect()
    hint = team.merge("--publish", exit=1).document["error"]["hint"]
    assert f"merge branch {team.branch('rest')} into the target by hand" in hint
    team.repo.git("merge", "-q", "--no-edit", team.branch("rest"))
    hint = team.merge("--publish", exit=1).document["error"]["hint"]
    assert f"merge branch {team.branch('code')} into the target by hand" in hint
    with pytest.raises(subprocess.CalledProcessError):
        team.repo.git("merge", team.branch("code"))
    team.repo.git("rm", "-rfq", "docs")
    team.repo.commit({"docs": "file\n"})
    assert team.merge("--publish").data["commit"] == team.repo.head


def test_the_hint_names_the_commit_where_the_branch_does_not_hold_the_judged_work(team: Team) -> None:
    work(team, {"new.txt": "code\n"}, {"new.txt": "rest\n"})
    orphan = team.repo.git("commit-tree", "-m", "orphan", "HEAD^{tree}")
    team.repo.git("update-ref", f"refs/heads/{team.branch('rest')}", orphan)
    commit = team.merge(exit=1).document["error"]["branch"]
    assert team.file_at(commit, "new.txt") == "rest"

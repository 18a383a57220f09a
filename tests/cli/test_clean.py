"""`swarm clean`: empty worktrees are removed; work that would be lost is named, and saved with `--force`."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm.git.runner import Git
from tests.cli.scenes.merge_team import MENDED, Team
from tests.cli.scenes.snapshots import everything_in, nothing_changes
from tests.conftest import Answer, Repo
from tests.sweeping import swept

WHY = ("--apply", "--reason", "over")


def clean(team: Team, *words: str, exit: int | None = 0) -> Answer:  # noqa: A002
    return team.swarm("clean", team.run, *words, "--format", "json", exit=exit)


def states(answer: Answer) -> dict[str, str]:
    return {item["name"]: item["state"] for item in answer.data["removable"]}


def why(answer: Answer) -> dict[str, list[str]]:
    return {item["name"]: item["why"] for item in answer.data["atRisk"]}


def branches(repo: Repo) -> set[str]:
    return set(repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split())


def trees(team: Team) -> list[str]:
    folder = team.place.folder / team.run / "worktrees"
    return sorted(place.name for place in folder.iterdir()) if folder.exists() else []


def salvaged(team: Team) -> dict[str, str]:
    listed = team.repo.git("for-each-ref", "--format=%(refname) %(objectname)", f"refs/swarm/salvage/{team.run}/")
    return {name.rpartition("/")[2]: sha for name, _, sha in (line.partition(" ") for line in listed.splitlines())}


def content(team: Team, revision: str) -> dict[str, str]:
    names = team.repo.git("ls-tree", "-r", "--name-only", "-z", revision).split("\0")
    return {name: team.repo.git("show", f"{revision}:{name}") for name in names if name}


def steps(team: Team) -> list[str]:
    kinds = ("clean_begun", "cleaned", "rewind_begun", "rewound", "undone")
    return [kind for (kind,) in team.rows("SELECT kind FROM events ORDER BY seq") if kind in kinds]


def merged(team: Team) -> Team:
    team.merge()
    return team


def test_what_is_merged_or_as_dispatched_goes(team: Team, amended: Team) -> None:
    merged(team)
    answer = clean(team, *WHY)
    # `rest` made a commit of its own, which is not what was merged.
    assert states(answer) == {"w2-code": "merged", "w2-rest": "held_elsewhere"}
    assert branches(team.repo) == {"main", team.integration}
    assert trees(team) == []
    assert [line for line in team.repo.git("worktree", "list").splitlines() if "worktrees" in line] == []
    assert (answer.data["atRisk"], answer.data["state"], salvaged(team)) == ([], None, {})
    assert steps(team) == ["clean_begun", "cleaned"]


def test_what_an_agent_never_touched_goes_without_a_merge(team: Team) -> None:
    team.dispatch()
    team.edit("rest", {"README.md": "# Mine\n"})
    team.collect()
    answer = clean(team, *WHY, exit=1)
    assert states(answer) == {"w2-code": "as_dispatched"}
    assert why(answer) == {"w2-rest": ["1 uncommitted change: README.md"]}


def test_work_staged_in_a_tree_whose_folder_was_deleted_is_saved_from_its_index(team: Team) -> None:
    team.dispatch()
    tree = team.place.folder / team.run / "worktrees" / "w2-rest"
    team.edit("rest", {"README.md": "# Staged\n"})
    team.repo.git("add", "-A", cwd=tree)
    team.collect()
    shutil.rmtree(tree)
    left = clean(team, *WHY, exit=1)
    assert why(left) == {"w2-rest": ["its folder is gone, and something is staged in its index"]}
    assert states(clean(team, "--force", *WHY)) == {"w2-rest": "at_risk"}
    assert content(team, f"{salvaged(team)['w2-rest']}^2")["README.md"] == "# Staged"


def test_a_dry_run_is_a_pure_read(team: Team, amended: Team) -> None:
    team.edit("code", {"src/more.py": "x = 1\n"})
    with nothing_changes(team.repo.root):
        locks = sorted(team.repo.root.rglob("*.lock"))
        plain, forced = clean(team), clean(team, "--force")
        assert sorted(team.repo.root.rglob("*.lock")) == locks
    assert (plain.data["state"], set(why(plain))) == ("WORK_AT_RISK", {"w2-code", "w2-rest"})
    assert why(forced) == {}


def test_called_again_there_is_nothing_to_clean(team: Team, amended: Team) -> None:
    merged(team)
    clean(team, *WHY)
    with nothing_changes(team.repo.root):
        again = clean(team, *WHY)
    assert (again.data["summary"], again.data["removable"]) == ("Nothing to clean.", [])
    assert team.swarm("clean", team.run).out.splitlines() == ["Nothing to clean.", f"Next: swarm status {team.run}"]


def test_after_a_clean_there_is_nothing_to_merge(team: Team, amended: Team) -> None:
    merged(team)
    clean(team, *WHY)
    before = team.repo.git("for-each-ref")
    assert team.merge().data["summary"] == "Nothing to merge: everything is merged already."
    assert team.repo.git("for-each-ref") == before


def test_an_integration_branch_that_the_target_has_goes_too(team: Team, amended: Team) -> None:
    merged(team)
    team.merge("--publish")
    assert states(clean(team, *WHY))["integration"] == "contained"
    assert branches(team.repo) == {"main"}


def test_a_wave_in_flight_is_never_touched(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED})
    files = everything_in(team.tree("code"))
    answer = clean(team, "--force", *WHY)
    assert answer.data["inFlight"] == [2]
    assert everything_in(team.tree("code")) == files
    assert {team.branch("code"), team.branch("rest")} <= branches(team.repo)


def edit_hidden(team: Team) -> None:
    tree = team.tree("code")
    (tree / "src/tool.py").write_text("# hidden\n")
    team.repo.git("update-index", "--assume-unchanged", "src/tool.py", cwd=tree)


def move_head(team: Team) -> None:
    team.repo.git("checkout", "-q", "--detach", cwd=team.tree("code"))
    team.edit("code", {"src/away.py": "x = 1\n"}, commit=True)


def stage_alone(team: Team) -> None:
    tree = team.tree("code")
    was = (tree / "src/tool.py").read_text()
    team.edit("code", {"src/tool.py": "# staged\n"})
    team.repo.git("add", "-A", cwd=tree)
    (tree / "src/tool.py").write_text(was)


RISKS: dict[str, tuple[Callable[[Team], Any], str, tuple[str, str]]] = {
    "uncommitted": (
        lambda team: team.edit("code", {"src/tool.py": "# more\n"}),
        "1 uncommitted change: src/tool.py",
        ("src/tool.py", "# more"),
    ),
    "hidden by a flag of the index": (
        edit_hidden,
        "1 uncommitted change: src/tool.py",
        ("src/tool.py", "# hidden"),
    ),
    "untracked": (
        lambda team: team.edit("code", {"notes.txt": "mine\n"}),
        "1 untracked file: notes.txt",
        ("notes.txt", "mine"),
    ),
    "committed": (
        lambda team: team.edit("code", {"src/own.py": "x = 1\n"}, commit=True),
        "1 commit that no other branch has",
        ("src/own.py", "x = 1"),
    ),
}


@pytest.mark.parametrize("risk", swept(RISKS))
def test_what_would_be_lost_is_named_and_left_and_with_force_saved_first(risk: str, team: Team, amended: Team) -> None:
    merged(team)
    make, found, (name, text) = RISKS[risk]
    make(team)
    files = everything_in(team.tree("code"))
    answer = clean(team, *WHY, exit=1)
    assert (answer.data["state"], why(answer)) == ("WORK_AT_RISK", {"w2-code": [found]})
    assert everything_in(team.tree("code")) == files
    assert team.branch("code") in branches(team.repo)
    forced = clean(team, "--force", *WHY)
    (gone,) = forced.data["removable"]
    assert (gone["name"], gone["salvage"]) == ("w2-code", f"refs/swarm/salvage/{team.run}/w2-code")
    assert salvaged(team) == {"w2-code": gone["commit"]}
    assert content(team, gone["commit"])[name] == text
    assert (trees(team), branches(team.repo)) == ([], {"main", team.integration})


def test_a_head_that_was_moved_and_what_is_staged_alone_are_saved_as_parents(team: Team, amended: Team) -> None:
    merged(team)
    stage_alone(team)
    assert why(clean(team)) == {"w2-code": ["staged and nowhere else: src/tool.py"]}
    team.repo.git("reset", "-q", "--hard", cwd=team.tree("code"))
    move_head(team)
    head = team.repo.git("rev-parse", "HEAD", cwd=team.tree("code"))
    (found,) = why(clean(team)).values()
    assert found[0] == f"its HEAD was moved: it is at {head[:12]}, detached"
    clean(team, "--force", *WHY)
    assert head in team.repo.git("log", "--format=%H", salvaged(team)["w2-code"]).split()


def test_what_is_staged_alone_is_saved_as_a_parent(team: Team, amended: Team) -> None:
    merged(team)
    stage_alone(team)
    clean(team, "--force", *WHY)
    assert content(team, f"{salvaged(team)['w2-code']}^2")["src/tool.py"] == "# staged"


def test_ignored_files_are_counted_and_are_no_work(team: Team, amended: Team) -> None:
    merged(team)
    exclude = team.repo.root / ".git/info/exclude"
    exclude.write_text(exclude.read_text() + "*.pyc\n")
    team.edit("code", {"a.pyc": "1", "b/c.pyc": "2"})
    answer = clean(team)
    assert {item["name"]: item["ignored"] for item in answer.data["removable"]}["w2-code"] == 2


def lock(team: Team) -> str:
    team.repo.git("worktree", "lock", "--reason", "mine", str(team.tree("code")))
    return "git has it locked: mine"


def check_out_elsewhere(team: Team) -> str:
    team.repo.git("checkout", "-q", "--detach", cwd=team.tree("code"))
    place = team.repo.root.parent / "elsewhere"
    shutil.rmtree(place, ignore_errors=True)
    team.repo.git("worktree", "prune")
    team.repo.git("worktree", "add", "-q", str(place), team.branch("code"))
    return f"its branch is checked out at {place}"


def move_away(team: Team) -> str:
    place = team.repo.root.parent / "moved"
    shutil.rmtree(place, ignore_errors=True)
    team.repo.git("worktree", "prune")
    team.repo.git("worktree", "move", str(team.tree("code")), str(place))
    return f"its branch is checked out at {place}"


def link_away(team: Team) -> str:
    place = team.repo.root.parent / "linked"
    shutil.rmtree(place, ignore_errors=True)
    team.tree("code").rename(place)
    team.tree("code").symlink_to(place)
    return "a link stands in its place, or above it"


@pytest.mark.parametrize("make", swept([lock, check_out_elsewhere, move_away, link_away], first=2))
def test_what_cannot_be_removed_is_left_whatever_is_asked_for(
    make: Callable[[Team], str], team: Team, amended: Team
) -> None:
    merged(team)
    found = make(team)
    answer = clean(team, "--force", *WHY, exit=1)
    assert why(answer) == {"w2-code": [found]}
    assert team.branch("code") in branches(team.repo)
    assert team.branch("rest") not in branches(team.repo)


def test_a_repository_inside_of_a_tree_cannot_be_saved_and_is_left(team: Team, amended: Team) -> None:
    merged(team)
    team.repo.git("init", "-q", str(team.tree("code") / "inner"))
    (team.tree("code") / "inner/x").write_text("x")
    assert why(clean(team, "--force", *WHY, exit=1)) == {"w2-code": ["git cannot keep inner/"]}
    assert (team.tree("code") / "inner/x").read_text() == "x"


def test_a_tree_whose_folder_was_removed_is_forgotten(team: Team, amended: Team) -> None:
    merged(team)
    shutil.rmtree(team.tree("code"))
    clean(team, *WHY)
    assert "w2-code" not in team.repo.git("worktree", "list")
    assert branches(team.repo) == {"main", team.integration}


def test_links_in_a_tree_are_removed_and_not_followed(team: Team, amended: Team, tmp_path: Path) -> None:
    merged(team)
    (tmp_path / "mine").write_text("mine")
    exclude = team.repo.root / ".git/info/exclude"
    exclude.write_text(exclude.read_text() + "way\n")
    (team.tree("code") / "way").symlink_to(tmp_path)
    clean(team, *WHY)
    assert (trees(team), (tmp_path / "mine").read_text()) == ([], "mine")


def test_a_scratch_tree_of_a_process_that_died_goes(team: Team, amended: Team) -> None:
    merged(team)
    place = team.place.folder / team.run / "worktrees" / "proof-99999999-abc"
    team.repo.git("worktree", "add", "-q", "--detach", str(place), "HEAD")
    (place / "left.txt").write_text("by the build")
    assert states(clean(team, *WHY))["proof-99999999-abc"] == "abandoned"
    assert trees(team) == []


def test_an_agents_filters_and_hooks_are_not_run(team: Team, amended: Team, tmp_path: Path) -> None:
    merged(team)
    mark = tmp_path / "ran"
    (team.tree("code") / ".gitattributes").write_text("* filter=evil\n")
    team.repo.git("config", "filter.evil.clean", f"touch {mark}")
    team.repo.git("config", "core.fsmonitor", f"touch {mark}")
    assert why(clean(team)) == {"w2-code": ["1 untracked file: .gitattributes"]}
    clean(team, "--force", *WHY)
    assert not mark.exists()


def test_applying_needs_a_reason_which_is_recorded(team: Team, amended: Team) -> None:
    assert clean(team, "--apply", exit=1).code == "REASON_REQUIRED"
    merged(team)
    clean(team, *WHY)
    rows = team.rows("SELECT kind, reason, subject FROM events WHERE kind LIKE 'clean%'")
    assert rows == [("clean_begun", "over", f"run:{team.run}"), ("cleaned", "over", f"run:{team.run}")]


def test_waves_of_which_nothing_is_left_cost_no_call_of_git(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    process = Git._process

    def counted(self: Git, *arguments: Any) -> Any:
        calls.append(arguments[1])
        return process(self, *arguments)

    def calls_of_clean(wave: int) -> int:
        team.swarm("dispatch", team.run, "health-audit-a", "--isolate")
        for domain in ("code", "rest"):
            team.place.answer(domain, wave=wave)
        team.swarm("collect", team.run)
        calls.clear()
        clean(team, *WHY)
        return len(calls)

    monkeypatch.setattr(Git, "_process", counted)
    assert calls_of_clean(2) == calls_of_clean(3) == calls_of_clean(4) > 0

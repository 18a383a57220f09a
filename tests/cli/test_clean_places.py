"""`swarm clean`, and where things are: a workspace named by a link, what others put beside the trees, a lock in time."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swarm.builds.adapter import BuildResult
from swarm.git import worktree_list
from swarm.waves.clean import judgement
from swarm.waves.prove import build
from swarm.waves.trees import scratch_tree
from tests.cli.scenes.merge_team import Team
from tests.cli.scenes.snapshots import everything_in
from tests.conftest import Answer, Repo, Swarm, Workspace

APPLY = ("--apply", "--reason", "over", "--format", "json")


def why(answer: Answer) -> dict[str, list[str]]:
    return {item["name"]: item["why"] for item in answer.data["atRisk"]}


def states(answer: Answer) -> dict[str, str]:
    return {item["name"]: item["state"] for item in answer.data["removable"]}


def trees_of(place: Workspace) -> Path:
    return place.folder / place.run / "worktrees"


@pytest.fixture
def named_by_a_link(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo.root / "swarms").mkdir()
    (tmp_path / "way").symlink_to(repo.root / "swarms")
    monkeypatch.setenv("SWARM_DB", str(tmp_path / "way/control-plane.db"))


def commit_aside(repo: Repo, tree: Path) -> str:
    """Commit something on no branch, and put files and index back."""
    was = repo.git("rev-parse", "HEAD", cwd=tree)
    repo.git("checkout", "-q", "--detach", cwd=tree)
    (tree / "src/away.py").write_text("x = 1\n")
    repo.git("add", "-A", cwd=tree)
    repo.git("commit", "-q", "-m", "aside", cwd=tree)
    repo.git("read-tree", was, cwd=tree)
    (tree / "src/away.py").unlink()
    return repo.git("rev-parse", "HEAD", cwd=tree)


@pytest.mark.usefixtures("named_by_a_link")
def test_a_workspace_named_by_a_link_is_seen_as_git_sees_it(swarm: Swarm, repo: Repo, collected: Workspace) -> None:
    head = commit_aside(repo, trees_of(collected) / "w1-code")
    answer = swarm("clean", *APPLY, exit=1)
    assert states(answer) == {"w1-rest": "as_dispatched"}
    assert why(answer) == {
        "w1-code": [
            f"its HEAD was moved: it is at {head[:12]}, detached",
            "1 commit that no other branch has",
        ]
    }
    (gone,) = swarm("clean", "--force", *APPLY).data["removable"]
    assert head in repo.git("log", "--format=%H", gone["salvage"]).split()
    assert "w1-" not in repo.git("worktree", "list")


def test_what_was_dispatched_by_a_link_is_cleaned_and_brought_back_without(
    swarm: Swarm, repo: Repo, named_by_a_link: None, collected: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    del named_by_a_link
    listed = repo.git("worktree", "list")
    monkeypatch.delenv("SWARM_DB")
    assert states(swarm("clean", *APPLY)) == {"w1-code": "as_dispatched", "w1-rest": "as_dispatched"}
    swarm("undo", "--apply", "--reason", "back")
    assert sorted(repo.git("worktree", "list").splitlines()) == sorted(listed.splitlines())
    assert trees_of(collected).is_dir()


def put_link(gone: Path, outside: Path) -> str:
    gone.symlink_to(outside)
    return "a link stands in its place, or above it"


def put_file(gone: Path, outside: Path) -> str:
    del outside
    gone.write_text("mine")
    return "it is no folder"


def put_folder(gone: Path, outside: Path) -> str:
    del outside
    gone.mkdir()
    (gone / "mine").write_text("mine")
    return "nobody knows at which commit it was made"


@pytest.mark.parametrize("put", [put_link, put_file, put_folder])
def test_what_somebody_put_where_clean_removes_is_left_and_named(
    put: Callable[[Path, Path], str], swarm: Swarm, collected: Workspace, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "inner").mkdir(parents=True)
    for folder in (outside / "inner", outside):
        folder.chmod(0o755)
    found = put(trees_of(collected) / ".gone-x", outside)
    before = everything_in(trees_of(collected) / ".gone-x")
    answer = swarm("clean", "--force", *APPLY, exit=1)
    assert (set(states(answer)), why(answer)) == ({"w1-code", "w1-rest"}, {".gone-x": [found]})
    assert os.listdir(trees_of(collected)) == [".gone-x"]  # noqa: PTH208
    assert everything_in(trees_of(collected) / ".gone-x") == before
    assert [folder.stat().st_mode & 0o777 for folder in (outside, outside / "inner")] == [0o755, 0o755]


def test_a_folder_that_is_in_the_way_keeps_its_tree(swarm: Swarm, collected: Workspace) -> None:
    gone = trees_of(collected) / ".gone-w1-code"
    put_folder(gone, gone)
    for _ in range(2):
        found = why(swarm("clean", *APPLY, exit=1))
        assert found["w1-code"] == [f"{gone} is in the way"]
    assert ((gone / "mine").read_text(), (trees_of(collected) / "w1-code/src/app.py").is_file()) == ("mine", True)


@pytest.mark.parametrize("make", [lambda place, there: place.symlink_to(there), lambda place, _: place.touch()])
def test_deleting_a_folder_takes_a_link_or_a_file_in_its_place_alone(make: Any, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there").chmod(0o755)
    make(tmp_path / "gone", tmp_path / "there")
    worktree_list.delete_folder(tmp_path / "gone")
    assert not os.path.lexists(tmp_path / "gone")
    assert (tmp_path / "there").stat().st_mode & 0o777 == 0o755


def test_a_tree_that_is_locked_right_before_it_goes_is_put_back(
    swarm: Swarm, repo: Repo, collected: Workspace, after: Callable[[Any, str, Callable[[], object]], None]
) -> None:
    tree = trees_of(collected) / "w1-code"
    after(judgement, "still_is", lambda: repo.git("worktree", "lock", "--reason", "mine", str(tree)))
    answer = swarm("clean", *APPLY, exit=1)
    assert (states(answer), why(answer)) == (
        {"w1-rest": "as_dispatched"},
        {"w1-code": ["it changed while it was looked at"]},
    )
    (tree / "notes.txt").write_text("mine")
    assert why(swarm("clean", *APPLY, exit=1)) == {"w1-code": ["git has it locked: mine"]}
    repo.git("worktree", "unlock", str(tree))
    assert why(swarm("clean", *APPLY, exit=1)) == {"w1-code": ["1 untracked file: notes.txt"]}
    assert (tree / "notes.txt").read_text() == "mine"


def test_a_scratch_tree_of_another_container_is_no_remnant_while_its_build_runs(
    swarm_process: Swarm, amended: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bool, set[str]]] = []
    run_build = build.runner.run_build

    def looked_at(adapter: Any, tree: Path, *more: Any, **named: Any) -> BuildResult:
        names = set(states(swarm_process("clean", amended.run, "--force", "--format", "json")))
        seen.append((tree.is_dir(), names))
        return run_build(adapter, tree, *more, **named)

    # The id that it has there is one of nobody here.
    monkeypatch.setattr(scratch_tree, "SCRATCH", "proof-99999999-")
    monkeypatch.setattr(build.runner, "run_build", looked_at)
    amended.merge()
    assert seen == [(True, {"w2-code", "w2-rest"})] * len(seen) != []

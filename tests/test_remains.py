"""The kill matrix kills a call at a point for each state in which it could leave the disk."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from soak.points import Kill, Point, Task, killed_at, tasks_of
from soak.remains import left_by_a_kill
from soak.scenes import SCENES
from tests.conftest import Repo, Workspace


def left(repo: Repo) -> str | None:
    return left_by_a_kill(repo.root, {}, alive=os.getpid())


def deferred(repo: Repo) -> None:
    with closing(sqlite3.connect(repo.root / "swarms/control-plane.db")) as conn, conn:
        conn.execute("UPDATE findings SET description = 'It is right.'")


CHANGES: dict[str, Callable[[Repo], object]] = {
    "content of a file": lambda repo: (repo.root / "README.md").write_text("# a project\n"),
    "mode of a file": lambda repo: (repo.root / "README.md").chmod(0o600),
    "mode of a folder": lambda repo: (repo.root / "src").chmod(0o700),
    "a folder": lambda repo: (repo.root / "empty").mkdir(),
    "a link": lambda repo: (repo.root / "link").symlink_to("README.md"),
    "a flag in the index": lambda repo: repo.git("update-index", "--assume-unchanged", "README.md"),
    "a sparse index": lambda repo: repo.git("update-index", "--skip-worktree", "README.md"),
    "a ref": lambda repo: repo.git("branch", "other"),
    "HEAD": lambda repo: repo.git("symbolic-ref", "HEAD", "refs/heads/other"),
    "an object": lambda repo: repo.git("commit-tree", "-m", "none", "HEAD^{tree}"),
    "a row": deferred,
    "a lock": lambda repo: (repo.root / ".git/index.lock").touch(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_a_call_leaves_is_seen(repo: Repo, collected: Workspace, change: str) -> None:
    before = left(repo)
    CHANGES[change](repo)
    assert before is not None
    assert left(repo) != before


def test_times_and_numbers_of_files_make_no_difference(repo: Repo, collected: Workspace, tmp_path: Path) -> None:
    before = left(repo)
    shutil.copy(repo.root / "README.md", tmp_path / "copy")
    (tmp_path / "copy").rename(repo.root / "README.md")
    # git writes the new times into the index.
    repo.git("update-index", "--refresh")
    assert left(repo) == before


def test_what_a_call_leaves_is_not_known_while_a_process_works_there(
    repo: Repo, collected: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repo.root)
    assert left(repo) is not None
    assert left_by_a_kill(repo.root, {}) is None


def points(*lefts: str | None) -> list[Point]:
    return [Point("file.open", str(number), False, left) for number, left in enumerate(lefts)]


def test_a_call_is_killed_at_the_first_point_of_each_place_and_where_it_is_not_known() -> None:
    passed = points("a", None, "b", "a", None)
    passed.append(Point("file.open", "5", True, "b"))
    tasks = tasks_of(SCENES[0], passed)
    assert {task.number: [item.number for item in later] for task, later in tasks.items()} == {
        1: [4],
        2: [],
        3: [],
        5: [],
        6: [],
    }
    assert list(tasks_of(SCENES[0], passed, every=True).values()) == [[]] * 6


@pytest.mark.parametrize(("is_elsewhere", "numbers"), [(False, [1, 2]), (True, [1, 2, 3])])
def test_a_kill_elsewhere_stands_for_no_other_point(is_elsewhere: bool, numbers: list[int]) -> None:
    def work(task: Task) -> Kill:
        return Kill(task.scene, task.number, True, (), is_elsewhere=is_elsewhere)

    tasks = tasks_of(SCENES[0], points("a", "b", "a"))
    with ThreadPool(1) as pool:
        kills = killed_at(pool, work, tasks)
    assert sorted(item.point for item in kills) == numbers


@pytest.mark.sweep
def test_each_place_of_a_call_is_killed_or_as_before() -> None:
    # In a process of its own: points are passed only where they were alive when swarm was imported.
    words = [sys.executable, "soak/kill_matrix.py", "--scene", "dispatch, one tree"]
    done = subprocess.run(words, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["holds"]
    assert figures["as_before"] > 0
    assert 0 < figures["killed"] < figures["places"] < figures["points"]
    assert figures["same_end"] == figures["killed"]

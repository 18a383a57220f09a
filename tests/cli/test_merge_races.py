"""`swarm merge` beside other writers of the same branches, and after a kill."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest

from swarm.git import checkouts
from swarm.git import refs as refs_of_git
from swarm.locks import locked
from swarm.waves.prove.build import Prover
from swarm.waves.trees import worktrees
from tests.cli.scenes.merge_team import MENDED, RETITLED, Team
from tests.cli.scenes.merged import checkout, lasting, left_behind, states, tips, tree_of
from tests.cli.scenes.snapshots import block_of
from tests.conftest import SOURCE, Swarm
from tests.sweeping import swept

# --- races -----------------------------------------------------------------------------------------------


def raced(monkeypatch: pytest.MonkeyPatch, team: Team, branch: str) -> list[str]:
    """Let somebody else commit to a branch right before it is moved."""
    made: list[str] = []
    move = refs_of_git.move_branch

    def late(git: Any, name: str, old: str | None, new: str) -> None:
        if name == branch and not made:
            parent = tips(team.repo).get(branch, team.repo.head)
            other = team.repo.git("commit-tree", "-m", "other", "-p", parent, f"{parent}^{{tree}}")
            team.repo.git("update-ref", f"refs/heads/{branch}", other)
            made.append(other)
        move(git, name, old, new)

    # A branch that is checked out is moved by `checkouts`, which has imported the function by its name.
    for module in (refs_of_git, checkouts):
        monkeypatch.setattr(module, "move_branch", late)
    return made


def test_a_target_that_moves_while_it_is_published_to_is_raced_and_the_files_are_as_they_were(
    team: Team, amended: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, base = checkout(team.repo.root), team.repo.head
    made = raced(monkeypatch, team, "main")
    answer = team.swarm("merge", "--publish", exit=1)
    assert block_of(answer).splitlines()[0] == (
        f"ERROR [PUBLISH_RACED]: Branch main moved while it was published to: expected {base}, found {made[0]}"
    )
    assert tips(team.repo)["main"] == made[0]
    assert team.repo.git("status", "--porcelain") == ""
    after = checkout(team.repo.root)
    assert {name: what for name, what in after.items() if name != "index"} == {
        name: what for name, what in before.items() if name != "index"
    }
    assert lasting(team)["merges"] == []
    again = team.merge("--publish")
    assert (again.data["base"], team.repo.head) == (made[0], again.data["commit"])


def test_an_integration_branch_that_somebody_else_makes_meanwhile_is_not_lost(
    team: Team, amended: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = raced(monkeypatch, team, team.integration)
    assert team.merge(exit=1).code == "PUBLISH_RACED"
    assert tips(team.repo)[team.integration] == made[0]
    assert team.merge(exit=1).code == "INTEGRATION_MOVED"
    assert tips(team.repo)[team.integration] == made[0]


def test_a_merge_that_ends_while_another_one_builds_is_not_lost(
    team: Team, amended: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one leaves an agent out: its commit is none that this one knows. Locks of other machines are not seen."""
    monkeypatch.setattr(worktrees, "merge_lock", lambda *_: nullcontext())
    build = Prover.build
    seen: list[str] = []

    def late(self: Prover, commit: str) -> Any:
        if not seen:
            seen.append(commit)
            team.merge("--drop", "rest")
            seen.append(tips(team.repo)[team.integration])
        return build(self, commit)

    monkeypatch.setattr(Prover, "build", late)
    refused = team.merge(exit=1)
    assert refused.code == "PUBLISH_RACED"
    assert tips(team.repo)[team.integration] == seen[1]
    assert states(team.merge()) == {"code": "already", "rest": "merged"}


def test_two_merges_at_once_come_to_one(team: Team, amended: Team, swarm_process: Swarm) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: swarm_process("merge", team.run, "--format", "json", exit=None), range(2)))
    assert [answer.exit for answer in both] == [0, 0]
    assert sorted(answer.data["commit"] is None for answer in both) == [False, True]
    merges = lasting(team)["merges"]
    assert [(row[1], row[3]) for row in merges] == [(team.integration, tips(team.repo)[team.integration])]
    assert tree_of(team, team.integration) == SOURCE | {"src/app.py": MENDED, "README.md": RETITLED}
    assert left_behind(team) == []


@pytest.mark.parametrize("verb", ["merge", "rewind"])
def test_nobody_merges_or_rewinds_while_another_merges(
    team: Team, amended: Team, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr(worktrees, "LOCK_SECONDS", 0.0)
    before = lasting(team)
    with locked(team.place.folder / team.run / "merge.lock", "merge", timeout=0):
        words = (team.run, *(("--apply", "--reason", "back") if verb == "rewind" else ()))
        refused = team.swarm(verb, *words, "--format", "json", exit=1)
    assert refused.code == "CONTROL_PLANE_BUSY"
    assert refused.document["error"]["holder"] == f" by {os.getpid()} merge"
    assert lasting(team) == before


# --- what becomes of the findings ------------------------------------------------------------------------


@pytest.mark.parametrize("when", swept(["target moved before", "target moved after"]))
def test_a_merge_that_was_killed_while_its_target_moved_is_continued(
    team: Team, amended: Team, swarm_process: Swarm, when: str
) -> None:
    later = {"web/index.html": "<p>more</p>\n"}
    if when == "target moved before":
        team.merge("--drop", "rest")
        team.repo.commit(later)
    swarm_process("merge", team.run, exit=-9, SWARM_FAILPOINT="commit.before:3")
    if when == "target moved after":
        team.repo.commit(later)
    assert team.swarm("verify", "--format", "json", exit=1).code == "INTEGRATION_MOVED"
    team.merge("--publish")
    assert tree_of(team, "main") == SOURCE | later | {"src/app.py": MENDED, "README.md": RETITLED}

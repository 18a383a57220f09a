"""Worktrees that a git was making when it was killed: in the way of nobody, and left where they are somebody else's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import Team
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

ZERO = "0" * 40


def begun(admin: Path, tree: Path) -> None:
    admin.mkdir(parents=True)
    (admin / "locked").write_text("initializing\n")


def with_folder(admin: Path, tree: Path) -> None:
    begun(admin, tree)
    tree.mkdir(parents=True)


def with_its_place(admin: Path, tree: Path) -> None:
    with_folder(admin, tree)
    (admin / "gitdir").write_text(f"{tree}/.git\n")


def with_a_pointer(admin: Path, tree: Path) -> None:
    with_its_place(admin, tree)
    (tree / ".git").write_text(f"gitdir: {admin}\n")


def with_a_head(admin: Path, tree: Path) -> None:
    with_a_pointer(admin, tree)
    (admin / "HEAD").write_text(f"{ZERO}\n")
    (admin / "commondir").write_text("../..\n")


# What `git worktree add` leaves when it is killed, from its first step to its last but one.
def with_its_place_alone(admin: Path, tree: Path) -> None:
    """The rest of a scratch tree whose `git worktree remove` was killed after the files."""
    admin.mkdir(parents=True)
    (admin / "gitdir").write_text(f"{tree}/.git\n")


def without_its_place(admin: Path, tree: Path) -> None:
    """The same, a moment later."""
    admin.mkdir(parents=True)
    (admin / "index").write_bytes(b"")


STEPS = [begun, with_folder, with_its_place, with_a_pointer, with_a_head]
Half = Callable[[Path, Path], None]


def admins(repo: Repo) -> list[str]:
    folder = repo.root / ".git/worktrees"
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("half", swept(STEPS))
def test_a_dispatch_makes_its_trees_where_a_killed_git_had_begun(
    half: Half, swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    trees = workspace.folder / workspace.run / "worktrees"
    half(repo.root / ".git/worktrees/w1-code", trees / "w1-code")
    swarm("dispatch", "health-audit-a", "--isolate")
    assert admins(repo) == ["w1-code", "w1-rest"]
    assert repo.git("status", "--porcelain", cwd=trees / "w1-code") == ""
    assert (trees / "w1-code/src/app.py").read_bytes() == (repo.root / "src/app.py").read_bytes()
    assert "locked" not in repo.git("worktree", "list", "--porcelain")


@pytest.mark.parametrize("half", swept(STEPS))
def test_an_undo_brings_back_a_tree_where_a_killed_git_had_begun(half: Half, team: Team, amended: Team) -> None:
    team.swarm("clean", team.run, "--force", "--apply", "--reason", "over")
    assert admins(team.repo) == []
    half(team.repo.root / ".git/worktrees/w2-code", team.tree("code"))
    team.swarm("undo", team.run, "--apply", "--reason", "back")
    assert {"w2-code", "w2-rest"} <= set(admins(team.repo))
    assert (team.tree("code") / "src/app.py").read_text() == team.file_at(team.branch("code"), "src/app.py") + "\n"
    assert team.repo.git("status", "--porcelain", cwd=team.tree("code")) == ""


@pytest.mark.parametrize("written", swept(["", "import os\n"]))
def test_a_tree_that_a_killed_git_was_filling_is_made_again(
    written: str, swarm: Swarm, swarm_process: Swarm, repo: Repo, workspace: Workspace
) -> None:
    swarm_process("dispatch", "health-audit-a", "--isolate", exit=-9, SWARM_FAILPOINT="git.reset.before")
    tree = workspace.folder / workspace.run / "worktrees/w1-code"
    (tree / "src").mkdir()
    (tree / "src/app.py").write_text(written)
    (repo.root / ".git/worktrees/w1-code/index.lock").write_bytes(b"half")
    swarm("dispatch", "health-audit-a", "--isolate")
    assert (tree / "src/app.py").read_bytes() == (repo.root / "src/app.py").read_bytes()
    assert repo.git("status", "--porcelain", cwd=tree) == ""


def test_a_tree_without_an_index_in_which_somebody_wrote_is_left(
    swarm: Swarm, swarm_process: Swarm, workspace: Workspace
) -> None:
    swarm_process("dispatch", "health-audit-a", "--isolate", exit=-9, SWARM_FAILPOINT="git.reset.before")
    file = workspace.folder / workspace.run / "worktrees/w1-code/README.md"
    file.write_text("# Mine\n")
    assert swarm("dispatch", "health-audit-a", "--isolate", exit=1).code == "ISOLATION_FAILED"
    assert file.read_text() == "# Mine\n"


@pytest.mark.parametrize("half", swept([*STEPS, with_its_place_alone, without_its_place]))
def test_what_is_left_of_a_scratch_tree_is_cleared_by_the_next(
    half: Half, swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    half(repo.root / ".git/worktrees/proof-1-abc", workspace.folder / workspace.run / "worktrees/proof-1-abc")
    swarm("dispatch", "health-audit-a", "--isolate")
    assert admins(repo) == ["w1-code", "w1-rest"]


@pytest.mark.parametrize("half", swept([*STEPS, with_its_place_alone, without_its_place]))
def test_a_doctor_clears_it_too(half: Half, swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    half(repo.root / ".git/worktrees/proof-1-abc", workspace.folder / workspace.run / "worktrees/proof-1-abc")
    swarm("doctor", "--fix", "--apply", "--reason", "a git was killed")
    assert admins(repo) == []
    assert swarm("doctor", "--fix").out.splitlines()[-1] == "Nothing to repair."


def test_the_lock_of_a_branch_that_a_killed_git_was_making_is_not_in_the_way(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    lock = repo.root / f".git/refs/heads/swarm/{workspace.run.rpartition('-')[2]}/w1-code.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    swarm("dispatch", "health-audit-a", "--isolate")
    assert not lock.exists()


def test_a_worktree_that_the_user_is_making_is_left(
    swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path
) -> None:
    with_a_head(repo.root / ".git/worktrees/mine", tmp_path / "mine")
    begun(repo.root / ".git/worktrees/theirs", tmp_path / "theirs")
    for name in ("w7-locked", "w7-staged"):
        (repo.root / ".git/worktrees" / name).mkdir()
    (repo.root / ".git/worktrees/w7-locked/locked").touch()
    (repo.root / ".git/worktrees/w7-staged/index").touch()
    swarm("dispatch", "health-audit-a", "--isolate")
    swarm("doctor", "--fix", "--apply", "--reason", "to be sure")
    assert admins(repo) == ["mine", "theirs", "w1-code", "w1-rest", "w7-locked", "w7-staged"]
    assert (tmp_path / "mine/.git").exists()


def test_a_folder_with_somebodys_file_in_it_is_left(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    tree = workspace.folder / workspace.run / "worktrees/w1-code"
    with_a_head(repo.root / ".git/worktrees/w1-code", tree)
    (tree / "notes.txt").write_text("mine\n")
    assert swarm("dispatch", "health-audit-a", "--isolate", exit=1).code == "ISOLATION_FAILED"
    assert (tree / "notes.txt").read_text() == "mine\n"

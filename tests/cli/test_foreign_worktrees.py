"""The user's own worktrees: nothing that swarm makes or takes back lets git forget one, on whatever disk it is."""

from pathlib import Path

from tests.cli.scenes.merge_team import Team


def test_a_worktree_on_a_disk_that_is_not_there_is_not_forgotten(team: Team, amended: Team, tmp_path: Path) -> None:
    git, disk = team.repo.git, tmp_path / "disk"
    git("worktree", "add", "-q", "-b", "mine", str(disk / "mine"))
    disk.rename(tmp_path / "unmounted")
    team.merge()
    before = git("worktree", "list", "--porcelain")
    # A scratch tree comes and goes; then trees are made and taken back, the second of which stands in the way.
    team.swarm("verify", team.run)
    (team.tree("rest", 3)).mkdir(parents=True)
    (team.tree("rest", 3) / "notes.txt").write_text("mine\n")
    answer = team.swarm("dispatch", team.run, "health-audit-a", "--isolate", exit=1)
    assert (answer.code, team.tree("code", 3).exists()) == ("ISOLATION_FAILED", False)
    assert git("worktree", "list", "--porcelain") == before
    (tmp_path / "unmounted").rename(disk)
    assert git("status", "--porcelain", cwd=disk / "mine") == ""

"""`[worktrees] include`: untracked files that agents' trees get a copy of, and that are nobody's work."""

from pathlib import Path

import pytest

from tests.cli.scenes.merge_team import MENDED, Team
from tests.conftest import Repo, Swarm, Workspace

TOML = '[worktrees]\ninclude = ["/.env", "conf/**", "!conf/not.txt", "*.key"]\n'


@pytest.fixture
def bring(repo: Repo, tmp_path: Path) -> None:
    """Untracked and ignored files of many kinds, and patterns that choose some of them."""
    repo.commit({".gitignore": ".env\n*.key\nswarm.toml\n", "conf/tracked.txt": "of the commit\n"})
    repo.write(
        {"swarm.toml": TOML, ".env": "API_TOKEN=abcdef123456\n", "conf/new.txt": "new\n", "conf/not.txt": "no\n"}
    )
    repo.write({"conf/own.key": "key\n", "src/deep/er/a b\n.key": "odd\n", "other/sub/x.key": "x\n", "left.txt": "x\n"})
    repo.write({".worktreeinclude": "# by the repository\nleft.*\n"})
    (repo.root / ".env").chmod(0o640)
    (repo.root / "conf/own.key").chmod(0o755)
    (tmp_path / "secret").write_text("of the machine\n")
    (repo.root / "conf/out.key").symlink_to(tmp_path / "secret")
    (repo.root / "conf/absolute.key").symlink_to(repo.root / ".env")
    (repo.root / "conf/in.key").symlink_to("../.env")
    repo.git("init", "-q", str(repo.root / "conf/nested"))
    repo.write({"conf/nested/in.key": "of another repository\n"})


COPIED = [".env", "conf/in.key", "conf/new.txt", "conf/own.key", "left.txt", "other/sub/x.key", "src/deep/er/a b\n.key"]


def untracked(repo: Repo, tree: Path) -> list[str]:
    listed = repo.git("ls-files", "--others", "-z", cwd=tree)
    return sorted(name for name in listed.split("\0") if name and not name.startswith(".swarm/"))


@pytest.mark.usefixtures("bring")
def test_untracked_files_that_the_patterns_match_are_copied_with_their_modes_and_links_out_are_not(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    planned = swarm("dispatch", "health-audit-a", "--isolate", "--dry-run", "--format", "json").data
    made = swarm("dispatch", "health-audit-a", "--isolate", "--format", "json").data
    assert planned["included"] == made["included"] == COPIED
    for name in ("code", "rest"):
        tree = workspace.folder / workspace.run / "worktrees" / f"w1-{name}"
        assert untracked(repo, tree) == COPIED
        assert (tree / ".env").read_text() == "API_TOKEN=abcdef123456\n"
        modes = [(tree / path).lstat().st_mode & 0o777 for path in (".env", "conf/own.key")]
        assert modes == [0o640, 0o755]
        assert (tree / "conf/in.key").readlink() == Path("../.env")


@pytest.mark.usefixtures("bring")
def test_the_text_names_the_first_of_them(swarm: Swarm, workspace: Workspace) -> None:
    out = swarm("dispatch", workspace.run, "health-audit-a", "--isolate").out
    shown = ".env, conf/in.key, conf/new.txt, conf/own.key, left.txt and 2 more"
    assert f"Copied into each worktree: {shown}\n" in out


@pytest.mark.usefixtures("bring")
def test_a_copy_is_nobodys_work_and_an_agents_edit_of_it_stays_in_its_tree(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    swarm("dispatch", "health-audit-a", "--isolate")
    tree = workspace.folder / workspace.run / "worktrees/w1-code"
    (tree / "left.txt").write_text("changed\n")
    (tree / "conf/new.txt").unlink()
    workspace.answer("code")
    workspace.answer("rest")
    data = swarm("collect", "--format", "json").data
    assert (data["waveStatus"], data["violations"]) == ("collected", [])
    assert (repo.root / "left.txt").read_text() == "x\n"
    states = {item["name"]: item["state"] for item in swarm("clean", "--format", "json").data["removable"]}
    assert states == {"w1-code": "as_dispatched", "w1-rest": "as_dispatched"}


def test_a_copy_that_an_agent_commits_is_not_merged(team: Team) -> None:
    team.repo.commit({".gitignore": "swarm.toml\n"})
    team.repo.write({"left.txt": "x\n", ".worktreeinclude": "left.txt\n"})
    team.dispatch()
    team.edit("code", {"src/app.py": MENDED, "left.txt": "changed\n"}, commit=True)
    team.edit("rest", {"README.md": "# The project\n"})
    team.repo.git("add", "-A", cwd=team.tree("rest"))
    ids = team.ids()
    team.collect(code=(ids["def load"],), rest=(ids["# A project"],))
    claims = team.rows("SELECT path, owner FROM file_claims ORDER BY path")
    assert claims == [("README.md", "rest"), ("src/app.py", "code")]
    team.merge()
    merged = team.repo.git("diff", "--name-only", "main", team.integration).splitlines()
    assert merged == ["README.md", "src/app.py"]


def test_an_agent_that_is_dispatched_again_gets_copies_too(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"left.txt": "x\n", ".worktreeinclude": "left.txt\n"})
    swarm("dispatch", "health-audit-a", "--isolate")
    (workspace.folder / workspace.run / "worktrees/w1-rest/README.md").write_text("touched\n")
    workspace.answer("code")
    swarm("collect", exit=1)
    (again,) = swarm("redrive", "1", "--apply", "--reason", "again", "--format", "json").data["redispatched"]
    assert untracked(repo, Path(again["worktreePath"])) == ["left.txt"]
    workspace.answer("rest")
    Path(again["outputPath"]).write_text(workspace.output("rest").read_text())
    assert swarm("collect", "--format", "json").data["waveStatus"] == "collected"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        (dict.fromkeys((f"many/{number}" for number in range(1001)), "x"), "1,001 with 0 MiB"),
        ({"many/large": b"\0" * (65 << 20)}, "1 with 65 MiB"),
    ],
    ids=["many", "large"],
)
def test_more_files_than_a_bound_are_refused_and_nothing_is_made(
    swarm: Swarm, repo: Repo, workspace: Workspace, files: dict[str, str | bytes], problem: str
) -> None:
    repo.write({**files, ".worktreeinclude": "many/\n"})
    answer = swarm("dispatch", workspace.run, "health-audit-a", "--isolate", exit=1)
    assert answer.code == "CONFIG_INVALID"
    assert (
        f"the files to include are {problem}; at most 1,000 files with 64 MiB are copied into a worktree" in answer.err
    )
    assert not (workspace.folder / workspace.run / "worktrees").exists()


def test_a_stranger_s_patterns_choose_untracked_files_of_the_checkout_alone(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    repo.write({".worktreeinclude": "../**\n/**\n.git\n", "own.txt": "x\n"})
    data = swarm("dispatch", "health-audit-a", "--isolate", "--format", "json").data
    assert data["included"] == [".worktreeinclude", "own.txt"]

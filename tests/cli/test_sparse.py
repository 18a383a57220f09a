"""`swarm dispatch --sparse`: worktrees with a domain's own files and its declared reads."""

from pathlib import Path

import pytest

from tests.cli.scenes.snapshots import block_of, nothing_changes
from tests.cli.test_dispatch import branches, rows, trees
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

PHASE = "health-audit-a"
PAGES = {f"docs/page{number}.md": f"# Page {number}\n" for number in range(12)}
OWN = {"src/app.py", "src/tool.py"}


@pytest.fixture
def workspace(swarm: Swarm, repo: Repo) -> Workspace:
    """A run with a frozen map of two domains, `code`, which is small, and `rest`."""
    repo.commit(PAGES)
    domains = repo.root.parent / "domains.json"
    domains.write_text('[{"name": "code", "globs": ["src/**"]}, {"name": "rest", "globs": ["**"]}]')
    run = swarm("init", ".", "--domains-from", str(domains), "--format", "json").data["runId"]
    swarm("domains", "--freeze")
    return Workspace(run, repo.root / "swarms", repo.root / "swarms/control-plane.db")


@pytest.fixture
def dispatched(swarm: Swarm, workspace: Workspace) -> Workspace:
    """The same with a sparse wave of health-audit-a in flight."""
    swarm("dispatch", PHASE, "--isolate", "--sparse")
    return workspace


def tree(workspace: Workspace, domain: str = "code") -> Path:
    return workspace.folder / workspace.run / "worktrees" / f"w1-{domain}"


def files_in(folder: Path) -> set[str]:
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    # The folder of the answer is in every tree.
    return found - {".git", ".swarm/.gitignore"}


def ended(swarm: Swarm, workspace: Workspace) -> tuple[str, list[str]]:
    workspace.answer("code")
    workspace.answer("rest")
    data = swarm("collect", "--format", "json", exit=None).data
    return data["waveStatus"], [violation["file"] for violation in data["violations"]]


# --- what is made -----------------------------------------------------------------------------------------


def test_it_goes_with_isolate(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    with nothing_changes(repo.root):
        answer = swarm("dispatch", PHASE, "--sparse", exit=2)
    assert block_of(answer).splitlines()[0] == "ERROR [CLI_USAGE]: --sparse goes with --isolate"


def test_a_small_domain_gets_its_own_files_and_a_large_one_all(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    config = (repo.root / ".git/config").read_bytes()
    data = swarm("dispatch", PHASE, "--isolate", "--sparse", "--format", "json").data
    assert data["sparse"] is True
    assert [(agent["domain"], agent["files"], agent["checkedOut"]) for agent in data["agents"]] == [
        ("code", 2, 2),
        ("rest", 15, None),
    ]
    assert files_in(tree(workspace)) == OWN
    assert len(files_in(tree(workspace, "rest"))) == 17
    for domain in ("code", "rest"):
        assert repo.git("status", "--porcelain", cwd=tree(workspace, domain)) == ""
        assert repo.git("rev-parse", "HEAD", cwd=tree(workspace, domain)) == repo.head
    assert (repo.root / ".git/config").read_bytes() == config


def test_the_text_says_how_many_files_are_checked_out(swarm: Swarm, workspace: Workspace) -> None:
    lines = swarm("dispatch", PHASE, "--isolate", "--sparse").out.splitlines()
    assert any(line.split()[:5] == ["code", "2", "(2", "checked", "out)"] for line in lines)


def test_declared_reads_are_checked_out_too(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"swarm.toml": '[reads]\ncode = ["docs/page1.md", "**/*.html"]\n'})
    data = swarm("dispatch", PHASE, "--isolate", "--sparse", "--format", "json").data
    assert files_in(tree(workspace)) == {*OWN, "docs/page1.md", "web/index.html"}
    assert (data["agents"][0]["files"], data["agents"][0]["checkedOut"], data["warnings"]) == (2, 4, [])


def test_with_its_reads_a_domain_may_come_to_a_whole_tree(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"swarm.toml": '[reads]\ncode = ["docs/**"]\n'})
    data = swarm("dispatch", PHASE, "--isolate", "--sparse", "--format", "json").data
    assert data["agents"][0]["checkedOut"] is None
    assert len(files_in(tree(workspace))) == 17


def test_reads_of_a_domain_that_is_not_there_are_warned_of(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"swarm.toml": '[reads]\ncoed = ["docs/**"]\n'})
    data = swarm("dispatch", PHASE, "--isolate", "--sparse", "--format", "json").data
    assert data["warnings"] == ["[reads] of swarm.toml names no domain of the map: coed"]


def test_a_glob_of_reads_that_is_refused_is_named(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    repo.write({"swarm.toml": '[reads]\ncode = ["web/**", "/etc/**"]\n'})
    with nothing_changes(repo.root):
        answer = swarm("dispatch", PHASE, "--isolate", "--sparse", exit=1)
    assert answer.code == "CONFIG_INVALID"
    problem = "$.reads.code[1]: the glob '/etc/**' is refused: it is absolute"
    assert problem in block_of(answer).splitlines()[0]


@pytest.mark.parametrize("reads", ['code = "src/**"', "code = []", '"a b" = ["src/**"]', "code = [1]"])
def test_a_table_of_reads_is_held_to_its_schema(swarm: Swarm, repo: Repo, workspace: Workspace, reads: str) -> None:
    repo.write({"swarm.toml": f"[reads]\n{reads}\n"})
    assert swarm("dispatch", PHASE, "--isolate", exit=1).code == "CONFIG_INVALID"


def test_the_tree_that_analyzers_share_is_whole(swarm: Swarm, workspace: Workspace) -> None:
    data = swarm("dispatch", PHASE, "--isolate", "--sparse", "--runtime", "ruff", "--format", "json").data
    assert (data["sparse"], {agent["checkedOut"] for agent in data["agents"]}) == (False, {None})
    assert data["warnings"] == ["--sparse does nothing here: analyzers share one whole tree"]
    assert len(files_in(workspace.folder / workspace.run / "worktrees/w1.shared")) == 17


def test_the_command_that_a_dry_run_names_does_it(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    with nothing_changes(repo.root):
        planned = swarm("dispatch", PHASE, "--isolate", "--sparse", "--dry-run", "--format", "json").data
    assert planned["nextAction"] == f"swarm dispatch {workspace.run} {PHASE} --isolate --sparse"
    made = swarm(*planned["nextAction"].split()[1:], "--format", "json").data
    assert [agent["checkedOut"] for agent in made["agents"]] == [agent["checkedOut"] for agent in planned["agents"]]


# --- what is judged ---------------------------------------------------------------------------------------


def test_files_that_were_left_out_are_nobody_s_deletion(swarm: Swarm, dispatched: Workspace) -> None:
    assert ended(swarm, dispatched) == ("collected", [])


def test_what_an_agent_puts_where_files_were_left_out_is_a_violation(swarm: Swarm, dispatched: Workspace) -> None:
    place = tree(dispatched)
    (place / "README.md").write_text("changed\n")
    (place / "docs").mkdir()
    (place / "docs/page1.md").write_text(PAGES["docs/page1.md"])
    (place / "docs/new.md").write_text("new\n")
    (place / "web").write_text("no folder\n")
    assert ended(swarm, dispatched) == ("failed", ["README.md", "docs/new.md", "web", "web/index.html"])


def test_a_commit_that_deletes_what_was_left_out_is_a_violation(
    swarm: Swarm, repo: Repo, dispatched: Workspace
) -> None:
    repo.git("rm", "-q", "--sparse", "--cached", "README.md", cwd=tree(dispatched))
    repo.git("commit", "-qm", "work", cwd=tree(dispatched))
    assert ended(swarm, dispatched) == ("failed", ["README.md"])


def test_the_marks_of_the_tree_s_index_hide_nothing(swarm: Swarm, repo: Repo, dispatched: Workspace) -> None:
    place = tree(dispatched)
    (place / "src/app.py").unlink()
    (place / "README.md").write_text("changed\n")
    repo.git("update-index", "--skip-worktree", "src/app.py", "src/tool.py", cwd=place)
    assert repo.git("status", "--porcelain", cwd=place) == ""
    assert ended(swarm, dispatched) == ("failed", ["README.md", "src/app.py"])


# --- crashes ----------------------------------------------------------------------------------------------

POINTS = [
    "git.worktree.after",
    "git.worktree.after:2",
    "git.read-tree.after",
    "git.update-index.before",
    "git.checkout-index.before",
    "git.checkout-index.after",
    "git.reset.after",
    "commit.before",
]


@pytest.mark.parametrize("point", swept(POINTS))
def test_after_a_sparse_dispatch_that_died_a_full_one_makes_full_trees(
    swarm: Swarm, swarm_process: Swarm, repo: Repo, workspace: Workspace, point: str
) -> None:
    swarm_process("dispatch", PHASE, "--isolate", "--sparse", exit=-9, SWARM_FAILPOINT=point)
    assert rows(workspace.db, "SELECT * FROM waves") == []
    data = swarm("dispatch", PHASE, "--isolate", "--format", "json").data
    assert sorted(trees(repo)) == sorted(agent["worktreePath"] for agent in data["agents"])
    assert branches(repo) == sorted(agent["worktreeBranch"] for agent in data["agents"])
    assert len(files_in(tree(workspace))) == 17
    assert repo.git("status", "--porcelain", cwd=tree(workspace)) == ""
    assert list((repo.root / ".git").rglob("index.part*")) == []
    assert ended(swarm, workspace) == ("collected", [])


def test_a_half_made_sparse_tree_that_holds_something_is_not_touched(
    swarm: Swarm, swarm_process: Swarm, workspace: Workspace
) -> None:
    swarm_process("dispatch", PHASE, "--isolate", "--sparse", exit=-9, SWARM_FAILPOINT="git.checkout-index.before")
    (tree(workspace) / "notes.txt").write_text("mine\n")
    with nothing_changes(tree(workspace)):
        assert swarm("dispatch", PHASE, "--isolate", "--sparse", exit=1).code == "ISOLATION_FAILED"


def test_a_failure_takes_back_the_sparse_trees_that_were_made(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    branch = f"swarm/{workspace.run.rpartition('-')[2]}/w1-rest"
    repo.git("branch", branch, repo.git("commit-tree", "-m", "other work", "HEAD^{tree}"))
    with nothing_changes(repo.root):
        assert swarm("dispatch", PHASE, "--isolate", "--sparse", exit=1).code == "ISOLATION_FAILED"
    assert (trees(repo), branches(repo)) == ([], [branch])

"""Worktrees with some of a commit's files: what is there, what is judged, and what an agent can hide in them."""

import shutil
from pathlib import Path

import pytest

from swarm.git import agent_work, sparse, worktrees
from swarm.git.repository import repository_at
from swarm.git.runner import Git
from swarm.git.worktrees import Tree
from tests.conftest import Repo
from tests.git.conftest import AgentTree
from tests.git.test_touched import ODD_NAMES

BRANCH = "swarm/0123abcd/w1-code"
ONLY = ("src/app.py", "src/tool.py")


def make(repo: Repo, path: Path, only: tuple[str, ...] = ONLY) -> AgentTree:
    repository = repository_at(repo.root)
    tree = Tree(path, BRANCH, only)
    assert worktrees.add(repository.git, tree, repository.head) == tree
    worktrees.fill(tree)
    kept = path.with_name(path.name + ".index")
    worktrees.keep_index(worktrees.admin_dir(path), kept)
    return AgentTree(repository, tree, repository.head, kept)


@pytest.fixture
def agent(repo: Repo, tmp_path: Path) -> AgentTree:
    """A sparse worktree with the files below `src` alone."""
    return make(repo, tmp_path / "trees" / "w1-code")


def files_in(tree: Path) -> set[str]:
    files = (file.relative_to(tree) for file in tree.rglob("*") if file.is_file())
    return {file.as_posix() for file in files if file.parts[0] != ".git"}


# --- what is made -----------------------------------------------------------------------------------------


def test_a_sparse_tree_holds_its_files_alone_and_is_clean(repo: Repo, agent: AgentTree) -> None:
    assert files_in(agent.path) == set(ONLY)
    assert (agent.path / "src/app.py").read_bytes() == (repo.root / "src/app.py").read_bytes()
    assert repo.git("status", "--porcelain", cwd=agent.path) == ""
    assert agent.touched() == {}


def test_the_repository_s_configuration_stays_as_it_is(repo: Repo, tmp_path: Path) -> None:
    before = (repo.root / ".git/config").read_bytes()
    make(repo, tmp_path / "trees" / "w1-code")
    assert (repo.root / ".git/config").read_bytes() == before
    assert list((repo.root / ".git").rglob("sparse-checkout")) == []
    assert list((repo.root / ".git").rglob("config.worktree")) == []


def test_what_an_agent_commits_in_it_has_every_other_file_as_it_was(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "src/app.py").write_text("x = 1\n")
    (agent.path / "src/new.py").write_text("x = 1\n")
    repo.git("add", "-A", cwd=agent.path)
    repo.git("commit", "-qam", "work", cwd=agent.path)
    assert repo.git("diff", "--name-status", "main", BRANCH).split() == ["M", "src/app.py", "A", "src/new.py"]
    assert agent.touched() == {"src/app.py": "edit", "src/new.py": "create"}


def test_a_repository_whose_own_checkouts_are_sparse_gives_each_tree_its_files(repo: Repo, tmp_path: Path) -> None:
    repo.git("sparse-checkout", "set", "--no-cone", "web")
    repo.git("config", "core.sparseCheckout", "true")
    agent = make(repo, tmp_path / "trees" / "w1-code")
    assert files_in(agent.path) == set(ONLY)
    assert agent.touched() == {}
    (agent.path / "README.md").write_text("changed\n")
    (agent.path / "new.py").write_text("x = 1\n")
    assert agent.touched() == {"README.md": "edit", "new.py": "create"}


def test_files_of_any_name_are_checked_out_or_left_out(repo: Repo, tmp_path: Path) -> None:
    import os

    from swarm.git.path_text import path_text

    for folder in (b"in/", b"out/"):
        for name in ODD_NAMES:
            file = Path(os.fsdecode(os.fsencode(repo.root) + b"/" + folder + name))
            file.parent.mkdir(exist_ok=True)
            file.write_text("x")
    repo.commit()
    wanted = tuple(path_text(b"in/" + name) for name in ODD_NAMES)
    agent = make(repo, tmp_path / "trees" / "w1-code", wanted)
    assert {path_text(b"in/" + os.fsencode(file.name)) for file in (agent.path / "in").iterdir()} == set(wanted)
    assert not (agent.path / "out").exists()
    assert agent.touched() == {}


def test_ignore_files_and_attributes_that_are_left_out_hold_all_the_same(repo: Repo, tmp_path: Path) -> None:
    repo.commit({".gitignore": "*.log\n", ".gitattributes": "*.txt text eol=crlf\n", "src/a.txt": "a\n"})
    agent = make(repo, tmp_path / "trees" / "w1-code", (*ONLY, "src/a.txt"))
    (agent.path / "src/x.log").write_text("x")
    assert agent.touched() == {}
    assert repo.git("status", "--porcelain", cwd=agent.path) == ""
    (agent.path / "src/a.txt").write_text("b\n")
    assert agent.touched() == {"src/a.txt": "edit"}


def test_a_submodule_that_is_left_out_is_no_change_until_something_is_in_it(repo: Repo, tmp_path: Path) -> None:
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head},sub")
    repo.git("commit", "-qm", "a submodule")
    agent = make(repo, tmp_path / "trees" / "w1-code")
    assert agent.touched() == {}
    (agent.path / "sub").mkdir()
    assert agent.touched() == {}
    (agent.path / "sub/evil.py").write_text("x")
    assert agent.touched() == {"sub": "edit"}


# --- what is judged ---------------------------------------------------------------------------------------


def test_a_deletion_and_an_edit_among_its_own_files_are_told(agent: AgentTree) -> None:
    (agent.path / "src/app.py").unlink()
    (agent.path / "src/tool.py").write_text("changed\n")
    assert agent.touched() == {"src/app.py": "delete", "src/tool.py": "edit"}


def test_a_file_that_was_left_out_and_is_there_now_is_compared(agent: AgentTree, repo: Repo) -> None:
    (agent.path / "README.md").write_text("changed\n")
    (agent.path / "web").mkdir()
    (agent.path / "web/index.html").write_bytes((repo.root / "web/index.html").read_bytes())
    (agent.path / "web/new.html").write_text("new\n")
    assert repo.git("status", "--porcelain", cwd=agent.path) == "?? web/new.html"
    assert agent.touched() == {"README.md": "edit", "web/new.html": "create"}


def test_a_file_that_the_repository_ignores_and_tracks_is_seen_where_it_was_left_out(
    repo: Repo, tmp_path: Path
) -> None:
    repo.write({"kept.log": "x\n", ".gitignore": "*.log\n"})
    repo.git("add", "-f", "kept.log")
    repo.commit()
    agent = make(repo, tmp_path / "trees" / "w1-code")
    (agent.path / "kept.log").write_text("changed\n")
    assert agent.touched() == {"kept.log": "edit"}


@pytest.mark.parametrize("kind", ["file", "link", "dangling link"])
def test_what_stands_in_the_place_of_a_folder_takes_the_files_below_it(
    repo: Repo, agent: AgentTree, tmp_path: Path, kind: str
) -> None:
    place = agent.path / "web"
    match kind:
        case "file":
            place.write_text("x")
        case "link":
            shutil.copytree(repo.root / "web", tmp_path / "web")
            place.symlink_to(tmp_path / "web")
        case _:
            place.symlink_to("/nowhere")
    assert agent.touched() == {"web": "create", "web/index.html": "delete"}


def test_a_folder_in_the_place_of_a_file_that_was_left_out_is_told(agent: AgentTree) -> None:
    (agent.path / "README.md").mkdir()
    (agent.path / "README.md/x").write_text("x")
    assert agent.touched() == {"README.md": "delete", "README.md/x": "create"}


def test_a_commit_that_deletes_or_changes_what_was_left_out_is_told(repo: Repo, agent: AgentTree) -> None:
    blob = repo.git("rev-parse", "HEAD:src/app.py")
    repo.git("rm", "-q", "--sparse", "--cached", "README.md", cwd=agent.path)
    repo.git("update-index", "--cacheinfo", f"100644,{blob},web/index.html", cwd=agent.path)
    repo.git("commit", "-qm", "work", cwd=agent.path)
    assert files_in(agent.path) == set(ONLY)
    assert agent.touched() == {"README.md": "delete", "web/index.html": "edit"}


def test_the_marks_in_the_tree_s_own_index_gain_an_agent_nothing(repo: Repo, agent: AgentTree) -> None:
    listed = repo.git("ls-files", cwd=agent.path).split()
    repo.git("update-index", "--no-skip-worktree", *listed, cwd=agent.path)
    assert agent.touched() == {}
    (agent.path / "src/app.py").unlink()
    (agent.path / "README.md").write_text("changed\n")
    repo.git("update-index", "--skip-worktree", *listed, cwd=agent.path)
    assert repo.git("status", "--porcelain", cwd=agent.path) == ""
    assert agent.touched() == {"src/app.py": "delete", "README.md": "edit"}


def test_a_commit_after_the_marks_were_taken_off_shows_what_it_deletes(repo: Repo, agent: AgentTree) -> None:
    repo.git("update-index", "--no-skip-worktree", "README.md", cwd=agent.path)
    repo.git("commit", "-qam", "work", cwd=agent.path)
    assert agent.touched() == {"README.md": "delete"}


def test_without_the_index_that_was_kept_what_was_left_out_counts_as_gone(agent: AgentTree) -> None:
    agent.kept_index.unlink()
    assert agent.touched() == {"README.md": "delete", "tests/test_app.py": "delete", "web/index.html": "delete"}


def test_a_folder_too_deep_for_recursion_is_looked_at(tmp_path: Path) -> None:
    deep = b"/".join([b"d"] * 2000)
    (tmp_path / "d").mkdir()
    assert sparse.not_absent(tmp_path, [deep, b"other/x"]) == []
    (tmp_path / "d/d").write_text("x")
    assert sparse.not_absent(tmp_path, [deep, b"other/x"]) == [deep]


def test_the_tree_that_is_judged_has_what_was_left_out_as_it_is_in_the_commit(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "src/app.py").write_text("x = 1\n")
    (agent.path / "README.md").write_text("changed\n")
    (agent.path / "new.md").write_text("new\n")
    (agent.path / "web").write_text("no folder\n")
    work = agent_work.work_of(
        agent.repository.common_dir, agent.path, agent.commit, agent.kept_index, agent.tree.branch
    )
    seen = {"src/app.py": "edit", "README.md": "edit", "new.md": "create", "web": "create", "web/index.html": "delete"}
    assert dict(work.touched) == seen
    listed = repo.git("diff-tree", "-r", "--no-renames", "--name-status", agent.commit, work.tree).splitlines()
    letters = {"edit": "M", "create": "A", "delete": "D"}
    assert dict(line.split("\t")[::-1] for line in listed) == {path: letters[kind] for path, kind in seen.items()}


def test_what_is_committed_of_files_that_were_left_out_is_part_of_the_judged_tree(repo: Repo, agent: AgentTree) -> None:
    blob = repo.git("rev-parse", "HEAD:src/app.py")
    repo.git("rm", "-q", "--sparse", "--cached", "README.md", cwd=agent.path)
    repo.git("update-index", "--cacheinfo", f"100644,{blob},web/index.html", cwd=agent.path)
    repo.git("commit", "-qm", "work", cwd=agent.path)
    (agent.path / "src/tool.py").write_text("x = 1\n")
    work = agent_work.work_of(
        agent.repository.common_dir, agent.path, agent.commit, agent.kept_index, agent.tree.branch
    )
    listed = repo.git("diff-tree", "-r", "--no-renames", "--name-status", agent.commit, work.tree).split()
    assert listed == ["D", "README.md", "M", "src/tool.py", "M", "web/index.html"]


# --- reuse and removal ------------------------------------------------------------------------------------


def test_a_sparse_tree_that_is_as_new_is_reused_and_removed(agent: AgentTree) -> None:
    git = agent.repository.git
    assert worktrees.add(git, agent.tree, agent.commit) is None
    assert worktrees.remove(git, Tree(agent.path, BRANCH), agent.commit)
    assert not agent.path.exists()


@pytest.mark.parametrize("only", [None, ("README.md", "src/app.py")])
def test_a_sparse_tree_that_lacks_what_is_asked_for_is_filled_again(
    repo: Repo, agent: AgentTree, only: tuple[str, ...] | None
) -> None:
    wanted = Tree(agent.path, BRANCH, only)
    assert worktrees.add(agent.repository.git, wanted, agent.commit) == wanted
    worktrees.fill(wanted)
    assert set(only or files_in(repo.root)) <= files_in(agent.path) | {"src/tool.py"}
    assert repo.git("status", "--porcelain", cwd=agent.path) == ""
    assert worktrees.add(agent.repository.git, wanted, agent.commit) is None


def test_a_whole_tree_is_taken_for_a_sparse_one(repo: Repo, tmp_path: Path) -> None:
    repository = repository_at(repo.root)
    tree = Tree(tmp_path / "trees" / "w1-code", BRANCH)
    worktrees.add(repository.git, tree, repository.head)
    worktrees.fill(tree)
    assert worktrees.add(repository.git, tree._replace(only=ONLY), repository.head) is None


def test_a_half_filled_tree_keeps_no_file_that_its_index_takes_for_absent(repo: Repo, agent: AgentTree) -> None:
    (worktrees.admin_dir(agent.path) / "index").unlink()
    (worktrees.admin_dir(agent.path) / "index.part.lock").write_bytes(b"")
    (agent.path / "README.md").write_bytes((repo.root / "README.md").read_bytes())
    assert worktrees.add(agent.repository.git, agent.tree, agent.commit) == agent.tree
    worktrees.fill(agent.tree)
    skipped = sparse.skipped_files(Git(agent.path))
    assert skipped == [b"tests/test_app.py", b"web/index.html"]


@pytest.mark.parametrize("work", ["README.md", "web/new.html", "web"])
def test_a_sparse_tree_with_work_at_a_place_that_was_left_out_is_neither_reused_nor_removed(
    agent: AgentTree, work: str
) -> None:
    (agent.path / work).parent.mkdir(exist_ok=True)
    (agent.path / work).write_text("work\n")
    assert not worktrees.remove(agent.repository.git, Tree(agent.path, BRANCH), agent.commit)
    with pytest.raises(Exception, match="already exists"):
        worktrees.add(agent.repository.git, agent.tree, agent.commit)
    assert (agent.path / work).read_text() == "work\n"

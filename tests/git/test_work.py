"""What an agent made of its tree: the object that is judged now and merged later, and every path it differs in."""

import os
import shutil
from pathlib import Path

import pytest

from swarm.git.agent_work import Work, work_of
from swarm.git.diff import changes
from swarm.git.path_text import path_bytes
from swarm.git.repository import repository_at
from tests.conftest import Repo
from tests.git.conftest import AgentTree, make_tree


def looked(agent: AgentTree) -> Work:
    return work_of(agent.repository.common_dir, agent.path, agent.commit, agent.kept_index, agent.tree.branch)


def kinds(work: Work) -> dict[str, str]:
    assert list(work.touched) == sorted(work.touched)
    return dict(work.touched)


def made(repo: Repo, agent: AgentTree, work: Work) -> dict[str, str]:
    """How the tree object differs from the wave's commit: each path with git's letter."""
    return {one.new_path: one.letter for one in changes(agent.repository.git, agent.commit, work.tree, renames=False)}


def in_tree(repo: Repo, agent: AgentTree, *arguments: str) -> str:
    return repo.git(*arguments, cwd=agent.path)


def commit(repo: Repo, agent: AgentTree, message: str = "work") -> None:
    in_tree(repo, agent, "add", "-A")
    in_tree(repo, agent, "commit", "-qm", message)


def test_a_tree_that_nobody_touched_is_the_commit_s(repo: Repo, agent: AgentTree) -> None:
    assert looked(agent) == Work(repo.git("rev-parse", "HEAD^{tree}"), (), (), ())


def test_edits_are_in_the_object_whether_committed_staged_or_neither(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "src/app.py").write_text("committed\n")
    commit(repo, agent)
    (agent.path / "src/tool.py").write_text("staged\n")
    in_tree(repo, agent, "add", "src/tool.py")
    (agent.path / "README.md").write_text("neither\n")
    (agent.path / "new.txt").write_text("new\n")
    (agent.path / "web/index.html").unlink()
    work = looked(agent)
    assert kinds(work) == {
        "README.md": "edit",
        "new.txt": "create",
        "src/app.py": "edit",
        "src/tool.py": "edit",
        "web/index.html": "delete",
    }
    assert made(repo, agent, work) == {
        "README.md": "M",
        "new.txt": "A",
        "src/app.py": "M",
        "src/tool.py": "M",
        "web/index.html": "D",
    }
    assert repo.git("cat-file", "blob", f"{work.tree}:src/tool.py") == "staged"


def test_what_is_staged_counts_as_the_file_is_on_the_disk(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "README.md").write_text("staged\n")
    in_tree(repo, agent, "add", "README.md")
    (agent.path / "README.md").write_text("later\n")
    assert repo.git("cat-file", "blob", f"{looked(agent).tree}:README.md") == "later"


def test_a_rename_tells_both_paths(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "src/app.py").rename(agent.path / "src/moved.py")
    assert kinds(looked(agent)) == {"src/app.py": "rename", "src/moved.py": "rename"}


def test_a_changed_mode_and_a_link_are_edits(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "src/app.py").chmod(0o755)
    (agent.path / "README.md").unlink()
    (agent.path / "README.md").symlink_to("src/app.py")
    (agent.path / "link").symlink_to("/etc/passwd")
    work = looked(agent)
    assert kinds(work) == {"README.md": "edit", "link": "create", "src/app.py": "edit"}
    assert made(repo, agent, work) == {"README.md": "T", "link": "A", "src/app.py": "M"}
    assert repo.git("cat-file", "blob", f"{work.tree}:link") == "/etc/passwd"


def test_a_folder_that_became_a_link_hides_nothing(repo: Repo, agent: AgentTree, tmp_path: Path) -> None:
    shutil.move(agent.path / "src", tmp_path / "away")
    (agent.path / "src").symlink_to(tmp_path / "away")
    assert kinds(looked(agent)) == {"src": "create", "src/app.py": "delete", "src/tool.py": "delete"}


def test_a_file_that_became_a_folder_and_a_folder_that_became_a_file(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "README.md").unlink()
    (agent.path / "README.md").mkdir()
    (agent.path / "README.md/in.txt").write_text("x")
    shutil.rmtree(agent.path / "src")
    (agent.path / "src").write_text("x")
    work = looked(agent)
    assert kinds(work) == {
        "README.md": "delete",
        "README.md/in.txt": "create",
        "src": "create",
        "src/app.py": "delete",
        "src/tool.py": "delete",
    }
    assert made(repo, agent, work).keys() == kinds(work).keys()


def test_commits_that_the_files_take_back_are_told_and_are_what_is_merged(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "src/app.py").write_text("committed\n")
    commit(repo, agent)
    in_tree(repo, agent, "checkout", "-q", agent.commit, "--", ".")
    work = looked(agent)
    assert kinds(work) == {"src/app.py": "edit"}
    assert repo.git("cat-file", "blob", f"{work.tree}:src/app.py") == "committed"


def test_commits_and_other_files_are_told_together_and_the_files_are_what_is_merged(
    repo: Repo, agent: AgentTree
) -> None:
    (agent.path / "src/app.py").write_text("committed\n")
    commit(repo, agent)
    in_tree(repo, agent, "checkout", "-q", agent.commit, "--", ".")
    (agent.path / "README.md").write_text("later\n")
    work = looked(agent)
    assert kinds(work) == {"README.md": "edit", "src/app.py": "edit"}
    assert made(repo, agent, work) == {"README.md": "M"}


def test_several_commits_and_an_amended_one_count_as_what_they_come_to(repo: Repo, agent: AgentTree) -> None:
    for number in range(3):
        (agent.path / f"src/new{number}.py").write_text("x")
        commit(repo, agent)
    (agent.path / "src/new0.py").unlink()
    in_tree(repo, agent, "commit", "-qa", "--amend", "-m", "amended")
    assert kinds(looked(agent)) == {"src/new1.py": "create", "src/new2.py": "create"}


@pytest.mark.parametrize("how", ["orphan", "detached", "branch gone"])
def test_a_history_of_the_agent_s_own_making_changes_nothing(repo: Repo, agent: AgentTree, how: str) -> None:
    (agent.path / "README.md").write_text("mine\n")
    if how == "orphan":
        commit(repo, agent)
        orphan = in_tree(repo, agent, "commit-tree", "-m", "orphan", "HEAD^{tree}")
        in_tree(repo, agent, "reset", "-q", "--hard", orphan)
    if how == "detached":
        in_tree(repo, agent, "checkout", "-q", "--detach")
        commit(repo, agent)
    if how == "branch gone":
        in_tree(repo, agent, "checkout", "-q", "--detach")
        repo.git("branch", "-qD", str(agent.tree.branch))
    work = looked(agent)
    assert (kinds(work), made(repo, agent, work)) == ({"README.md": "edit"}, {"README.md": "M"})


def test_ignored_files_are_listed_apart_and_are_not_in_the_object(repo: Repo, tmp_path: Path) -> None:
    repo.commit({".gitignore": "*.pyc\n/cache/\n"})
    agent = make_tree(repo, tmp_path / "trees" / "w1-code")
    (agent.path / "src/a.pyc").write_text("x")
    (agent.path / "cache").mkdir()
    (agent.path / "cache/big").write_text("x")
    work = looked(agent)
    assert (kinds(work), work.ignored, made(repo, agent, work)) == ({}, ("cache/", "src/a.pyc"), {})


def test_at_most_200_ignored_files_are_listed(repo: Repo, tmp_path: Path) -> None:
    repo.commit({".gitignore": "*.pyc\n"})
    agent = make_tree(repo, tmp_path / "trees" / "w1-code")
    for number in range(201):
        (agent.path / f"{number}.pyc").touch()
    assert len(looked(agent).ignored) == 200


def test_a_repository_inside_of_the_tree_is_told_and_not_taken(repo: Repo, agent: AgentTree) -> None:
    in_tree(repo, agent, "init", "-q", "src/nested")
    (agent.path / "src/nested/x.py").write_text("x")
    repo.git("add", "-A", cwd=agent.path / "src/nested")
    repo.git("commit", "-qm", "x", cwd=agent.path / "src/nested")
    work = looked(agent)
    assert (kinds(work), work.untakable) == ({"src/nested/": "create"}, ("src/nested/",))
    assert made(repo, agent, work) == {}


@pytest.mark.parametrize("with_an_edit", [False, True])
def test_a_submodule_that_the_branch_alone_holds_is_not_taken(
    repo: Repo, agent: AgentTree, *, with_an_edit: bool
) -> None:
    in_tree(repo, agent, "update-index", "--add", "--cacheinfo", f"160000,{repo.head},src/vendored")
    in_tree(repo, agent, "commit", "-qm", "a link to nowhere")
    if with_an_edit:
        (agent.path / "README.md").write_text("mine\n")
    work = looked(agent)
    assert kinds(work) == {"src/vendored": "create"} | ({"README.md": "edit"} if with_an_edit else {})
    # The files are what is merged where there are any of the agent's own; they hold no submodule.
    assert work.untakable == (() if with_an_edit else ("src/vendored",))
    assert ("src/vendored" in made(repo, agent, work)) is not with_an_edit


def test_a_filled_submodule_is_told_and_not_taken(repo: Repo, tmp_path: Path) -> None:
    inner = Repo(tmp_path / "inner")
    inner.root.mkdir()
    inner.git("init", "-q", "-b", "main")
    inner.commit({"a.txt": "a\n"})
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.root), "sub")
    repo.commit(message="a submodule")
    agent = make_tree(repo, tmp_path / "trees" / "w1-code")
    assert looked(agent).touched == ()
    (agent.path / "sub/evil.py").write_text("x")
    work = looked(agent)
    assert ("sub" in kinds(work), "sub" in work.untakable) == (True, True)


def test_names_that_git_leaves_out_are_told_and_not_taken(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "src/git~1").write_text("x")
    (agent.path / "src/.GIT").mkdir()
    (agent.path / "src/.GIT/config").write_text("x")
    (agent.path / "src/fine.py").write_text("x")
    work = looked(agent)
    assert kinds(work) == {"src/.GIT/config": "create", "src/fine.py": "create", "src/git~1": "create"}
    assert work.untakable == ("src/.GIT/config", "src/git~1")
    assert made(repo, agent, work) == {"src/fine.py": "A"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_told_and_not_taken(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "README.md").write_text("secret\n")
    (agent.path / "README.md").chmod(0)
    (agent.path / "src/app.py").write_text("mine\n")
    work = looked(agent)
    assert (kinds(work), work.untakable) == ({"README.md": "edit", "src/app.py": "edit"}, ("README.md",))


def test_a_file_that_its_attributes_make_unreadable_is_told_and_not_taken(repo: Repo, agent: AgentTree) -> None:
    (agent.path / ".gitattributes").write_text("*.py working-tree-encoding=UTF-16\n")
    (agent.path / "src/app.py").write_text("x")
    work = looked(agent)
    assert kinds(work) == {".gitattributes": "create", "src/app.py": "edit"}
    assert work.untakable == ("src/app.py",)


@pytest.mark.parametrize("name", [".gitignore", "src/.gitattributes", ".gitmodules"])
@pytest.mark.parametrize("above", [False, True])
def test_a_pipe_that_git_would_read_for_ever_is_told_and_git_is_not_run(
    agent: AgentTree, name: str, *, above: bool
) -> None:
    # A folder of that name is harmless, and git looks into it.
    place = agent.path / name / "deeper" / name.rpartition("/")[2] if above else agent.path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(place)
    (agent.path / "README.md").write_text("mine\n")
    told = str(place.relative_to(agent.path))
    work = looked(agent)
    assert (kinds(work), work.untakable) == ({told: "edit"}, (told,))
    assert agent.touched() == {told: "edit"}


def test_other_pipes_are_passed_by(agent: AgentTree) -> None:
    os.mkfifo(agent.path / "pipe")
    assert looked(agent).touched == ()


def test_a_file_that_became_a_pipe_is_told_and_not_opened(agent: AgentTree) -> None:
    (agent.path / "README.md").unlink()
    os.mkfifo(agent.path / "README.md")
    assert kinds(looked(agent)).get("README.md") in {"edit", "delete"}


@pytest.mark.parametrize("name", [b"a b.py", b"-rf.py", b'q"uote.py', b"new\nline.py", b"\xff\xfe.py", "é.py".encode()])
def test_any_name_is_taken(repo: Repo, agent: AgentTree, name: bytes) -> None:
    with open(os.path.join(os.fsencode(agent.path), b"src", name), "wb") as stream:  # noqa: PTH118, PTH123
        stream.write(b"x")
    work = looked(agent)
    assert list(kinds(work).values()) == ["create"]
    assert [path_bytes(path) for path in made(repo, agent, work)] == [b"src/" + name]


def test_configured_filters_are_not_run_and_do_not_change_what_is_taken(
    repo: Repo, tmp_path: Path, agent: AgentTree
) -> None:
    repo.git("config", "filter.evil.clean", f"touch {tmp_path}/ran; cat")
    (agent.path / ".gitattributes").write_text("*.py filter=evil\n")
    (agent.path / "src/app.py").write_text("mine\n")
    assert repo.git("cat-file", "blob", f"{looked(agent).tree}:src/app.py") == "mine"
    assert not (tmp_path / "ran").exists()


def test_looking_changes_nothing_that_others_see(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "README.md").write_text("mine\n")
    index = repository_at(agent.path).common_dir / "worktrees" / "w1-code" / "index"
    before = index.read_bytes(), repo.git("for-each-ref"), repo.git("status", "--porcelain")
    looked(agent)
    assert (index.read_bytes(), repo.git("for-each-ref"), repo.git("status", "--porcelain")) == before

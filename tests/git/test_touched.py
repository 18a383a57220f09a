"""Files that an agent touched are found by their content, whatever the agent did to hide them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from swarm.git.agent_work import touched_files
from tests.conftest import Repo
from tests.git.conftest import AgentTree, make_tree


def in_tree(repo: Repo, agent: AgentTree, *arguments: str) -> str:
    return repo.git(*arguments, cwd=agent.path)


def test_a_tree_that_nobody_touched_shows_nothing(agent: AgentTree) -> None:
    assert agent.touched() == {}


def test_an_edit_a_deletion_and_a_new_file_are_told(agent: AgentTree) -> None:
    (agent.path / "src/app.py").write_text("changed\n")
    (agent.path / "README.md").unlink()
    (agent.path / "src/new.py").write_text("new\n")
    assert agent.touched() == {"src/app.py": "edit", "README.md": "delete", "src/new.py": "create"}


def test_an_edit_of_the_same_length_and_time_is_told(agent: AgentTree) -> None:
    file = agent.path / "README.md"
    before = file.stat()
    file.write_text("# A Project\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert agent.touched() == {"README.md": "edit"}


def test_a_file_that_was_only_looked_at_or_rewritten_as_it_was_is_not_told(agent: AgentTree) -> None:
    file = agent.path / "README.md"
    file.write_bytes(file.read_bytes())
    os.utime(file, (1, 1))
    assert agent.touched() == {}


def test_a_rename_in_the_files_shows_both_paths(agent: AgentTree) -> None:
    (agent.path / "README.md").rename(agent.path / "READ.md")
    assert agent.touched() == {"README.md": "delete", "READ.md": "create"}


def test_a_committed_rename_shows_both_paths_even_with_an_edit_in_it(repo: Repo, agent: AgentTree) -> None:
    in_tree(repo, agent, "mv", "src/app.py", "src/moved.py")
    file = agent.path / "src/moved.py"
    file.write_text(file.read_text() + "\n# one line more\n")
    in_tree(repo, agent, "commit", "-qam", "moved")
    assert agent.touched().keys() == {"src/app.py", "src/moved.py"}


def test_changes_are_told_whether_they_are_staged_committed_or_neither(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "src/app.py").write_text("committed\n")
    in_tree(repo, agent, "commit", "-qam", "one")
    (agent.path / "src/tool.py").write_text("staged\n")
    in_tree(repo, agent, "add", "src/tool.py")
    (agent.path / "web/index.html").write_text("neither\n")
    assert agent.touched() == {"src/app.py": "edit", "src/tool.py": "edit", "web/index.html": "edit"}


def test_work_that_was_committed_and_then_reverted_in_the_files_is_told(repo: Repo, agent: AgentTree) -> None:
    file = agent.path / "README.md"
    before = file.read_bytes()
    file.write_text("committed\n")
    in_tree(repo, agent, "commit", "-qam", "one")
    file.write_bytes(before)
    assert agent.touched() == {"README.md": "edit"}


def test_work_that_was_committed_and_reverted_by_a_commit_has_come_to_nothing(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "README.md").write_text("committed\n")
    in_tree(repo, agent, "commit", "-qam", "one")
    in_tree(repo, agent, "revert", "--no-edit", "HEAD")
    assert agent.touched() == {}


def test_a_detached_head_does_not_hide_the_files(repo: Repo, agent: AgentTree) -> None:
    in_tree(repo, agent, "checkout", "-q", "--detach")
    (agent.path / "README.md").write_text("committed elsewhere\n")
    in_tree(repo, agent, "commit", "-qam", "one")
    assert agent.touched() == {"README.md": "edit"}


def test_a_branch_that_was_deleted_does_not_hide_the_files(repo: Repo, agent: AgentTree) -> None:
    in_tree(repo, agent, "checkout", "-q", "--detach")
    in_tree(repo, agent, "branch", "-qD", "swarm/0123abcd/w1-code")
    (agent.path / "README.md").write_text("changed\n")
    assert agent.touched() == {"README.md": "edit"}


def test_a_change_of_mode_is_an_edit(agent: AgentTree) -> None:
    (agent.path / "src/app.py").chmod(0o755)
    assert agent.touched() == {"src/app.py": "edit"}


def test_a_file_that_became_a_link_is_an_edit(agent: AgentTree) -> None:
    (agent.path / "src/app.py").unlink()
    (agent.path / "src/app.py").symlink_to("tool.py")
    assert agent.touched() == {"src/app.py": "edit"}


def test_a_folder_that_became_a_link_takes_its_files_with_it(agent: AgentTree, tmp_path: Path) -> None:
    shutil.copytree(agent.path / "src", tmp_path / "src")
    shutil.rmtree(agent.path / "src")
    (agent.path / "src").symlink_to(tmp_path / "src")
    assert agent.touched() == {"src": "create", "src/app.py": "delete", "src/tool.py": "delete"}


def test_a_file_that_became_a_folder_is_told(agent: AgentTree) -> None:
    (agent.path / "README.md").unlink()
    (agent.path / "README.md").mkdir()
    (agent.path / "README.md" / "x").write_text("x")
    assert agent.touched() == {"README.md": "delete", "README.md/x": "create"}


ODD_NAMES = [
    b"with space",
    b"tab\tin",
    b"new\nline",
    b'quo"te',
    b"'single'",
    b"-rf",
    b"--output=x",
    b"back\\slash",
    b"caf\xe9",
    "ünï".encode(),
    b":(top)magic",
    b"*",
    b"$(touch x)",
    b"\x01control",
    "\U0010ff80".encode(),
]


def test_a_file_of_any_name_is_told(agent: AgentTree) -> None:
    from swarm.git.path_text import path_text

    for name in ODD_NAMES:
        Path(os.fsdecode(os.fsencode(agent.path) + b"/" + name)).write_text("x")
    assert agent.touched() == {path_text(name): "create" for name in ODD_NAMES}


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_flag_that_hides_a_file_from_git_hides_it_not_from_us(repo: Repo, agent: AgentTree, flag: str) -> None:
    in_tree(repo, agent, "update-index", flag, "src/app.py", "README.md")
    (agent.path / "src/app.py").write_text("changed\n")
    (agent.path / "README.md").unlink()
    assert in_tree(repo, agent, "status", "--porcelain") == ""
    assert agent.touched() == {"src/app.py": "edit", "README.md": "delete"}


def test_the_index_of_the_tree_is_not_believed(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "README.md").write_text("changed\n")
    in_tree(repo, agent, "add", "README.md")
    assert agent.touched() == {"README.md": "edit"}
    (agent.repository.common_dir / "worktrees" / "w1-code" / "index").write_bytes(b"garbage")
    assert agent.touched() == {"README.md": "edit"}


@pytest.mark.parametrize("words", ["gitdir: /nowhere\n", "", "gitdir: ../elsewhere/.git\n", "\x00\xff"])
def test_a_git_file_that_was_replaced_is_not_followed(agent: AgentTree, words: str) -> None:
    (agent.path / ".git").write_text(words)
    (agent.path / "README.md").write_text("changed\n")
    assert agent.touched() == {"README.md": "edit"}


def test_a_repository_of_the_agent_s_own_in_the_place_of_the_git_file_is_not_asked(
    repo: Repo, agent: AgentTree
) -> None:
    (agent.path / ".git").unlink()
    (agent.path / "README.md").write_text("changed\n")
    in_tree(repo, agent, "init", "-q")
    in_tree(repo, agent, "add", "-A")
    in_tree(repo, agent, "commit", "-qm", "all is well")
    assert in_tree(repo, agent, "status", "--porcelain") == ""
    assert agent.touched() == {"README.md": "edit"}


def test_a_kept_index_that_is_gone_or_of_another_commit_costs_time_and_no_truth(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "README.md").write_text("changed\n")
    (agent.path / "src/app.py").write_text("changed\n")
    in_tree(repo, agent, "add", "README.md")
    shutil.copyfile(agent.repository.common_dir / "worktrees" / "w1-code" / "index", agent.kept_index)
    assert agent.touched() == {"README.md": "edit", "src/app.py": "edit"}
    agent.kept_index.unlink()
    assert agent.touched() == {"README.md": "edit", "src/app.py": "edit"}
    seen = touched_files(agent.repository.common_dir, agent.path, agent.commit, None, agent.tree.branch)
    assert dict(seen) == {"README.md": "edit", "src/app.py": "edit"}


def test_a_kept_index_whose_files_are_assumed_unchanged_hides_nothing(repo: Repo, tmp_path: Path) -> None:
    # With `core.ignoreStat` git itself sets that flag on every file that it checks out.
    repo.git("config", "core.ignoreStat", "true")
    agent = make_tree(repo, tmp_path / "trees" / "w1-code")
    (agent.path / "README.md").write_text("changed\n")
    assert in_tree(repo, agent, "status", "--porcelain") == ""
    assert agent.touched() == {"README.md": "edit"}


def test_looking_changes_neither_the_tree_nor_its_index(agent: AgentTree) -> None:
    (agent.path / "README.md").write_text("changed\n")
    index = agent.repository.common_dir / "worktrees" / "w1-code" / "index"
    before = index.read_bytes(), agent.kept_index.read_bytes()
    agent.touched()
    assert (index.read_bytes(), agent.kept_index.read_bytes()) == before


def test_ignored_files_are_left_out(repo: Repo, tmp_path: Path) -> None:
    repo.commit({".gitignore": "*.cache\n"})
    agent = make_tree(repo, tmp_path / "trees" / "w1-code")
    (agent.path / "x.cache").write_text("x")
    (agent.path / "x.txt").write_text("x")
    assert agent.touched() == {"x.txt": "create"}


def test_an_ignored_file_that_was_committed_is_told(repo: Repo, tmp_path: Path) -> None:
    repo.commit({".gitignore": "*.cache\n"})
    agent = make_tree(repo, tmp_path / "trees" / "w1-code")
    (agent.path / "x.cache").write_text("x")
    in_tree(repo, agent, "add", "-f", "x.cache")
    in_tree(repo, agent, "commit", "-qm", "one")
    assert agent.touched() == {"x.cache": "create"}


def test_attributes_of_the_agent_s_own_do_not_hide_an_edit(agent: AgentTree) -> None:
    (agent.path / ".gitattributes").write_text("* -diff -text eol=crlf ident filter=x\n")
    (agent.path / "README.md").write_text("# A project\r\n")
    assert agent.touched() == {".gitattributes": "create", "README.md": "edit"}


@pytest.fixture
def agent_with_submodule(repo: Repo, tmp_path: Path) -> AgentTree:
    """A tree of a commit that has a submodule `sub`."""
    inner = Repo(tmp_path / "inner")
    inner.root.mkdir()
    inner.git("init", "-q", "-b", "main")
    inner.commit({"a.txt": "a\n"})
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.root), "sub")
    repo.commit(message="a submodule")
    return make_tree(repo, tmp_path / "trees" / "w1-code")


def test_a_submodule_is_left_empty_and_is_no_change(agent_with_submodule: AgentTree) -> None:
    assert list((agent_with_submodule.path / "sub").iterdir()) == []
    assert agent_with_submodule.touched() == {}


def test_a_file_in_the_folder_of_a_submodule_is_an_edit_of_it(agent_with_submodule: AgentTree) -> None:
    (agent_with_submodule.path / "sub" / "evil.py").write_text("x")
    assert agent_with_submodule.touched() == {"sub": "edit"}


def test_a_submodule_at_another_commit_is_an_edit(repo: Repo, agent_with_submodule: AgentTree) -> None:
    agent = agent_with_submodule
    in_tree(repo, agent, "update-index", "--cacheinfo", f"160000,{repo.head},sub")
    in_tree(repo, agent, "commit", "-qm", "another")
    assert agent.touched() == {"sub": "edit"}


def test_a_submodule_that_is_gone_or_became_a_file_or_a_link_is_told(agent_with_submodule: AgentTree) -> None:
    folder = agent_with_submodule.path / "sub"
    folder.rmdir()
    folder.write_text("a file")
    assert agent_with_submodule.touched() == {"sub": "edit"}
    folder.unlink()
    folder.symlink_to("/etc")
    assert agent_with_submodule.touched() == {"sub": "edit"}
    folder.unlink()
    assert agent_with_submodule.touched() in ({"sub": "delete"}, {})


def test_a_new_submodule_is_told(repo: Repo, agent: AgentTree) -> None:
    in_tree(repo, agent, "update-index", "--add", "--cacheinfo", f"160000,{repo.head},vendored")
    in_tree(repo, agent, "commit", "-qm", "a link to nowhere")
    assert agent.touched() == {"vendored": "create"}


def test_a_repository_inside_the_tree_is_told(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "nested").mkdir()
    in_tree(repo, agent, "init", "-q", "nested")
    (agent.path / "nested" / "x.py").write_text("x")
    repo.git("add", "-A", cwd=agent.path / "nested")
    repo.git("commit", "-qm", "x", cwd=agent.path / "nested")
    assert agent.touched() == {"nested/": "create"}


def test_pipes_and_devices_in_the_tree_are_not_opened(agent: AgentTree) -> None:
    os.mkfifo(agent.path / "pipe")
    (agent.path / "README.md").unlink()
    os.mkfifo(agent.path / "README.md")
    assert agent.touched().get("README.md") in {"edit", "delete"}


def test_a_commit_that_rewrote_history_is_compared_with_the_commit_of_the_wave(repo: Repo, agent: AgentTree) -> None:
    tree = in_tree(repo, agent, "write-tree")
    orphan = in_tree(repo, agent, "commit-tree", "-m", "orphan", tree)
    in_tree(repo, agent, "reset", "-q", "--hard", orphan)
    assert agent.touched() == {}
    (agent.path / "README.md").write_text("x\n")
    in_tree(repo, agent, "commit", "-q", "-am", "x")
    assert agent.touched() == {"README.md": "edit"}


def test_a_tree_without_files_shows_every_one_deleted(repo: Repo, agent: AgentTree) -> None:
    for file in subprocess.run(["ls", "-A"], cwd=agent.path, capture_output=True, text=True, check=True).stdout.split():
        target = agent.path / file
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    assert agent.touched() == dict.fromkeys(
        ["README.md", "src/app.py", "src/tool.py", "tests/test_app.py", "web/index.html"], "delete"
    )

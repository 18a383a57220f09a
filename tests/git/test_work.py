"""An agent's work: the tree object that is judged now and merged later, and every changed path."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from swarm.git.agent_work import Work, work_of
from swarm.git.diff import changes
from swarm.git.path_text import path_bytes
from swarm.git.repository import repository_at
from tests.conftest import Repo
from tests.git.conftest import AgentTree, make_tree
from tests.sweeping import swept


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


@pytest.mark.parametrize(
    "name", swept([b"a b.py", b"-rf.py", b'q"uote.py', b"new\nline.py", b"\xff\xfe.py", "é.py".encode()])
)
def test_any_name_is_taken(repo: Repo, agent: AgentTree, name: bytes) -> None:
    with open(os.path.join(os.fsencode(agent.path), b"src", name), "wb") as stream:  # noqa: PTH118, PTH123
        stream.write(b"x")
    work = looked(agent)
    assert list(kinds(work).values()) == ["create"]
    assert [path_bytes(path) for path in made(repo, agent, work)] == [b"src/" + name]


def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Give the user who runs the tests a configuration of their own."""
    file = tmp_path / "user.gitconfig"
    file.write_text("[user]\n\tname = someone\n\temail = someone@example.org\n" + text)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))


def as_the_user(agent: AgentTree, *arguments: str) -> None:
    """Run git in an agent's tree with the user's own configuration, as an agent does."""
    subprocess.run(["git", *arguments], cwd=agent.path, check=True, capture_output=True)


def test_an_edit_that_a_filter_has_not_seen_is_named_and_left_as_it_was(
    repo: Repo, tmp_path: Path, agent: AgentTree
) -> None:
    repo.git("config", "filter.evil.clean", f"touch {tmp_path}/ran; cat")
    (agent.path / ".gitattributes").write_text("*.py filter=evil\n")
    (agent.path / "src/app.py").write_text("mine\n")
    (agent.path / "src/new.py").write_text("mine\n")
    work = looked(agent)
    assert work.filtered == ("src/app.py", "src/new.py")
    assert kinds(work) == {".gitattributes": "create", "src/app.py": "edit", "src/new.py": "edit"}
    assert made(repo, agent, work) == {".gitattributes": "A"}
    assert not (tmp_path / "ran").exists()


def test_a_blob_that_a_filter_made_is_the_agent_s_work(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: AgentTree
) -> None:
    clean, smudge = "sed s/raw/pointer/", "sed s/pointer/raw/"
    (agent.path / ".gitattributes").write_text("*.bin filter=big\n")
    (agent.path / "a.bin").write_text("raw\n")
    (agent.path / "b.bin").write_text("raw\n")
    settings(tmp_path, monkeypatch, f'[filter "big"]\n\tclean = {clean}\n\tsmudge = {smudge}\n')
    as_the_user(agent, "add", ".gitattributes", "a.bin")
    as_the_user(agent, "commit", "-qm", "work")
    as_the_user(agent, "add", "b.bin")
    work = looked(agent)
    assert work.filtered == ()
    assert [repo.git("cat-file", "blob", f"{work.tree}:{name}.bin") for name in "ab"] == ["pointer", "pointer"]
    (agent.path / "a.bin").write_text("raw again, and longer\n")
    work = looked(agent)
    assert work.filtered == ("a.bin",)
    assert repo.git("cat-file", "blob", f"{work.tree}:a.bin") == "pointer"


def test_a_pointer_of_git_lfs_is_not_replaced_by_a_raw_file_where_git_lfs_is_not_installed(
    repo: Repo, agent: AgentTree
) -> None:
    (agent.path / ".gitattributes").write_text("*.bin filter=lfs -text\n")
    (agent.path / "a.bin").write_text("raw\n")
    assert looked(agent).filtered == ("a.bin",)


@pytest.mark.parametrize("staged", [False, True])
def test_a_forced_ignored_file_and_one_that_is_tracked_no_more_are_as_the_agent_left_them(
    repo: Repo, agent: AgentTree, *, staged: bool
) -> None:
    (agent.path / ".gitignore").write_text("*.gen\nREADME.md\n")
    (agent.path / "table.gen").write_text("golden\n")
    (agent.path / "other.gen").write_text("left\n")
    in_tree(repo, agent, "add", ".gitignore")
    in_tree(repo, agent, "add", "-f", "table.gen")
    in_tree(repo, agent, "rm", "-q", "--cached", "README.md", "src/tool.py")
    if not staged:
        in_tree(repo, agent, "commit", "-qm", "work")
    work = looked(agent)
    assert made(repo, agent, work) == {".gitignore": "A", "README.md": "D", "src/tool.py": "D", "table.gen": "A"}
    assert kinds(work)["table.gen"] == "create"


def test_a_mode_is_the_agent_s_where_the_disk_keeps_none(repo: Repo, agent: AgentTree) -> None:
    repo.git("config", "core.fileMode", "false")
    in_tree(repo, agent, "update-index", "--chmod=+x", "src/app.py")
    (agent.path / "new.sh").write_text("true\n")
    in_tree(repo, agent, "add", "--chmod=+x", "new.sh")
    (agent.path / "src/tool.py").chmod(0o755)
    in_tree(repo, agent, "commit", "-qm", "work")
    work = looked(agent)
    assert made(repo, agent, work) == {"new.sh": "A", "src/app.py": "M"}
    listed = repo.git("ls-tree", work.tree, "new.sh", "src/").splitlines()
    assert {line.split()[3]: line.split()[0] for line in listed}["new.sh"] == "100755"
    assert repo.git("ls-tree", f"{work.tree}:src", "app.py").startswith("100755")


@pytest.mark.parametrize(("setting", "merged"), [("input", b"one\n"), ("true", b"one\n"), ("false", b"one\r\n")])
def test_line_endings_are_those_that_the_user_s_git_commits(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: AgentTree, setting: str, merged: bytes
) -> None:
    settings(tmp_path, monkeypatch, f"[core]\n\tautocrlf = {setting}\n\tsafecrlf = false\n")
    (agent.path / "README.md").write_bytes(b"one\r\n")
    (agent.path / "new.txt").write_bytes(b"one\r\n")
    work = looked(agent)
    for path in ("README.md", "new.txt"):
        assert agent.repository.git.run("cat-file", "blob", f"{work.tree}:{path}") == merged
    as_the_user(agent, "add", "-A")
    as_the_user(agent, "commit", "-qm", "work")
    assert looked(agent).tree == work.tree == repo.git("rev-parse", "HEAD^{tree}", cwd=agent.path)


def test_line_endings_that_the_agent_committed_are_its_work(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: AgentTree
) -> None:
    settings(tmp_path, monkeypatch, "[core]\n\tautocrlf = input\n")
    (agent.path / "README.md").write_bytes(b"one\r\n")
    commit(repo, agent)
    blob = f"{looked(agent).tree}:README.md"
    assert agent.repository.git.run("cat-file", "blob", blob) == b"one\r\n"


def test_the_user_s_own_ignore_file_keeps_files_out(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: AgentTree
) -> None:
    (tmp_path / "ignore").write_text(".DS_Store\n**/.claude/settings.local.json\n")
    settings(tmp_path, monkeypatch, f"[core]\n\texcludesFile = {tmp_path / 'ignore'}\n")
    (agent.path / "src/.claude").mkdir()
    (agent.path / "src/.claude/settings.local.json").write_text("{}")
    (agent.path / ".DS_Store").write_text("x")
    (agent.path / "kept.txt").write_text("x")
    work = looked(agent)
    assert kinds(work) == {"kept.txt": "create"}
    assert set(work.ignored) == {".DS_Store", "src/.claude/", "src/.claude/settings.local.json"}


def test_the_default_ignore_file_counts_where_none_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agent: AgentTree
) -> None:
    (tmp_path / "xdg/git").mkdir(parents=True)
    (tmp_path / "xdg/git/ignore").write_text("*.swp\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    (agent.path / "a.swp").write_text("x")
    assert kinds(looked(agent)) == {}


def test_the_settings_that_an_agent_leads_git_to_are_not_the_user_s(
    repo: Repo, tmp_path: Path, agent: AgentTree
) -> None:
    other = tmp_path / "other"
    repo.git("init", "-q", str(other))
    repo.git("config", "core.excludesFile", str(tmp_path / "all"), cwd=other)
    (tmp_path / "all").write_text("*\n")
    (agent.path / ".git").write_text(f"gitdir: {other / '.git'}\n")
    (agent.path / "seen.txt").write_text("x")
    assert kinds(looked(agent)) == {"seen.txt": "create"}


def test_flags_in_the_agent_s_index_hide_no_edit(repo: Repo, agent: AgentTree) -> None:
    in_tree(repo, agent, "update-index", "--assume-unchanged", "README.md")
    in_tree(repo, agent, "update-index", "--skip-worktree", "src/app.py")
    (agent.path / "README.md").write_text("hidden\n")
    (agent.path / "src/app.py").write_text("hidden\n")
    assert kinds(looked(agent)) == {"README.md": "edit", "src/app.py": "edit"}


@pytest.mark.parametrize("how", ["garbage", "none", "a pipe", "another tree's"])
def test_an_index_that_cannot_be_read_leaves_branch_and_files(
    repo: Repo, tmp_path: Path, agent: AgentTree, how: str
) -> None:
    (agent.path / "table.gen").write_text("golden\n")
    commit(repo, agent)
    (agent.path / "README.md").write_text("later\n")
    index = agent.repository.common_dir / "worktrees" / "w1-code" / "index"
    index.unlink()
    if how == "garbage":
        index.write_bytes(b"DIRC nonsense")
    elif how == "a pipe":
        os.mkfifo(index)
    elif how == "another tree's":
        index.symlink_to(agent.repository.common_dir / "index")
    assert kinds(looked(agent)) == {"README.md": "edit", "table.gen": "create"}


def test_an_entry_whose_blob_is_nowhere_is_passed_by(repo: Repo, agent: AgentTree) -> None:
    in_tree(repo, agent, "update-index", "--add", "--cacheinfo", f"100644,{'12' * 20},ghost.txt")
    (agent.path / "real.txt").write_text("x")
    assert kinds(looked(agent)) == {"real.txt": "create"}


@pytest.mark.parametrize("how", ["rebase", "merge"])
def test_an_agent_that_follows_the_target_is_not_blamed_for_the_target_s_commits(
    repo: Repo, agent: AgentTree, how: str
) -> None:
    (agent.path / "src/app.py").write_text("mine\n")
    commit(repo, agent)
    repo.commit({"web/index.html": "theirs\n", "src/tool.py": "theirs\n"}, "meanwhile")
    in_tree(repo, agent, how, "-q", "main")
    work = work_of(
        agent.repository.common_dir,
        agent.path,
        agent.commit,
        agent.kept_index,
        agent.tree.branch,
        upstream=repo.git("rev-parse", "main"),
    )
    assert kinds(work) == {"src/app.py": "edit"}
    assert made(repo, agent, work) == {"src/app.py": "M", "src/tool.py": "M", "web/index.html": "M"}
    (agent.path / "src/tool.py").write_text("mine as well\n")
    assert kinds(looked(agent)).keys() == {"src/app.py", "src/tool.py", "web/index.html"}


def test_looking_changes_nothing_that_others_see(repo: Repo, agent: AgentTree) -> None:
    (agent.path / "README.md").write_text("mine\n")
    index = repository_at(agent.path).common_dir / "worktrees" / "w1-code" / "index"
    before = index.read_bytes(), repo.git("for-each-ref"), repo.git("status", "--porcelain")
    looked(agent)
    assert (index.read_bytes(), repo.git("for-each-ref"), repo.git("status", "--porcelain")) == before

"""Repository: root, HEAD, branch and files, under odd names and in odd states."""

import os
from pathlib import Path

import pytest

from swarm import errors
from swarm.git import refs
from swarm.git.repository import (
    Repository,
    TreeFile,
    commit_of,
    contents,
    files_at,
    filled_submodules,
    holds_commit,
    keep_out_of_status,
    repository_at,
    tracked_changes,
)
from swarm.git.runner import Git, GitError
from tests.conftest import Repo


def test_a_checkout_is_found_with_its_head_and_branch(repo: Repo) -> None:
    assert repository_at(repo.root) == Repository(repo.root, repo.root / ".git", repo.head, "main")


def test_a_sub_folder_stands_for_its_checkout(repo: Repo) -> None:
    assert repository_at(repo.root / "src") == repository_at(repo.root)


def test_a_link_to_a_checkout_stands_for_its_real_folder(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.root)
    assert repository_at(tmp_path / "link") == repository_at(repo.root)


def test_a_detached_head_has_no_branch(repo: Repo) -> None:
    repo.git("checkout", "-q", "--detach")
    assert repository_at(repo.root) == Repository(repo.root, repo.root / ".git", repo.head, None)


def test_a_linked_worktree_is_a_checkout_of_its_own(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    side = (tmp_path / "side").resolve()
    assert repository_at(side) == Repository(side, repo.root / ".git", repo.head, "side")


@pytest.mark.parametrize("name", ["with space", "new\nline", "tail\n", "-dash", "quo\"te'", "ünï", "caf\udce9", ":x"])
def test_a_checkout_of_any_name_is_found(tmp_path: Path, name: str) -> None:
    root = tmp_path / name
    root.mkdir()
    made = Repo(root)
    made.git("init", "-q", "-b", "main")
    made.commit({"a.txt": "a\n"})
    assert repository_at(root / ".") == Repository(root.resolve(), root.resolve() / ".git", made.head, "main")


@pytest.mark.parametrize("branch", ["feature/ünï", "a-b.c", "HEAD2", f"fix/{'a-long-name' * 9}#1"])
def test_a_branch_is_told_by_its_whole_name(repo: Repo, branch: str) -> None:
    repo.git("checkout", "-q", "-b", branch)
    assert repository_at(repo.root).branch == branch


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "file"):
        (tmp_path / "file").touch()
        with pytest.raises(errors.RepoNotFound) as caught:
            repository_at(path)
        assert caught.value.fields == {"path": str(path)}


def test_a_folder_without_git_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.RepoNotGit) as caught:
        repository_at(tmp_path)
    assert caught.value.fields == {"path": str(tmp_path)}


def test_a_bare_repository_and_the_git_folder_itself_are_no_checkouts(repo: Repo, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", str(repo.root), str(tmp_path / "bare.git"))
    checkout = {"remedy": f"git clone {tmp_path / 'bare.git'} bare-checkout"}
    for folder, remedy in ((tmp_path / "bare.git", checkout), (repo.root / ".git", {})):
        with pytest.raises(errors.RepoNotGit) as caught:
            repository_at(folder)
        assert caught.value.fields == {"path": str(folder), **remedy}


def test_a_repository_without_a_commit_is_told(tmp_path: Path) -> None:
    made = Repo(tmp_path)
    made.git("init", "-q")
    with pytest.raises(errors.RepoUnborn) as caught:
        repository_at(tmp_path)
    assert caught.value.fields == {"path": str(tmp_path.resolve())}


def test_the_files_of_a_commit_are_told_with_mode_and_blob(repo: Repo) -> None:
    repo.git("rm", "-q", "-r", "src", "tests", "web")
    (repo.root / "run.sh").write_text("x\n")
    (repo.root / "run.sh").chmod(0o755)
    (repo.root / "link").symlink_to("README.md")
    Path(os.fsdecode(os.fsencode(repo.root) + b"/caf\xe9\n")).write_text("x\n")
    repo.git("add", "-A")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head},sub")
    repo.git("commit", "-q", "-m", "kinds")
    (repo.root / "untracked").touch()
    found = files_at(repository_at(repo.root).git, repo.head)
    assert [(file.path, file.mode) for file in found] == [
        ("README.md", "100644"),
        ("caf\U0010ffe9\n", "100644"),
        ("link", "120000"),
        ("run.sh", "100755"),
        ("sub", "160000"),
    ]
    assert found[0] == TreeFile("README.md", "100644", repo.git("rev-parse", "HEAD:README.md"))


def test_the_files_of_a_commit_are_whole_from_a_sub_folder_too(repo: Repo) -> None:
    assert files_at(Git(repo.root / "src"), "HEAD") == files_at(Git(repo.root), "HEAD")


def test_contents_come_in_the_order_asked_and_what_is_missing_is_left_out(repo: Repo) -> None:
    repo.commit({"empty": "", "binary": b"\x00\xff\n\n", "no-end": "a\nb"})
    files = {file.path: file.blob for file in files_at(Git(repo.root), "HEAD")}
    asked = [(name, files[name]) for name in ("no-end", "empty", "binary", "no-end")]
    asked.insert(1, ("gone", "1" * 40))
    asked.insert(3, ("odd", "not an id"))
    assert list(contents(Git(repo.root), asked)) == [
        ("no-end", b"a\nb"),
        ("empty", b""),
        ("binary", b"\x00\xff\n\n"),
        ("no-end", b"a\nb"),
    ]


def test_contents_can_be_left_before_the_end(repo: Repo) -> None:
    files = [(file.path, file.blob) for file in files_at(Git(repo.root), "HEAD")]
    reading = contents(Git(repo.root), files)
    assert next(reading)[0] == files[0][0]
    reading.close()


def test_tracked_changes_are_told_by_path_and_untracked_files_are_not(repo: Repo) -> None:
    assert tracked_changes(repository_at(repo.root).git) == []
    repo.write({"src/app.py": "x\n", "new.txt": "x\n"})
    repo.git("mv", "README.md", "READ ME.md")
    (repo.root / "web/index.html").unlink()
    assert tracked_changes(repository_at(repo.root).git) == [
        "READ ME.md",
        "README.md",
        "src/app.py",
        "web/index.html",
    ]


def test_a_submodule_s_folder_is_filled_when_it_holds_anything(repo: Repo) -> None:
    for name in ("one", "two", "three", "four"):
        repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head},{name}")
    repo.git("commit", "-q", "-m", "submodules")
    (repo.root / "one").mkdir()
    (repo.root / "two").mkdir()
    (repo.root / "two" / ".hidden").touch()
    (repo.root / "three").symlink_to("src")
    assert filled_submodules(Git(repo.root), repo.root, repo.head) == ["two"]


@pytest.mark.parametrize(
    ("revision", "is_one"),
    [("HEAD", True), ("main", True), ("HEAD~1", False), ("--all", False), ("HEAD:README.md", False), ("", False)],
)
def test_a_revision_names_a_commit_or_nothing(repo: Repo, revision: str, is_one: bool) -> None:
    assert commit_of(Git(repo.root), revision) == (repo.head if is_one else None)


def test_a_tag_stands_for_its_commit(repo: Repo) -> None:
    repo.git("tag", "-a", "-m", "annotated", "v1")
    assert commit_of(Git(repo.root), "v1") == repo.head


def test_a_repository_knows_which_commits_it_holds(repo: Repo) -> None:
    git = Git(repo.root)
    assert holds_commit(git, repo.head)
    assert not holds_commit(git, "1" * 40)
    assert not holds_commit(git, repo.git("rev-parse", "HEAD:README.md"))


def test_a_save_point_is_made_once_and_taken_back_only_where_it_was_put(repo: Repo) -> None:
    git = Git(repo.root)
    first = repo.head
    refs.add_tag(git, "swarm-save-1-ab", first)
    with pytest.raises(GitError):
        refs.add_tag(git, "swarm-save-1-ab", first)
    second = repo.commit()
    repo.git("tag", "-f", "swarm-save-1-ab", second)
    refs.remove_tag(git, "swarm-save-1-ab", first)
    assert repo.git("tag") == "swarm-save-1-ab"
    refs.remove_tag(git, "swarm-save-1-ab", second)
    assert repo.git("tag") == ""


@pytest.mark.parametrize("before", [None, "", "*.log\n", "*.log"])
def test_our_live_state_is_kept_out_of_status_and_the_user_s_lines_stay(repo: Repo, before: str | None) -> None:
    file = repo.root / ".git/info/exclude"
    file.unlink()
    if before is not None:
        file.write_text(before)
    repository = repository_at(repo.root)
    keep_out_of_status(repository, ["/swarms/control-plane.db*", "/swarms/swarm-*/"])
    keep_out_of_status(repository, ["/swarms/swarm-*/", "/swarms/backups/"])
    begin = "*.log\n" if before else ""
    assert file.read_text() == begin + "/swarms/control-plane.db*\n/swarms/swarm-*/\n/swarms/backups/\n"

"""Fingerprints of the shared git folder and the primary checkout name every change."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm.git import sentinel
from swarm.git.repository import repository_at
from swarm.git.runner import Git
from swarm.git.sentinel import fingerprint_common, fingerprint_primary
from swarm.git.sentinel_changes import Deviation, common_changes, primary_changes
from tests.conftest import Repo
from tests.git.conftest import AgentTree, make_tree

RUN = "swarm-1700000000-0123abcd"
SAVE_POINT = "swarm-save-1700000000-0123abcd"


def common(repo: Repo) -> dict[str, str]:
    return fingerprint_common(repo.root / ".git", RUN)


def differences(before: dict[str, str], now: dict[str, str], git: Git | None = None) -> list[str]:
    return [difference.name for difference in common_changes(before, now, git)[0]]


def noted(before: dict[str, str], now: dict[str, str]) -> list[str]:
    return [difference.name for difference in common_changes(before, now)[1]]


def write(name: str, text: str = "x\n") -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    return act


def add_setting(key: str, value: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        Git(folder.parent).run("config", "--local", "--add", key, value)

    return act


def write_hook(folder: Path) -> None:
    write("hooks/pre-commit", "#!/bin/sh\n")(folder)
    (folder / "hooks/pre-commit").chmod(0o755)


def link_hooks(folder: Path) -> None:
    shutil.rmtree(folder / "hooks")
    (folder / "hooks").mkdir()
    (folder / "hooks" / "pre-commit").symlink_to("/somewhere")


@pytest.fixture
def watched(repo: Repo, agent: AgentTree) -> Repo:
    repo.git("tag", SAVE_POINT)
    repo.git("config", "remote.origin.url", "somewhere")
    return repo


@pytest.mark.parametrize(
    ("act", "named"),
    [
        (add_setting("core.fsmonitor", "evil"), "config: core.fsmonitor"),
        (add_setting("core.hooksPath", ".husky"), "config: core.hookspath"),
        (add_setting("core.worktree", "/elsewhere"), "config: core.worktree"),
        (add_setting("include.path", "/elsewhere"), "config: include.path"),
        (add_setting("filter.lfs.process", "evil"), "config: filter.lfs.process"),
        (add_setting("diff.x.textconv", "evil"), "config: diff.x.textconv"),
        (add_setting("merge.x.driver", "evil"), "config: merge.x.driver"),
        (add_setting("remote.origin.url", "/elsewhere"), "config: remote.origin.url"),
        (add_setting("remote.new.url", "ext::sh -c evil"), "config: remote.new.url"),
        (add_setting("branch.main.remote", "/elsewhere"), "config: branch.main.remote"),
        (add_setting("branch.main.rebase", "exec evil"), "config: branch.main.rebase"),
        (add_setting("url.evil:.insteadOf", "good:"), "config: url.evil:.insteadof"),
        (add_setting("alias.st", "!evil"), "config: alias.st"),
        (lambda folder: (folder / "config").write_text("no configuration ["), "config"),
        (write("config.worktree"), "config.worktree"),
        (write_hook, "hooks/pre-commit"),
        (write("info/attributes", "* filter=evil\n"), "info/attributes"),
        (write("info/grafts"), "info/grafts"),
        (write("objects/info/alternates", "/elsewhere\n"), "objects/info/alternates"),
        (write("refs/replace/0123", "4567\n"), "refs/replace/0123"),
        (write("worktrees/w1-code/gitdir", "/elsewhere\n"), "worktrees/w1-code/gitdir"),
        (write("worktrees/w1-code/commondir", "/elsewhere\n"), "worktrees/w1-code/commondir"),
        (write("worktrees/w1-code/config.worktree"), "worktrees/w1-code/config.worktree"),
        (write(f"refs/tags/{SAVE_POINT}", "0" * 40), f"refs/tags/{SAVE_POINT}"),
        (write(f"refs/swarm/{RUN}", "0" * 40), f"refs/swarm/{RUN}"),
    ],
)
def test_a_change_of_what_git_could_run_or_believe_is_named(
    watched: Repo, act: Callable[[Path], None], named: str
) -> None:
    before = common(watched)
    act(watched.root / ".git")
    assert differences(before, common(watched)) == [named]


@pytest.mark.parametrize(
    "act",
    [
        add_setting("branch.main.vscode-merge-base", "origin/main"),
        add_setting("branch.new.remote", "origin"),
        add_setting("branch.new.merge", "refs/heads/new"),
        add_setting("branch.new.description", "what it is for"),
        add_setting("remote.fork.url", "somewhere else"),
        add_setting("remote.fork.fetch", "+refs/heads/*:refs/remotes/fork/*"),
        add_setting("pull.rebase", "true"),
        add_setting("user.email", "someone@example.org"),
        add_setting("lfs.repositoryformatversion", "0"),
        add_setting("core.autocrlf", "input"),
        write("hooks/pre-commit.sample"),
        write("hooks/pre-push"),
        write("hooks/_/husky.sh"),
        write("shallow"),
        lambda folder: (folder / "config").chmod(0o755),
    ],
)
def test_what_can_run_nothing_and_redirects_nothing_is_no_offence(watched: Repo, act: Callable[[Path], None]) -> None:
    before = common(watched)
    act(watched.root / ".git")
    assert differences(before, common(watched)) == []


def test_old_and_new_of_a_setting_are_shown_without_credentials(watched: Repo) -> None:
    watched.git("config", "remote.origin.url", "https://me:secret@example.org/a")
    before = common(watched)
    watched.git("config", "remote.origin.url", "https://me:secret@example.org/b")
    (difference,) = common_changes(before, common(watched))[0]
    assert difference.detail == "https://…@example.org/a → https://…@example.org/b"


def test_a_deleted_branch_is_named_only_where_its_commits_are_nowhere_else(watched: Repo) -> None:
    git = Git(watched.root)
    watched.git("branch", "merged")
    watched.git("branch", "alone", watched.git("commit-tree", "HEAD^{tree}", "-p", "HEAD", "-m", "alone"))
    alone = watched.git("rev-parse", "alone")[:12]
    before = common(watched)
    watched.git("branch", "-q", "-D", "merged", "alone")
    against, notes = common_changes(before, common(watched), git)
    assert [difference.name for difference in against] == ["refs/heads/alone"]
    assert against[0].detail == f"deleted at {alone}; `git branch alone {alone}` brings it back"
    assert [difference.name for difference in notes] == ["refs/heads/merged"]


def test_a_tag_that_floats_is_noted(watched: Repo) -> None:
    watched.git("tag", "nightly")
    before = common(watched)
    watched.commit({"new.txt": "x\n"})
    watched.git("tag", "-f", "nightly")
    assert (differences(before, common(watched)), noted(before, common(watched))) == ([], ["refs/tags/nightly"])


def test_a_hook_that_became_a_link_is_named_without_being_followed(watched: Repo) -> None:
    before = common(watched)
    link_hooks(watched.root / ".git")
    after = common(watched)
    assert "hooks/pre-commit" in differences(before, after)
    assert after["hooks/pre-commit"] == "link to /somewhere"


def test_a_save_point_that_was_packed_is_the_same_and_one_that_is_gone_is_named(watched: Repo) -> None:
    before = common(watched)
    watched.git("pack-refs", "--all")
    assert differences(before, common(watched)) == []
    watched.git("tag", "-d", SAVE_POINT)
    assert differences(before, common(watched)) == [f"refs/tags/{SAVE_POINT}"]


def test_commits_branches_and_tags_of_others_are_nobody_s_offence(watched: Repo, agent: AgentTree) -> None:
    before = common(watched)
    watched.commit({"new.txt": "x\n"})
    watched.git("branch", "other")
    watched.git("tag", "v1")
    watched.git("commit", "-q", "--allow-empty", "-m", "in the tree", cwd=agent.path)
    assert differences(before, common(watched)) == []


def test_a_worktree_that_comes_or_goes_whole_is_not_named(watched: Repo, tmp_path: Path) -> None:
    before = common(watched)
    make_tree(watched, tmp_path / "trees" / "w2-code", "swarm/0123abcd/w2-code")
    after = common(watched)
    assert differences(before, after) == []
    assert differences(after, before) == []
    watched.git("worktree", "remove", "--force", str(tmp_path / "trees" / "w1-code"))
    assert differences(before, common(watched)) == []


def test_a_worktree_that_has_the_name_of_one_that_is_gone_is_not_named(watched: Repo, tmp_path: Path) -> None:
    """git numbers names that are the same, as those of two runs, and gives them anew."""
    make_tree(watched, tmp_path / "other" / "w1-code", "swarm/4567cdef/w1-code")
    before = common(watched)
    watched.git("worktree", "remove", "--force", str(tmp_path / "other" / "w1-code"))
    make_tree(watched, tmp_path / "third" / "w1-code", "swarm/89abcdef/w1-code")
    after = common(watched)
    assert before["worktrees/w1-code1/gitdir"] != after["worktrees/w1-code1/gitdir"]
    assert differences(before, after) == []


def test_a_save_point_that_is_packed_while_it_is_looked_for_is_seen(
    watched: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = common(watched)
    content = sentinel._content

    def packed_before(file: Path) -> bytes:
        if file.name == SAVE_POINT and file.exists():
            watched.git("pack-refs", "--all")
        return content(file)

    monkeypatch.setattr(sentinel, "_content", packed_before)
    assert differences(before, common(watched)) == []
    assert not (watched.root / ".git/refs/tags" / SAVE_POINT).exists()


def test_what_others_take_away_while_it_is_looked_at_is_no_error(
    watched: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    make_tree(watched, theirs, "theirs")
    before = common(watched)
    digest = sentinel._digest

    def removed_before(file: Path) -> str:
        if file.parent.name == "theirs" and theirs.exists():
            watched.git("worktree", "remove", "--force", str(theirs))
        return digest(file)

    monkeypatch.setattr(sentinel, "_digest", removed_before)
    assert differences(before, common(watched)) == []
    assert not theirs.exists()


def primary(repo: Repo) -> dict[str, str]:
    return fingerprint_primary(repository_at(repo.root))


def changed(repo: Repo, before: dict[str, str], since: str | None = None) -> list[Deviation]:
    repository = repository_at(repo.root)
    return primary_changes(repository, since or repository.head, before, fingerprint_primary(repository, before))


def dirt(repo: Repo, before: dict[str, str]) -> set[str]:
    return {difference.name for difference in changed(repo, before)}


def test_a_clean_checkout_has_no_dirt(repo: Repo) -> None:
    assert primary(repo) == {}


@pytest.mark.parametrize(
    ("act", "paths"),
    [
        (lambda root: (root / "README.md").write_text("x\n"), {"README.md"}),
        (lambda root: (root / "README.md").unlink(), {"README.md"}),
        (lambda root: (root / "README.md").chmod(0o755), {"README.md"}),
        (lambda root: (root / "new\nname").write_text("x\n"), {"new\nname"}),
        (lambda root: (root / "README.md").rename(root / "READ.md"), {"README.md", "READ.md"}),
    ],
)
def test_what_is_done_in_the_primary_checkout_is_seen(
    repo: Repo, act: Callable[[Path], object], paths: set[str]
) -> None:
    before = primary(repo)
    act(repo.root)
    assert dirt(repo, before) == paths


def test_dirt_that_was_there_is_not_new_until_it_changes_again(repo: Repo) -> None:
    repo.write({"README.md": "mine\n", "notes.txt": "mine\n"})
    before = primary(repo)
    assert dirt(repo, before) == set()
    repo.write({"notes.txt": "not mine\n"})
    assert dirt(repo, before) == {"notes.txt"}


def test_a_commit_by_the_coordinator_leaves_no_dirt(repo: Repo) -> None:
    before = primary(repo)
    repo.commit({"README.md": "committed\n"})
    assert dirt(repo, before) == set()


def test_a_file_that_is_put_back_to_the_byte_was_not_touched(repo: Repo) -> None:
    repo.write({"README.md": "mine\n", "notes.txt": "mine\n"})
    before = primary(repo)
    repo.write({"README.md": "other\n", "notes.txt": "other\n"})
    assert dirt(repo, before) == {"README.md", "notes.txt"}
    repo.write({"README.md": "mine\n", "notes.txt": "mine\n"})
    assert dirt(repo, before) == set()


def test_staging_is_no_edit(repo: Repo) -> None:
    repo.write({"README.md": "mine\n"})
    before = primary(repo)
    repo.git("add", "README.md")
    assert dirt(repo, before) == set()


def test_a_staged_content_that_is_replaced_is_named_though_the_file_is_as_it_was(repo: Repo) -> None:
    repo.write({"README.md": "staged\n"})
    repo.git("add", "README.md")
    repo.write({"README.md": "on the disk\n"})
    before = primary(repo)
    repo.git("reset", "-q")
    assert dirt(repo, before) == {"README.md"}


def test_edits_that_the_user_committed_are_not_lost(repo: Repo) -> None:
    since = repo.head
    repo.write({"README.md": "mine\n", "notes.txt": "mine\n"})
    before = primary(repo)
    repo.commit()
    assert changed(repo, before, since) == []
    repo.commit({"README.md": "and later\n"})
    assert changed(repo, before, since) == []


def test_edits_that_were_stashed_are_found_in_the_stash(repo: Repo) -> None:
    repo.write({"README.md": "mine\n", "notes.txt": "mine\n"})
    before = primary(repo)
    repo.git("stash", "-q", "-u")
    found = {difference.name: difference.detail or "" for difference in changed(repo, before)}
    assert found.keys() == {"README.md", "notes.txt"}
    assert all("lies in stash@{0}" in detail for detail in found.values())
    for path, detail in found.items():
        command = detail.split("`")[1].removeprefix("git ").split()
        repo.git(*command)
        assert (repo.root / path).read_text() == "mine\n"


def test_edits_on_a_branch_that_was_left_are_found_in_the_reflog(repo: Repo) -> None:
    repo.write({"README.md": "mine\n"})
    before = primary(repo)
    repo.git("switch", "-q", "-c", "aside")
    repo.git("commit", "-q", "-am", "aside")
    repo.git("switch", "-q", "main")
    (difference,) = changed(repo, before)
    assert "lies in HEAD@{1}" in (difference.detail or "")


@pytest.mark.parametrize("how", [("checkout", "--", "."), ("reset", "--hard", "-q")])
def test_edits_that_are_nowhere_are_named(repo: Repo, how: tuple[str, ...]) -> None:
    repo.write({"README.md": "mine\n"})
    before = primary(repo)
    repo.git(*how)
    assert changed(repo, before) == [Deviation("README.md", "its uncommitted content is in no commit, stash or reflog")]


def test_a_staged_file_that_was_reset_is_still_among_git_s_objects(repo: Repo) -> None:
    repo.write({"README.md": "mine\n"})
    repo.git("add", "README.md")
    before = primary(repo)
    repo.git("reset", "--hard", "-q")
    (difference,) = changed(repo, before)
    blob = (difference.detail or "").split("`")[1].split()[-1]
    assert repo.git("cat-file", "blob", blob) == "mine"


def test_a_new_untracked_file_that_was_cleaned_away_is_named(repo: Repo) -> None:
    repo.write({"notes.txt": "mine\n"})
    before = primary(repo)
    repo.git("clean", "-fdq")
    assert [difference.name for difference in changed(repo, before)] == ["notes.txt"]


def test_a_deletion_of_the_user_s_that_was_taken_back_loses_nothing(repo: Repo) -> None:
    (repo.root / "README.md").unlink()
    before = primary(repo)
    repo.git("checkout", "--", "README.md")
    assert changed(repo, before) == []

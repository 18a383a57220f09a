"""What must not change while agents work is fingerprinted, and what changed is named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from swarm.git import sentinel
from swarm.git.repository import repository_at
from swarm.git.sentinel import differences, fingerprint_common, fingerprint_primary
from tests.conftest import Repo
from tests.git.conftest import AgentTree, make_tree

RUN = "swarm-1700000000-0123abcd"
SAVE_POINT = "swarm-save-1700000000-0123abcd"


def common(repo: Repo) -> dict[str, str]:
    return fingerprint_common(repo.root / ".git", RUN)


def write(name: str, text: str = "x\n") -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    return act


def link_hooks(folder: Path) -> None:
    shutil.rmtree(folder / "hooks")
    (folder / "hooks").mkdir()
    (folder / "hooks" / "pre-commit").symlink_to("/somewhere")


@pytest.fixture
def watched(repo: Repo, agent: AgentTree) -> Repo:
    repo.git("tag", SAVE_POINT)
    return repo


@pytest.mark.parametrize(
    ("act", "named"),
    [
        (write("config", "[core]\n\tfsmonitor = evil\n"), "config"),
        (write("config.worktree"), "config.worktree"),
        (write("hooks/pre-commit"), "hooks/pre-commit"),
        (write("hooks/deep/er/x"), "hooks/deep/er/x"),
        (write("info/attributes", "* filter=evil\n"), "info/attributes"),
        (write("info/grafts"), "info/grafts"),
        (write("objects/info/alternates", "/elsewhere\n"), "objects/info/alternates"),
        (write("shallow"), "shallow"),
        (write("refs/replace/0123", "4567\n"), "refs/replace/0123"),
        (write("worktrees/w1-code/gitdir", "/elsewhere\n"), "worktrees/w1-code/gitdir"),
        (write("worktrees/w1-code/commondir", "/elsewhere\n"), "worktrees/w1-code/commondir"),
        (write("worktrees/w1-code/config.worktree"), "worktrees/w1-code/config.worktree"),
        (write(f"refs/tags/{SAVE_POINT}", "0" * 40), f"refs/tags/{SAVE_POINT}"),
        (write(f"refs/swarm/{RUN}", "0" * 40), f"refs/swarm/{RUN}"),
        (lambda folder: (folder / "config").chmod(0o755), "config"),
    ],
)
def test_a_change_of_what_git_could_run_or_believe_is_named(
    watched: Repo, act: Callable[[Path], None], named: str
) -> None:
    before = common(watched)
    act(watched.root / ".git")
    assert differences(before, common(watched)) == [named]


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


def dirt(repo: Repo, before: dict[str, str]) -> set[str]:
    after = primary(repo)
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


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

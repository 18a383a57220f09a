"""Locks of another git in the same repository: a momentary lock is waited for, a lasting lock is reported."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from swarm.git import runner, worktrees
from swarm.git.repository import repository_at
from swarm.git.runner import Git, GitError
from swarm.git.worktrees import Tree
from tests.conftest import Repo

BRANCH = "swarm/0123abcd/w1-code"


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], list[float]]:
    """`meanwhile(act)`: what another does while we wait the second time; returns how long was waited, so far."""

    def prepare(act: Callable[[], object]) -> list[float]:
        waited: list[float] = []

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 2:
                act()

        # The runner's alone: `subprocess` sleeps as well.
        monkeypatch.setattr(runner, "time", SimpleNamespace(sleep=sleep))
        return waited

    return prepare


def test_a_lock_of_the_index_that_is_gone_in_a_moment_is_waited_for(
    repo: Repo, meanwhile: Callable[[Callable[[], object]], list[float]]
) -> None:
    lock = repo.root / ".git" / "index.lock"
    lock.touch()
    waited = meanwhile(lock.unlink)
    Git(repo.root).run("read-tree", "HEAD")
    assert len(waited) == 2


def test_a_lock_of_the_configuration_that_is_gone_in_a_moment_is_waited_for(
    repo: Repo, meanwhile: Callable[[Callable[[], object]], list[float]]
) -> None:
    lock = repo.root / ".git" / "config.lock"
    lock.touch()
    waited = meanwhile(lock.unlink)
    Git(repo.root).run("config", "some.key", "value")
    assert (len(waited), repo.git("config", "some.key")) == (2, "value")


def test_a_lock_that_stays_is_told_with_its_file_after_a_few_seconds(
    repo: Repo, meanwhile: Callable[[Callable[[], object]], list[float]]
) -> None:
    lock = repo.root / ".git" / "index.lock"
    lock.touch()
    waited = meanwhile(lambda: None)
    with pytest.raises(GitError) as told:
        Git(repo.root).run("read-tree", "HEAD")
    assert (told.value.lock, round(sum(waited), 3)) == (lock, runner.PATIENCE_SECONDS)


def test_for_the_locks_of_refs_git_waits_as_long_by_itself(repo: Repo) -> None:
    git = Git(repo.root)
    names = ("core.filesRefLockTimeout", "core.packedRefsTimeout")
    assert {git.text("config", name) for name in names} == {f"{runner.PATIENCE_SECONDS * 1000:.0f}"}


def test_what_fails_for_another_reason_is_told_at_once(
    repo: Repo, meanwhile: Callable[[Callable[[], object]], list[float]]
) -> None:
    waited = meanwhile(lambda: None)
    with pytest.raises(GitError):
        Git(repo.root).run("read-tree", "nothing")
    assert waited == []


@pytest.mark.parametrize("branch", [BRANCH, None])
def test_a_worktree_is_made_beside_one_that_another_is_just_making(
    repo: Repo, tmp_path: Path, branch: str | None, meanwhile: Callable[[Callable[[], object]], list[float]]
) -> None:
    half_made = repo.root / ".git" / "worktrees" / "theirs"
    half_made.mkdir(parents=True)
    (half_made / "gitdir").write_text(f"{tmp_path}/theirs/.git\n")
    (half_made / "commondir").touch()
    waited = meanwhile(lambda: (half_made / "commondir").write_text("../..\n"))
    repository = repository_at(repo.root)
    tree = Tree(tmp_path / "w1-code", branch)
    assert worktrees.add(repository.git, tree, repository.head) == tree
    worktrees.fill(tree)
    assert len(waited) >= 2
    assert worktrees.is_as_made(repository.git, tree, repository.head)


def test_a_branch_is_not_left_where_a_worktree_could_not_be_made(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "w1-code").mkdir()
    (tmp_path / "w1-code" / "file").touch()
    repository = repository_at(repo.root)
    with pytest.raises(GitError):
        worktrees.add(repository.git, Tree(tmp_path / "w1-code", BRANCH), repository.head)
    assert repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads") == "main"

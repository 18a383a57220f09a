"""Merging as objects, and moving branches and their clean checkouts."""

import os
import resource
import subprocess
from pathlib import Path

import pytest

from swarm import errors
from swarm.git import agent_work, checkouts, history, merging, refs
from swarm.git.conflicts import Conflict
from swarm.git.merging import Identity
from swarm.git.path_text import path_text
from swarm.git.repository import Repository, repository_at
from swarm.git.runner import Git, GitError
from tests.conftest import GIT, SOURCE, Repo
from tests.git.conftest import AgentTree

WHEN = Identity("2026-01-02T03:04:05.678Z")


@pytest.fixture
def repository(repo: Repo) -> Repository:
    return repository_at(repo.root)


def side(repo: Repo, branch: str, files: dict[str, str | bytes], since: str = "main") -> str:
    """Return a commit on a branch of its own; `main` stays checked out."""
    repo.git("checkout", "-q", "-b", branch, since)
    made = repo.commit(files)
    repo.git("checkout", "-q", "main")
    return made


def work_of(agent: AgentTree) -> str:
    """Return the tree object of what lies in an agent's tree."""
    tree, kept = agent.tree, agent.kept_index
    return agent_work.work_of(agent.repository.common_dir, tree.path, agent.commit, kept, tree.branch).tree


def test_a_merge_of_the_same_is_the_same_commit_at_any_time(repo: Repo, repository: Repository) -> None:
    ours, theirs = side(repo, "a", {"a.txt": "a\n"}), side(repo, "b", {"b.txt": "b\n"})
    made = []
    for _ in range(2):
        with merging.objects_only(repository) as git:
            tree = merging.merged(git, ours, theirs)
            made.append(merging.commit_tree(git, tree, [ours, theirs], "Merge\n", WHEN))
    assert made[0] == made[1]
    shown = repo.git("log", "-1", "--format=%P|%an %ae %at|%cn %ce %ct|%s", made[0])
    moment = "swarm swarm@localhost 1767323045"
    assert shown == f"{ours} {theirs}|{moment}|{moment}|Merge"
    assert set(repo.git("ls-tree", "-r", "--name-only", made[0]).split()) == {*SOURCE, "a.txt", "b.txt"}


def test_a_conflict_names_every_file_once_whatever_it_is_called(repo: Repo, repository: Repository) -> None:
    odd = {"a b": "1\n", "new\nline": "1\n", "-x": "1\n", "\udcff": "1\n"}
    base = repo.commit(dict(odd))
    ours = side(repo, "a", dict.fromkeys(odd, "2\n"), base)
    theirs = side(repo, "b", dict.fromkeys(odd, "3\n"), base)
    with merging.objects_only(repository) as git, pytest.raises(Conflict) as caught:
        merging.merged(git, ours, theirs)
    assert sorted(caught.value.files) == sorted(path_text(os.fsencode(name)) for name in odd)


def test_commits_without_a_common_history_are_a_failure_and_no_conflict(repo: Repo, repository: Repository) -> None:
    orphan = repo.git("commit-tree", "-m", "orphan", "HEAD^{tree}")
    with merging.objects_only(repository) as git, pytest.raises(GitError, match="unrelated histories"):
        merging.merged(git, repo.head, orphan)


def test_a_repository_of_the_other_hash_is_merged(tmp_path: Path) -> None:
    root = tmp_path / "sha256"
    subprocess.run(
        ["git", "init", "-q", "-b", "main", "--object-format=sha256", str(root)], check=True, env={**os.environ, **GIT}
    )
    repo = Repo(root)
    repo.commit({"x.txt": "x\n"})
    ours, theirs = side(repo, "a", {"a.txt": "a\n"}), side(repo, "b", {"b.txt": "b\n"})
    with merging.objects_only(repository_at(root)) as git:
        tree = merging.merged(git, ours, theirs)
    assert len(tree) == 64
    assert repo.git("ls-tree", "--name-only", tree).split() == ["a.txt", "b.txt", "x.txt"]


def test_a_shallow_clone_is_merged(repo: Repo, tmp_path: Path) -> None:
    repo.commit({"x.txt": "x\n"})
    clone = Repo(tmp_path / "clone")
    repo.git("clone", "-q", "--depth", "1", f"file://{repo.root}", str(clone.root))
    ours, theirs = side(clone, "a", {"a.txt": "a\n"}), side(clone, "b", {"b.txt": "b\n"})
    with merging.objects_only(repository_at(clone.root)) as git:
        tree = merging.merged(git, ours, theirs)
    assert "b.txt" in clone.git("ls-tree", "--name-only", tree).split()


def test_git_with_objects_alone_leaves_nothing_behind(repository: Repository) -> None:
    with merging.objects_only(repository) as git:
        folder = git.folder.parent
        assert refs.tip_of(git, "main") is None
        assert history.tree_of(git, repository.head) == repository.git.text("rev-parse", "HEAD^{tree}")
    assert not folder.exists()
    assert (repository.common_dir / "objects").is_dir()


@pytest.mark.parametrize("name", ["nope", "main^", "main~0", "main@{0}", "../heads/main", "", "HEAD", "-h", "ma\nin"])
def test_what_is_no_branch_has_no_tip(repository: Repository, name: str) -> None:
    assert refs.tip_of(repository.git, name) is None
    assert refs.tip_of(repository.git, "main") == repository.head


def test_a_branch_is_moved_only_from_where_it_is_said_to_be(repo: Repo, repository: Repository) -> None:
    first = repo.head
    second = side(repo, "a", {"a.txt": "a\n"})
    git = repository.git
    refs.move_branch(git, "new", None, first)
    assert refs.tip_of(git, "new") == first
    with pytest.raises(errors.PublishRaced) as caught:
        refs.move_branch(git, "new", None, second)
    assert caught.value.fields == {"ref": "new", "expected": "not there", "found": first}
    with pytest.raises(errors.PublishRaced):
        refs.move_branch(git, "new", second, first)
    with pytest.raises(errors.PublishRaced) as gone:
        refs.move_branch(git, "gone", first, second)
    assert gone.value.fields["found"] == "gone"
    assert refs.tip_of(git, "new") == first


def test_a_branch_that_git_cannot_move_is_no_race(repo: Repo, repository: Repository) -> None:
    repo.git("branch", "swarm")
    with pytest.raises(GitError, match="swarm"):
        refs.move_branch(repository.git, "swarm/x/integration", None, repo.head)
    repo.git("branch", "new")
    (repo.root / ".git/refs/heads/new.lock").touch()
    with pytest.raises(GitError, match="lock"):
        refs.move_branch(repository.git, "new", repo.head, side(repo, "a", {}))


def test_the_first_commit_with_a_tree_is_found_among_those_that_are_new(repo: Repo, repository: Repository) -> None:
    since = repo.head
    first = repo.commit({"a.txt": "a\n"})
    repo.commit({"a.txt": "b\n"})
    again = repo.commit({"a.txt": "a\n"})
    git = repository.git
    tree = history.tree_of(git, again)
    assert history.commit_with_tree(git, since, again, tree) == first
    assert history.commit_with_tree(git, first, again, tree) == again
    assert history.commit_with_tree(git, again, again, tree) is None
    assert history.commit_with_tree(git, since, again, history.tree_of(git, since)) is None


def test_a_checkout_that_was_killed_between_its_files_and_its_branch_is_gone_on_with(
    repo: Repo, repository: Repository
) -> None:
    old, new = repo.head, side(repo, "a", {"a.txt": "a\n", "README.md": "# New\n"})
    repo.git("read-tree", "-m", "-u", old, new)
    checkouts.forward_checkout(repo.root, "main", old, new)
    assert (repo.head, repo.git("status", "--porcelain")) == (new, "")
    assert repository.head == old


def test_files_that_a_commit_moves_into_folders_and_back_are_in_nobody_s_way(repo: Repo) -> None:
    old = repo.commit({"x": "x\n", "y/z.txt": "z\n"})
    repo.git("checkout", "-q", "-b", "a")
    repo.git("rm", "-q", "x", "y/z.txt")
    new = repo.commit({"x/deep.txt": "x\n", "y": "y\n"})
    repo.git("checkout", "-q", "main")
    checkouts.forward_checkout(repo.root, "main", old, new)
    assert (repo.head, repo.git("status", "--porcelain")) == (new, "")
    assert ((repo.root / "x/deep.txt").read_text(), (repo.root / "y").read_text()) == ("x\n", "y\n")


def test_an_ignored_file_beside_those_that_go_is_spared(repo: Repo) -> None:
    old = repo.commit({".gitignore": "*.env\n", "y/z.txt": "z\n"})
    repo.git("checkout", "-q", "-b", "a")
    repo.git("rm", "-q", "y/z.txt")
    new = repo.commit({"y": "y\n"})
    repo.git("checkout", "-q", "main")
    repo.write({"y/mine.env": "mine\n"})
    with pytest.raises(errors.PublishTargetDirty):
        checkouts.forward_checkout(repo.root, "main", old, new)
    assert (repo.root / "y/mine.env").read_text() == "mine\n"
    assert (repo.head, repo.git("status", "--porcelain")) == (old, "")


def test_a_disk_that_fills_up_costs_no_edit_that_git_was_told_not_to_see(repo: Repo) -> None:
    old = repo.commit({"docs/old.txt": "old\n", "x": "x\n"})
    repo.git("checkout", "-q", "-b", "a")
    repo.git("rm", "-q", "docs/old.txt", "x")
    new = repo.commit({"README.md": "# New\n", "x/deep.txt": "deep\n", "zz.bin": "z" * (1 << 16)})
    repo.git("checkout", "-q", "main")
    repo.git("update-index", "--assume-unchanged", "src/tool.py")
    repo.write({"src/tool.py": "# mine\n"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, hard))
    try:
        with pytest.raises(GitError) as caught:
            checkouts.forward_checkout(repo.root, "main", old, new)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.is_of_disk
    assert (repo.head, repo.git("status", "--porcelain")) == (old, "")
    assert (repo.root / "src/tool.py").read_text() == "# mine\n"
    assert repo.git("ls-files", "-v", "src/tool.py") == "h src/tool.py"
    repo.git("update-index", "--no-assume-unchanged", "src/tool.py")
    assert repo.git("status", "--porcelain") == "M src/tool.py"


def test_a_branch_whose_checkout_is_on_a_disk_that_is_away_is_not_moved(repo: Repo, tmp_path: Path) -> None:
    old, new = repo.head, side(repo, "a", {"a.txt": "a\n"})
    place = tmp_path / "away"
    repo.git("branch", "other")
    repo.git("worktree", "add", "-q", str(place), "other")
    repo.git("worktree", "lock", str(place))
    place.rename(tmp_path / "elsewhere")
    assert checkouts.checkouts_of(Git(repo.root), "other") == [place]
    with pytest.raises(errors.PublishTargetDirty) as caught:
        checkouts.forward_checkout(place, "other", old, new)
    assert (caught.value.fields["path"], repo.git("rev-parse", "other")) == (str(place), old)
    repo.git("worktree", "unlock", str(place))
    assert checkouts.checkouts_of(Git(repo.root), "other") == []


def test_a_tree_s_index_follows_its_branch_and_its_files_do_not(repo: Repo, agent: AgentTree) -> None:
    git, branch = agent.repository.git, agent.tree.branch or ""
    (agent.path / "README.md").write_text("# Work\n")
    work = merging.commit_tree(git, work_of(agent), [agent.commit], "Work\n", WHEN)
    (agent.path / "README.md").write_text("# Later\n")
    refs.move_branch(git, branch, agent.commit, work)
    checkouts.take_into_tree(agent.repository, agent.path, branch, agent.commit, work)
    assert repo.git("status", "--porcelain", cwd=agent.path) == "M README.md"
    assert repo.git("diff", "--cached", "--name-only", cwd=agent.path) == ""
    assert (agent.path / "README.md").read_text() == "# Later\n"


def test_what_is_staged_in_a_tree_stays_staged(repo: Repo, agent: AgentTree) -> None:
    git, branch = agent.repository.git, agent.tree.branch or ""
    (agent.path / "README.md").write_text("# Work\n")
    work = merging.commit_tree(git, work_of(agent), [agent.commit], "Work\n", WHEN)
    (agent.path / "README.md").write_text("# Staged\n")
    repo.git("add", "README.md", cwd=agent.path)
    refs.move_branch(git, branch, agent.commit, work)
    checkouts.take_into_tree(agent.repository, agent.path, branch, agent.commit, work)
    assert repo.git("show", ":README.md", cwd=agent.path) == "# Staged"

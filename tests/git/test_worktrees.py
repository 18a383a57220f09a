"""Worktrees of agents: made, reused when untouched, and never taken away with work in them."""

from pathlib import Path

import pytest

from swarm import errors
from swarm.git import checkouts, worktrees
from swarm.git.repository import Repository, repository_at
from swarm.git.runner import GitError
from swarm.git.worktrees import Tree
from tests.conftest import Repo

BRANCH = "swarm/0123abcd/w1-code"


@pytest.fixture
def repository(repo: Repo) -> Repository:
    return repository_at(repo.root)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Place of a tree with a very odd name."""
    return tmp_path / "trees of\nan 'agent'" / "w1-code"


def make(repository: Repository, tree: Tree) -> Tree | None:
    made = worktrees.add(repository.git, tree, repository.head)
    if made is not None:
        worktrees.fill(tree)
    return made


def branches(repo: Repo) -> set[str]:
    return set(repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split())


def listed(repo: Repo) -> int:
    return repo.git("worktree", "list", "--porcelain").count("worktree ")


@pytest.mark.parametrize("branch", [BRANCH, None])
def test_a_tree_holds_the_commit_and_is_clean(
    repo: Repo, repository: Repository, place: Path, branch: str | None
) -> None:
    tree = Tree(place, branch)
    assert make(repository, tree) == tree
    assert (place / "src/app.py").read_bytes() == (repo.root / "src/app.py").read_bytes()
    assert repo.git("rev-parse", "HEAD", cwd=place) == repo.head
    assert repo.git("status", "--porcelain", cwd=place) == ""
    assert branches(repo) == ({"main", BRANCH} if branch else {"main"})


def test_a_tree_on_a_branch_tracks_nothing(repo: Repo, repository: Repository, place: Path) -> None:
    repo.git("config", "branch.autoSetupMerge", "always")
    make(repository, Tree(place, BRANCH))
    assert "swarm" not in (repo.root / ".git" / "config").read_text()


def test_a_tree_that_is_as_new_is_reused(repo: Repo, repository: Repository, place: Path) -> None:
    make(repository, Tree(place, BRANCH))
    (place / "src/__pycache__").mkdir()
    assert make(repository, Tree(place, BRANCH)) is None
    assert listed(repo) == 2


def test_a_branch_that_was_left_at_the_commit_is_taken_and_not_called_new(
    repo: Repo, repository: Repository, place: Path
) -> None:
    repo.git("branch", BRANCH)
    assert make(repository, Tree(place, BRANCH)) == Tree(place, None)
    assert repo.git("symbolic-ref", "--short", "HEAD", cwd=place) == BRANCH


def test_a_branch_that_holds_other_work_is_never_moved(repo: Repo, repository: Repository, place: Path) -> None:
    repo.git("checkout", "-q", "-b", BRANCH)
    work = repo.commit({"work.txt": "work\n"})
    repo.git("checkout", "-q", "main")
    with pytest.raises(GitError) as caught:
        make(repository, Tree(place, BRANCH))
    assert caught.value.stderr == f"branch {BRANCH} holds other work ({work[:12]})"
    assert repo.git("rev-parse", BRANCH) == work
    assert not place.exists()


def spoil_edit(repo: Repo, place: Path) -> None:
    (place / "README.md").write_text("work\n")


def spoil_new(repo: Repo, place: Path) -> None:
    (place / "new.txt").write_text("work\n")


def spoil_commit(repo: Repo, place: Path) -> None:
    repo.git("commit", "-q", "--allow-empty", "-m", "work", cwd=place)


def spoil_staged(repo: Repo, place: Path) -> None:
    (place / "README.md").write_text("work\n")
    repo.git("add", "-A", cwd=place)


def spoil_detached(repo: Repo, place: Path) -> None:
    repo.git("checkout", "-q", "--detach", cwd=place)
    repo.git("commit", "-q", "--allow-empty", "-m", "work", cwd=place)


def spoil_branch(repo: Repo, place: Path) -> None:
    repo.git("checkout", "-q", "-b", "elsewhere", cwd=place)


def spoil_assumed(repo: Repo, place: Path) -> None:
    repo.git("update-index", "--assume-unchanged", "README.md", cwd=place)
    (place / "README.md").write_text("work\n")


def spoil_skipped(repo: Repo, place: Path) -> None:
    repo.git("update-index", "--skip-worktree", "README.md", cwd=place)
    (place / "README.md").write_text("work\n")


def spoil_replaced(repo: Repo, place: Path) -> None:
    (place / ".git").unlink()
    repo.git("init", "-q", cwd=place)
    (place / "README.md").write_text("work\n")
    repo.git("add", "-A", cwd=place)
    repo.git("commit", "-qm", "work", cwd=place)


SPOILED = [
    spoil_edit,
    spoil_new,
    spoil_commit,
    spoil_staged,
    spoil_detached,
    spoil_branch,
    spoil_assumed,
    spoil_skipped,
    spoil_replaced,
]


def everything_in(folder: Path) -> dict[str, bytes]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and ".git" not in file.parts]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.mark.parametrize("spoil", SPOILED)
def test_a_tree_that_holds_work_is_neither_reused_nor_removed(
    repo: Repo, repository: Repository, place: Path, spoil: object
) -> None:
    tree = Tree(place, BRANCH)
    make(repository, tree)
    spoil(repo, place)  # type: ignore[operator]
    before, tips = everything_in(place), repo.git("for-each-ref")
    with pytest.raises(GitError):
        make(repository, tree)
    assert not worktrees.remove(repository.git, tree, repository.head)
    assert (everything_in(place), repo.git("for-each-ref")) == (before, tips)


@pytest.mark.parametrize("branch", [BRANCH, None])
def test_a_tree_that_holds_nothing_goes_with_its_branch_and_its_caches(
    repo: Repo, place: Path, branch: str | None
) -> None:
    repo.commit({".gitignore": "*.cache\n"})
    repository = repository_at(repo.root)
    tree = Tree(place, branch)
    make(repository, tree)
    (place / "x.cache").write_text("cache")
    assert worktrees.remove(repository.git, tree, repository.head)
    assert (place.exists(), branches(repo), listed(repo)) == (False, {"main"}, 1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda place: (place / "src/app.py").write_text("edited\n"),
        lambda place: (place / "new.py").write_text("new\n"),
    ],
    ids=["an edit", "a new file"],
)
def test_a_compared_tree_is_removed_unless_it_was_edited_since(
    repo: Repo, repository: Repository, place: Path, spoil: object
) -> None:
    tree = Tree(place, None)
    make(repository, tree)
    spoil(place)  # type: ignore[operator]
    before = everything_in(place)
    assert not worktrees.remove_compared(repository.git, tree, repository.head)
    assert everything_in(place) == before
    repo.git("reset", "--hard", "-q", cwd=place)
    repo.git("clean", "-fdq", cwd=place)
    repo.git("commit", "-q", "--allow-empty", "-m", "work", cwd=place)
    assert not worktrees.remove_compared(repository.git, tree, repository.head)
    repo.git("reset", "-q", "--hard", repository.head, cwd=place)
    assert worktrees.remove_compared(repository.git, tree, repository.head)
    assert not place.exists()


def test_a_tree_that_is_not_there_is_not_removed(repository: Repository, place: Path) -> None:
    assert not worktrees.remove(repository.git, Tree(place, BRANCH), repository.head)


def test_a_folder_in_the_way_is_left_as_it_is(repo: Repo, repository: Repository, place: Path) -> None:
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine\n")
    with pytest.raises(GitError):
        make(repository, Tree(place, BRANCH))
    assert everything_in(place) == {"mine.txt": b"mine\n"}
    assert (branches(repo), listed(repo)) == ({"main"}, 1)


def test_what_an_unfinished_call_made_is_taken_back(repo: Repo, repository: Repository, place: Path) -> None:
    tree = Tree(place, BRANCH)
    make(repository, tree)
    worktrees.discard_unfinished(repository.git, tree, repository.head)
    assert (place.exists(), branches(repo), listed(repo)) == (False, {"main"}, 1)


def test_taking_back_leaves_a_branch_that_has_moved_on(repo: Repo, repository: Repository, place: Path) -> None:
    tree = Tree(place, BRANCH)
    make(repository, tree)
    spoil_commit(repo, place)
    worktrees.discard_unfinished(repository.git, tree, repository.head)
    assert branches(repo) == {"main", BRANCH}


def test_a_submodule_s_folder_that_holds_something_is_work(repo: Repo, place: Path, tmp_path: Path) -> None:
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head},sub")
    repo.git("commit", "-q", "-m", "a submodule")
    repository = repository_at(repo.root)
    tree = Tree(place, BRANCH)
    make(repository, tree)
    (place / "sub" / "work.txt").write_text("work\n")
    assert not worktrees.remove(repository.git, tree, repository.head)
    assert (place / "sub" / "work.txt").read_text() == "work\n"


def test_a_tree_s_own_folder_in_git_is_where_its_git_file_says(repository: Repository, place: Path) -> None:
    make(repository, Tree(place, BRANCH))
    assert worktrees.admin_dir(place) == repository.common_dir / "worktrees" / "w1-code"


def test_a_tree_whose_index_says_that_it_is_clean_is_not_removed(repo: Repo, tmp_path: Path) -> None:
    repository = repository_at(repo.root)
    tree = Tree(tmp_path / "trees" / "w1-code", BRANCH)
    worktrees.add(repository.git, tree, repository.head)
    worktrees.fill(tree)
    file = tree.path / "src/tool.py"
    before = file.stat()
    file.write_text("#" * (before.st_size - 1) + "\n")
    index = worktrees.admin_dir(tree.path) / "index"
    repo.git("update-index", "--assume-unchanged", "src/tool.py", cwd=tree.path)
    assert not worktrees.remove(repository.git, tree, repository.head, index)
    assert file.read_text().startswith("###")


def test_a_user_s_worktree_in_which_git_writes_elsewhere_is_not_brought_forward(
    repo: Repo, repository: Repository, tmp_path: Path
) -> None:
    linked, old = tmp_path / "linked", repo.head
    repo.git("worktree", "add", "-q", "-b", "side", str(linked))
    new = repo.commit({"src/app.py": "x = 1\n"})
    repo.git("config", "core.worktree", str(repo.root))
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("reset", "-q", "--hard", old)
    with pytest.raises(errors.WorkTreeElsewhere):
        checkouts.forward_checkout(linked, "side", old, new)
    assert repo.git("status", "--porcelain") == ""
    assert repo.git("rev-parse", "side") == old

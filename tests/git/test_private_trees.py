"""Worktrees of a worker's repositories: made, seen as untouched or not, and removed, all by few calls of git."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from swarm.git import private_trees
from swarm.git.agent_work import work_of
from swarm.git.apart import Apart
from swarm.git.private_trees import Part
from swarm.git.repository import Repository, files_at, repository_at
from swarm.git.worktrees import Tree
from tests.conftest import Repo

BRANCH = "swarm/0123abcd/w1-code-0123abcd-1"
APART = Apart(frozenset({"made.txt"}), answers=True)


class Made(NamedTuple):
    """A worktree with its files, and git in it as its agent would call it."""

    repo: Repo
    repository: Repository
    tree: Tree
    admin: Path
    kept_index: Path
    part: Part | None = None

    def git(self, *words: str) -> str:
        return self.repo.git(*words, cwd=self.tree.path)

    @property
    def is_untouched(self) -> bool:
        common, head = self.repository.common_dir, self.repository.head
        return private_trees.is_untouched(common, self.tree, self.admin, self.kept_index, head, APART, self.part)


@pytest.fixture
def made(repo: Repo, tmp_path: Path) -> Made:
    repository, tree = repository_at(repo.root), Tree(tmp_path / "tree", BRANCH)
    admin = private_trees.add(repository.git, tree, repository.head)
    private_trees.fill(tree, admin, tmp_path / "kept.index")
    return Made(repo, repository, tree, admin, tmp_path / "kept.index")


def _edit_in_the_same_moment(made: Made) -> None:
    """Change a file to content of the same size, with its old time of modification."""
    file = made.tree.path / "src/app.py"
    before = file.stat()
    body = file.read_bytes()
    file.write_bytes(bytes([body[0] ^ 1]) + body[1:])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _edit_and_stage(made: Made, then: str) -> None:
    """Stage an edit, and undo it in the file alone, or commit it and undo that as well."""
    (made.tree.path / "src/app.py").write_text("edited\n")
    made.git("commit", "-qam", "edit") if then == "commit" else made.git("add", "src/app.py")
    made.git("checkout", "-q", made.repository.head, "--", "src/app.py") if then == "commit" else None
    (made.tree.path / "src/app.py").write_bytes((made.repo.root / "src/app.py").read_bytes())


def _write(made: Made, path: str, body: str = "x\n") -> None:
    file = made.tree.path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(body)


TOUCHED: dict[str, Callable[[Made], object]] = {
    "edited": lambda made: _write(made, "src/app.py"),
    "edited in the same moment": _edit_in_the_same_moment,
    "new": lambda made: _write(made, "src/new.py"),
    "removed": lambda made: (made.tree.path / "src/app.py").unlink(),
    "made a program": lambda made: (made.tree.path / "src/app.py").chmod(0o755),
    "staged and undone": lambda made: _edit_and_stage(made, "stage"),
    "committed and undone": lambda made: _edit_and_stage(made, "commit"),
    "hidden by a flag": lambda made: (
        made.git("update-index", "--assume-unchanged", "src/app.py"),
        _write(made, "src/app.py"),
    ),
    "hidden by an ignore file": lambda made: (_write(made, ".gitignore", "*\n"), _write(made, "src/new.py")),
    "a repository": lambda made: made.git("init", "-q", "nested"),
    "a pipe": lambda made: os.mkfifo(made.tree.path / ".gitattributes"),
    "a branch of its own": lambda made: made.git("checkout", "-qb", "other"),
}


# As in every worktree: what an ignore file hides, itself included, and a branch of the agent's own are no work.
UNTOUCHED = {"hidden by an ignore file", "a branch of its own"}


@pytest.mark.parametrize("how", TOUCHED)
def test_a_tree_counts_as_untouched_where_a_full_comparison_finds_no_work(made: Made, how: str) -> None:
    assert made.is_untouched
    TOUCHED[how](made)
    work = work_of(
        made.repository.common_dir, made.tree.path, made.repository.head, made.kept_index, BRANCH, apart=APART
    )
    # A tree that is compared in full has no work either where it counts as untouched.
    assert made.is_untouched == (how in UNTOUCHED)
    assert not (made.is_untouched and (work.touched or work.untakable))


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_apart_or_ignored_is_no_touch_and_a_tree_is_removed_with_its_branch(
    made: Made, *, packed: bool
) -> None:
    for path in ("made.txt", ".swarm/output.json", ".swarm/notes/more.txt"):
        _write(made, path)
    exclude = made.repository.common_dir / "info/exclude"
    exclude.write_text("*.pyc\n")
    _write(made, "src/app.pyc")
    (made.tree.path / "src/app.py").touch()
    assert made.is_untouched
    # The branch goes with whatever the agent has committed: its work was taken before.
    made.git("commit", "-q", "--allow-empty", "-m", "more")
    if packed:
        made.git("pack-refs", "--all")
    private_trees.remove(made.repository.git, made.tree, made.admin)
    assert made.repo.git("for-each-ref", "--format=%(refname)", "refs/heads").split() == ["refs/heads/main"]
    assert made.repo.git("worktree", "list", "--porcelain").count("worktree ") == 1
    assert [file for file in (made.repository.common_dir / "logs/refs/heads").rglob("*") if file.is_file()] == [
        made.repository.common_dir / "logs/refs/heads/main"
    ]


def test_the_folder_of_a_submodule_is_never_taken_for_untouched(repo: Repo, tmp_path: Path) -> None:
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head},lib/sub")
    repo.git("commit", "-qm", "a submodule")
    repository, tree = repository_at(repo.root), Tree(tmp_path / "tree", BRANCH)
    admin = private_trees.add(repository.git, tree, repository.head)
    private_trees.fill(tree, admin, tmp_path / "kept.index")
    assert not Made(repo, repository, tree, admin, tmp_path / "kept.index").is_untouched


@pytest.mark.parametrize("path", ["src/app.py", "web/index.html", "README.md", "web", "src/new.py"])
def test_a_sparse_tree_is_touched_by_what_lies_in_the_place_of_a_file_that_was_left_out(
    repo: Repo, tmp_path: Path, path: str
) -> None:
    repository = repository_at(repo.root)
    tree = Tree(tmp_path / "tree", BRANCH, ("src/app.py",))
    admin = private_trees.add(repository.git, tree, repository.head)
    paths = [file.path for file in files_at(repository.git, repository.head)]
    whole = private_trees.whole_index(repository.git, repository.head, tmp_path / "whole.index")
    part = Part(whole, [each for each in paths if each != "src/app.py"])
    private_trees.fill(tree, admin, tmp_path / "kept.index", part)
    made = Made(repo, repository, tree, admin, tmp_path / "kept.index", part)
    assert made.git("ls-files", "-v").splitlines() == [
        f"{'H' if each == 'src/app.py' else 'S'} {each}" for each in sorted(paths)
    ]
    assert made.is_untouched
    _write(made, path)
    assert not made.is_untouched


def test_git_takes_a_worktree_for_its_own(made: Made) -> None:
    listed = made.repo.git("worktree", "list", "--porcelain")
    assert f"worktree {made.tree.path}\nHEAD {made.repository.head}\nbranch refs/heads/{BRANCH}" in listed
    assert made.repo.git("worktree", "prune", "--dry-run", "--verbose", "--expire=now") == ""
    made.git("worktree", "move", str(made.tree.path), str(made.tree.path.with_name("elsewhere")))
    assert made.repo.git("worktree", "list").count(f"[{BRANCH}]") == 1

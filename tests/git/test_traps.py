"""Pipes at which git would wait, in a tree and nowhere else."""

import os
from pathlib import Path

import pytest

from swarm.git.blocking_files import traps
from swarm.git.repository import repository_at
from tests.conftest import Repo
from tests.git.conftest import make_tree


def found(repo: Repo) -> tuple[str, ...]:
    return traps(repo.root, repository_at(repo.root).common_dir)


def test_files_links_and_folders_of_these_names_are_none(repo: Repo, tmp_path: Path) -> None:
    repo.write({".gitignore": "*.pyc\n", "src/.gitattributes/x": "x"})
    os.mkfifo(tmp_path / "pipe")
    (repo.root / ".gitmodules").symlink_to(tmp_path / "pipe")
    os.mkfifo(repo.root / "pipe")
    assert found(repo) == ()


def test_pipes_are_told_wherever_git_would_read_them(repo: Repo) -> None:
    (repo.root / "a b").mkdir()
    for name in ("src/.gitignore", "a b/.gitattributes", ".gitmodules"):
        os.mkfifo(repo.root / name)
    assert found(repo) == (".gitmodules", "a b/.gitattributes", "src/.gitignore")


def test_the_worktrees_in_a_checkout_are_passed_by(repo: Repo) -> None:
    agent = make_tree(repo, repo.root / "swarms" / "w1-code")
    os.mkfifo(agent.path / ".gitignore")
    assert found(repo) == ()
    assert traps(agent.path, agent.repository.common_dir) == (".gitignore",)


@pytest.mark.parametrize("pointer", ["", "nonsense", "gitdir: /tmp", "gitdir: {common}/worktrees/none"])
def test_what_only_looks_like_a_worktree_is_looked_into(repo: Repo, pointer: str) -> None:
    common = repository_at(repo.root).common_dir
    repo.write({"sub/.git": pointer.format(common=common)})
    os.mkfifo(repo.root / "sub/.gitignore")
    assert found(repo) == ("sub/.gitignore",)

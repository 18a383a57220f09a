"""Fixtures: an agent's worktree of the repository, as dispatch makes it."""

from pathlib import Path
from typing import NamedTuple

import pytest

from swarm.git import worktrees
from swarm.git.agent_work import Touched, touched_files
from swarm.git.repository import Repository, repository_at
from swarm.git.worktrees import Tree
from tests.conftest import Repo


class AgentTree(NamedTuple):
    """A worktree on a branch, the commit it began at, and the index that was kept."""

    repository: Repository
    tree: Tree
    commit: str
    kept_index: Path

    @property
    def path(self) -> Path:
        return self.tree.path

    def touched(self) -> dict[str, str]:
        seen: list[Touched] = touched_files(
            self.repository.common_dir, self.path, self.commit, self.kept_index, self.tree.branch
        )
        assert seen == sorted(seen)
        return dict(seen)


def make_tree(repo: Repo, path: Path, branch: str = "swarm/0123abcd/w1-code") -> AgentTree:
    repository = repository_at(repo.root)
    tree = Tree(path, branch)
    worktrees.add(repository.git, tree, repository.head)
    worktrees.fill(tree)
    kept = path.with_name(path.name + ".index")
    worktrees.keep_index(worktrees.admin_dir(path), kept)
    return AgentTree(repository, tree, repository.head, kept)


@pytest.fixture
def agent(repo: Repo, tmp_path: Path) -> AgentTree:
    """An agent's worktree of a small repository, not yet touched."""
    return make_tree(repo, tmp_path / "trees" / "w1-code")

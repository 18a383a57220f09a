"""Worktree of an agent between two attempts: its work saved as a patch and a ref, then brought back to the commit."""

import shutil
from pathlib import Path
from typing import NamedTuple

from swarm import clock, errors
from swarm.git import history, refs, salvage, worktree_list
from swarm.git.diff import patch
from swarm.git.repository import Repository
from swarm.git.runner import GitError
from swarm.git.salvage import Comparison, Unsavable
from swarm.store.agent_runs import AgentRun
from swarm.store.waves import Wave
from swarm.waves.trees import kept_index
from swarm.waves.trees.git_folder import changed_common


class Left(NamedTuple):
    """Work that an attempt left in its tree: a tree object, and its difference from the wave's commit."""

    comparison: Comparison
    tree: str
    patch: bytes


def patch_of(repository: Repository, wave: Wave, tree: str) -> bytes:
    """Return the difference of a tree object from the wave's commit."""
    return patch(repository.git, wave.dispatch_sha, tree)


def left_in(repository: Repository, wave: Wave, agent: AgentRun, folder: Path) -> Left | None:
    """Return the work in an agent's own tree, `None` where there is no such tree or git cannot take all of its work.

    `folder` is the wave's, where the indexes of its trees are kept.
    """
    if (tree := kept_index.worktree_of(agent)) is None:
        return None
    try:
        # A changed git folder could make git run a program of the agent's, and a commit is work beside the files.
        tips = {refs.tip_of(repository.git, agent.worktree_branch)} if agent.worktree_branch else set()
        if changed_common(wave, repository) or tips - {None, wave.dispatch_sha}:
            return None
        index = kept_index.trusted_index(wave, folder, tree)
        apart = kept_index.apart_from(wave, tree)
        comparison = Comparison(repository.common_dir, tree, wave.dispatch_sha, index, wave.dispatch_sha, apart)
        if salvage.dirt_of(comparison).untakable:
            return None
        made = salvage.tree_with_dirt(comparison)
        return Left(comparison, made, patch_of(repository, wave, made))
    except (errors.SwarmError, GitError, OSError, Unsavable):
        return None


def make_fresh(repository: Repository, wave: Wave, left: Left, name: str) -> str | None:
    """Save what an attempt left below `refs/swarm/salvage/`, and bring its tree back to the commit; return the ref.

    `None` where it left nothing. Raises GitError and OSError.
    """
    git, commit = repository.git, wave.dispatch_sha
    ref = None
    if left.tree != history.tree_of(git, commit):
        message = f"Work of {name}, saved before another attempt\n\nSwarm-Run: {wave.run_id}\n"
        ref = salvage.keep(git, wave.run_id, name, left.tree, [commit], message, clock.now())
        salvage.put_back(left.comparison)
    admin = worktree_list.admin_of(repository.common_dir, left.comparison.tree)
    # What the attempt staged would count as work of the next.
    if admin is not None and left.comparison.kept_index is not None:
        shutil.copy2(left.comparison.kept_index, admin / "index")
    return ref

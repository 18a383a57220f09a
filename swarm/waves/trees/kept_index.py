"""Copies of the indexes of agents' worktrees, kept at dispatch and trusted at collect."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from swarm.files import make_folder
from swarm.git import agent_work, worktrees
from swarm.git.agent_work import Touched, Work
from swarm.git.apart import NOTHING_APART, Apart, apart_in
from swarm.git.blocking_files import Blocking
from swarm.git.repository import Repository
from swarm.git.worktrees import Tree
from swarm.store.agent_runs import AgentRun
from swarm.store.waves import Wave

_FOLDER: Final = "trees"


def keep_indexes(trees: Sequence[Tree], folder: Path) -> None:
    """Copy each new tree's index into a wave's folder, for the comparison by `collect`."""
    make_folder(folder / _FOLDER)
    for tree in trees:
        worktrees.keep_index(worktrees.admin_dir(tree.path), kept_index(folder, tree.path))


def kept_digests(trees: Sequence[Tree], folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each kept index, by the name of its tree."""
    return {tree.path.name: index_digest(kept_index(folder, tree.path)) for tree in trees}


def index_digest(index: Path) -> str:
    """Return the SHA-256 of a kept index, `""` for a missing file."""
    try:
        return hashlib.sha256(index.read_bytes()).hexdigest()
    except OSError:
        return ""


def kept_index(folder: Path, tree: Path) -> Path:
    """Return the place in a wave's folder where the index of a tree is kept."""
    return folder / _FOLDER / f"{tree.name}.index"


def worktree_of(agent: AgentRun) -> Path | None:
    """Return the worktree that an agent was given, `None` without one and where it is gone or was replaced."""
    if agent.worktree_path is None:
        return None
    tree = Path(agent.worktree_path)
    return tree if tree.is_dir() and not tree.is_symlink() else None


def touched_in(
    repository: Repository,
    tree: Path,
    wave: Wave,
    folder: Path,
    branch: str | None,
    blocking: Blocking | None = None,
) -> list[Touched]:
    """Return the files that differ between a tree and the wave's commit."""
    return agent_work.touched_files(
        repository.common_dir,
        tree,
        wave.dispatch_sha,
        trusted_index(wave, folder, tree),
        branch,
        view=repository.view,
        apart=apart_from(wave, tree),
        blocking=blocking,
    )


def work_in(repository: Repository, tree: Path, wave: Wave, folder: Path, branch: str | None) -> Work:
    """Return the work of an amend agent in its tree, as it is now."""
    return agent_work.work_of(
        repository.common_dir,
        tree,
        wave.dispatch_sha,
        trusted_index(wave, folder, tree),
        branch,
        objects=repository.objects,
        upstream=repository.head,
        view=repository.view,
        apart=apart_from(wave, tree),
    )


def apart_from(wave: Wave, tree: Path) -> Apart:
    """Return the files of a tree that swarm put there, as the database has them: an agent cannot add to them."""
    provided = wave.sentinel.provided.get(tree.name)
    if provided is None:
        return NOTHING_APART
    return apart_in(tree, provided.included, provided.made, answers=provided.answers)


def trusted_index(wave: Wave, folder: Path, tree: Path) -> Path | None:
    """Return the index that was kept of a tree at dispatch, `None` where the copy was changed."""
    kept = kept_index(folder, tree)
    # The digest lies in the database, which agents cannot write; the copy lies in a folder that they may reach.
    expected = wave.sentinel.indexes.get(tree.name)
    return kept if expected is None or index_digest(kept) == expected else None

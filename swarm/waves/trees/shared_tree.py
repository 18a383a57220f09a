"""Worktree that the analyzers of one wave share."""

from pathlib import Path

from swarm.git.repository import Repository
from swarm.git.worktrees import Tree
from swarm.store import waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.trees import kept_index, worktrees
from swarm.workspace import Workspace


def with_shared_tree(store: Store, workspace: Workspace, run: Run, wave: Wave, repository: Repository) -> Wave:
    """Give a wave a detached tree for its analyzers, also where its agents have trees of their own."""
    place = Path(wave.shared_tree) if wave.shared_tree else workspace.tree(run.id, wave.number, None)
    tree = Tree(place, None)
    if not place.exists():
        with worktrees.worktree_lock(repository, "launch"):
            worktrees.make_tree(repository.git, tree, wave.dispatch_sha)
            # Before the first analyzer runs: `collect` compares the tree with this copy.
            kept_index.keep_indexes([tree], workspace.wave_folder(run.id, wave.number))
            # Under the lock: a command that finds the tree in no row would take it for an orphan.
            if wave.shared_tree is None:
                _record_shared_tree(store, wave, place)
    elif wave.shared_tree is None:
        _record_shared_tree(store, wave, place)
    return wave._replace(shared_tree=str(place))


def _record_shared_tree(store: Store, wave: Wave, place: Path) -> None:
    with store.mutation() as conn:
        waves.record_shared_tree(conn, wave.id, str(place))

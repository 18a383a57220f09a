"""Worktrees and branches that a run has left, and the refs and worktrees that surround them."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm.files import is_in_place
from swarm.git import refs, worktree_list
from swarm.git.apart import NOTHING_APART, Apart
from swarm.git.repository import Repository
from swarm.git.worktree_list import Placement
from swarm.rules.ref_names import (
    HEADS,
    REMOTES,
    SNAPSHOTS,
    branches_of,
    head_ref,
    integration_branch,
    own_commits_refs,
    salvage_refs,
    tag_ref,
    tree_branch,
)
from swarm.rules.states import WaveStatus
from swarm.store import agent_runs, waves
from swarm.store.merges import merges_of
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.clean import intents
from swarm.waves.trees import kept_index as kept_index_case
from swarm.waves.trees import scratch_tree
from swarm.workspace import Workspace, name_before_removal, wave_of_tree

INTEGRATION: Final = "integration"


class Remnant(NamedTuple):
    """A worktree and its branch; either may be missing. `base` is the commit that the worktree was made at, if known.

    `recorded` is the place that the database names; `merged` are the branches that took the agent's work. What is
    `apart` in the worktree is nobody's work.
    """

    name: str
    wave: int | None
    path: Path
    branch: str | None
    base: str | None = None
    kept_index: Path | None = None
    merged: tuple[str, ...] = ()
    recorded: str | None = None
    apart: Apart = NOTHING_APART


class Ground(NamedTuple):
    """Facts to judge remnants by: refs that hold commits, and git's record of worktrees.

    `holders` are the refs that stay, `tips` the branches. `begun` are the names that a clean of this run has begun to
    remove. Places are real paths, as git records them: the workspace may be named through a link.
    """

    repository: Repository
    run: Run
    folder: Path
    holders: Mapping[str, str]
    placed: Sequence[Placement]
    tips: Mapping[str, str]
    begun: frozenset[str]

    def is_empty(self, path: Path, branch: str | None) -> bool:
        """Say whether no folder, no worktree of git's record and no branch is left of a tree."""
        is_there = path.exists() or path.is_symlink()
        return not is_there and self.at(path) is None and (branch is None or branch not in self.tips)

    def at(self, path: Path) -> Placement | None:
        """Return the worktree that git has recorded at a place."""
        return next((tree for tree in self.placed if tree.path == path), None)

    def keeping_all_but(self, branch: str | None) -> "Ground":
        """Return the ground of a removal that spares every ref but a branch: all other refs then hold commits."""
        # A single removal: every other branch of the run stays, and so holds its commits.
        holders = {head_ref(name): sha for name, sha in self.tips.items()} | dict(self.holders)
        if branch is not None:
            holders.pop(head_ref(branch), None)
        return self._replace(holders=holders)

    def is_debris(self, place: Path) -> bool:
        """Say whether a clean that died had renamed a folder; without the ledger's record it may hold anything."""
        # The name alone is no proof, because an agent can give a folder any name.
        return place.is_dir() and not place.is_symlink() and name_before_removal(place.name) in self.begun


def tree_folder(workspace: Workspace, run: Run) -> Path:
    """Return the folder of a run's worktrees by its real path; a link in its own place is not followed."""
    return worktree_list.real_place(workspace.trees_folder(run.id))


def ground(conn: sqlite3.Connection, repository: Repository, workspace: Workspace, run: Run) -> Ground:
    """Read the refs and worktrees of a repository.

    The run's own branches, which all may be removed, hold nothing for each other; its integration branch does.
    """
    git = repository.git
    own, integration = head_ref(branches_of(run.hex)), head_ref(integration_branch(run.hex))
    found = refs.refs_below(git, HEADS, REMOTES, tag_ref(run.save_point_tag))
    # A tree of a wave of uncommitted files starts from a snapshot, whose ref stays.
    found |= refs.refs_below(git, salvage_refs(run.id), own_commits_refs(run.id), SNAPSHOTS)
    holders = {name: sha for name, sha in found.items() if name == integration or not name.startswith(own)}
    tips = {name.removeprefix(HEADS): sha for name, sha in found.items() if name.startswith(HEADS)}
    placed = [tree._replace(path=worktree_list.real_place(tree.path)) for tree in worktree_list.placements(git)]
    return Ground(
        repository=repository,
        run=run,
        folder=tree_folder(workspace, run),
        holders=holders,
        placed=placed,
        tips=tips,
        begun=intents.begun(conn, run.id),
    )


def in_flight(conn: sqlite3.Connection, run: Run) -> tuple[int, ...]:
    """Return the numbers of the waves in flight, whose trees are never removed."""
    return tuple(wave.number for wave in waves.all_of(conn, run.id) if wave.status is WaveStatus.DISPATCHED)


def given_since(conn: sqlite3.Connection, run: Run, seq: int) -> dict[str, int]:
    """Return the branches, and the names of the trees, that agents were given since an event, each with its wave."""
    given: dict[str, int] = {}
    for agent in agent_runs.given_since(conn, run.id, seq):
        given |= dict.fromkeys([Path(agent.path).name, *([agent.branch] if agent.branch else [])], agent.wave)
    return given


def remnants(conn: sqlite3.Connection, workspace: Workspace, here: Ground) -> list[Remnant]:
    """Return every worktree and branch of a run that belongs to no wave in flight, by name."""
    run, folder = here.run, here.folder
    found: dict[str, Remnant] = {}
    kept: set[str] = set()
    # Waves in flight are left out by name, so that a stray of the same name is left out too.
    for wave in waves.all_of(conn, run.id):
        if wave.status is WaveStatus.DISPATCHED:
            kept |= _names_of(conn, workspace, run, wave)
        else:
            found |= {remnant.name: remnant for remnant in _of_wave(conn, workspace, here, wave)}
    # Trees and branches that no row names: a command died before its commit.
    for name in _stray_names(here):
        if name not in found and name not in kept and not scratch_tree.is_in_use(folder / name):
            branch = tree_branch(run.hex, name)
            known = branch if name != INTEGRATION and branch in here.tips else None
            found[name] = Remnant(name, wave_of_tree(name), folder / name, known)
    return [found[name] for name in sorted(found)]


def _names_of(conn: sqlite3.Connection, workspace: Workspace, run: Run, wave: Wave) -> set[str]:
    """Return the names of a wave's trees: those of its agents, past agents included, and the shared tree.

    A resume that died leaves further trees with the wave's number. They belong to no agent: whoever makes a tree holds
    the lock of worktrees until the agent is recorded.
    """
    # A launch makes the shared tree before recording it.
    names = {workspace.tree(run.id, wave.number, None).name, Path(wave.shared_tree or "").name}
    for agent in agent_runs.all_of(conn, wave.id):
        names |= {Path(agent.worktree_path or "").name, (agent.worktree_branch or "").rpartition("/")[2]}
    return names


def _of_wave(conn: sqlite3.Connection, workspace: Workspace, here: Ground, wave: Wave) -> Iterator[Remnant]:
    kept = workspace.wave_folder(here.run.id, wave.number)
    merges = merges_of(conn, wave.id)
    if wave.shared_tree is not None and not here.is_empty(_place(here, wave.shared_tree), None):
        yield _remnant(here, wave, kept, wave.shared_tree, None)
    for agent in agent_runs.all_of(conn, wave.id):
        if agent.worktree_path is None or agent.worktree_branch is None:
            continue
        # Reading and hashing a kept index is slow, and most waves have left nothing.
        if not here.is_empty(_place(here, agent.worktree_path), agent.worktree_branch):
            merged = tuple(merge.ref for merge in merges if agent.domain in merge.domains)
            yield _remnant(here, wave, kept, agent.worktree_path, agent.worktree_branch)._replace(merged=merged)


def _remnant(here: Ground, wave: Wave, kept: Path, recorded: str, branch: str | None) -> Remnant:
    path = _place(here, recorded)
    # `None` where the kept index was changed: the tree is then compared without an index.
    index = kept_index_case.trusted_index(wave, kept, path)
    return Remnant(
        name=path.name,
        wave=wave.number,
        path=path,
        branch=branch,
        base=wave.dispatch_sha,
        kept_index=index,
        recorded=recorded,
        apart=kept_index_case.apart_from(wave, path),
    )


def _place(here: Ground, recorded: str) -> Path:
    # By name in the present folder: the workspace may have been moved or be named through a link.
    return here.folder / Path(recorded).name


def _stray_names(here: Ground) -> Iterator[str]:
    if is_in_place(here.folder, here.folder.parent):
        yield from (place.name for place in here.folder.iterdir() if not here.is_debris(place))
    own = head_ref(branches_of(here.run.hex))
    for ref in refs.refs_below(here.repository.git, own):
        if ref != head_ref(integration_branch(here.run.hex)):
            yield ref.removeprefix(own)

"""What a run's waves have left in its folder and among its branches, and what would be lost with it."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm.files import is_in_place
from swarm.git import history, refs, salvage, worktree_list
from swarm.git.repository import Repository
from swarm.git.runner import GitError
from swarm.git.salvage import Dirt, Standing
from swarm.git.worktree_list import Placement
from swarm.rules.ref_names import (
    HEADS,
    REMOTES,
    branches_of,
    head_ref,
    integration_branch,
    salvage_refs,
    tag_ref,
    tree_branch,
)
from swarm.rules.states import WaveStatus
from swarm.store import agent_runs, waves
from swarm.store import merges as merges_table
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.clean import intents
from swarm.waves.trees import kept_index as kept_index_case
from swarm.waves.trees import scratch_tree
from swarm.workspace import SCRATCH, Workspace, name_before_removal, removal_place, wave_of_tree

AT_RISK: Final = "at_risk"
INTEGRATION: Final = "integration"
ABANDONED: Final = "abandoned"
_MOST_NAMED: Final = 3


class Remnant(NamedTuple):
    """A worktree and its branch, one of which may be gone. `base` is the commit that it was made at, where known."""

    name: str
    wave: int | None
    path: Path
    branch: str | None
    base: str | None = None
    kept_index: Path | None = None
    merged: tuple[str, ...] = ()
    recorded: str | None = None


class Judged(NamedTuple):
    """What is known of a remnant now. `savable` says whether all of it can be kept as a commit and then removed."""

    remnant: Remnant
    state: str
    why: tuple[str, ...] = ()
    tip: str | None = None
    head: str | None = None
    is_there: bool = False
    dirt: Dirt = Dirt()
    staged: bool = False
    savable: bool = True


class Ground(NamedTuple):
    """What remnants are judged against: other branches that hold commits, and where git says that worktrees are.

    `begun` are the names of what a clean of this run has judged and begun to remove. Places are real ones: git writes
    them down so, whichever way the workspace is named.
    """

    repository: Repository
    run: Run
    folder: Path
    holders: Mapping[str, str]
    placed: Sequence[Placement]
    tips: Mapping[str, str]
    begun: frozenset[str]

    def is_empty(self, path: Path, branch: str | None) -> bool:
        """Say whether nothing is left at a place: no folder, no worktree that git knows, no branch."""
        is_there = path.exists() or path.is_symlink()
        return not is_there and self.at(path) is None and (branch is None or branch not in self.tips)

    def at(self, path: Path) -> Placement | None:
        """Return the worktree that git has written down at a place."""
        return next((one for one in self.placed if one.path == path), None)

    def is_debris(self, place: Path) -> bool:
        """Say whether a folder is what a clean that died was removing; one that another made may hold anything."""
        return place.is_dir() and not place.is_symlink() and name_before_removal(place.name) in self.begun


def tree_folder(workspace: Workspace, run: Run) -> Path:
    """Return the folder of a run's worktrees, by its real path; no link that stands in its own place is followed."""
    return worktree_list.real_place(workspace.trees_folder(run.id))


def ground(conn: sqlite3.Connection, repository: Repository, workspace: Workspace, run: Run) -> Ground:
    """Look at branches and worktrees; the run's own branches hold nothing for each other, its integration does."""
    git = repository.git
    own, integration = head_ref(branches_of(run.hex)), head_ref(integration_branch(run.hex))
    found = refs.refs_below(git, HEADS, REMOTES, tag_ref(run.save_point_tag))
    found |= refs.refs_below(git, salvage_refs(run.id))
    holders = {name: sha for name, sha in found.items() if name == integration or not name.startswith(own)}
    tips = {name.removeprefix(HEADS): sha for name, sha in found.items() if name.startswith(HEADS)}
    placed = [one._replace(path=worktree_list.real_place(one.path)) for one in worktree_list.placements(git)]
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
    """Return the numbers of the waves that nobody may touch."""
    return tuple(wave.number for wave in waves.all_of(conn, run.id) if wave.status is WaveStatus.DISPATCHED)


def given_since(conn: sqlite3.Connection, run: Run, seq: int) -> dict[str, int]:
    """Return the branches, and the names of the trees, that agents were given since an event, each with its wave."""
    given: dict[str, int] = {}
    for one in agent_runs.given_since(conn, run.id, seq):
        given |= dict.fromkeys([Path(one.path).name, *([one.branch] if one.branch else [])], one.wave)
    return given


def contained_integration(here: Ground) -> Judged | None:
    """Return the run's integration branch where the target has all of it, and nobody has it checked out."""
    git, run, branch = here.repository.git, here.run, integration_branch(here.run.hex)
    tip = refs.tip_of(git, branch)
    target = refs.tip_of(git, run.branch) if run.branch else None
    if tip is None or target is None or not history.is_ancestor(git, tip, target):
        return None
    if any(one.branch == branch for one in here.placed):
        return None
    return Judged(Remnant(INTEGRATION, None, here.folder / INTEGRATION, branch), "contained", tip=tip)


def remnants(conn: sqlite3.Connection, workspace: Workspace, here: Ground) -> list[Remnant]:
    """Return every worktree and branch of a run that no wave in flight has, by name."""
    run, folder = here.run, here.folder
    found: dict[str, Remnant] = {}
    kept: set[str] = set()
    for wave in waves.all_of(conn, run.id):
        if wave.status is WaveStatus.DISPATCHED:
            kept |= _names_of(conn, workspace, run, wave)
        else:
            found |= {one.name: one for one in _of_wave(conn, workspace, here, wave)}
    for name in _stray_names(here):
        if name not in found and name not in kept and not scratch_tree.is_in_use(folder / name):
            branch = tree_branch(run.hex, name)
            known = branch if name != INTEGRATION and branch in here.tips else None
            found[name] = Remnant(name, wave_of_tree(name), folder / name, known)
    return [found[name] for name in sorted(found)]


def _names_of(conn: sqlite3.Connection, workspace: Workspace, run: Run, wave: Wave) -> set[str]:
    """Return the names of all that a wave has: the trees of its agents, past ones too, and the one that they share.

    A resume that died leaves others of its number. They are of no agent: who makes one holds our lock until it is
    written down whose it is.
    """
    # A launch makes the shared one before it is written down.
    names = {workspace.tree(run.id, wave.number, None).name, Path(wave.shared_tree or "").name}
    for agent in agent_runs.all_of(conn, wave.id):
        names |= {Path(agent.worktree_path or "").name, (agent.worktree_branch or "").rpartition("/")[2]}
    return names


def _of_wave(conn: sqlite3.Connection, workspace: Workspace, here: Ground, wave: Wave) -> Iterator[Remnant]:
    kept = workspace.wave_folder(here.run.id, wave.number)
    merges = merges_table.merges_of(conn, wave.id)
    if wave.shared_tree is not None and not here.is_empty(_place(here, wave.shared_tree), None):
        yield _remnant(here, wave, kept, wave.shared_tree, None)
    for agent in agent_runs.all_of(conn, wave.id):
        if agent.worktree_path is None or agent.worktree_branch is None:
            continue
        # Of most waves nothing is left, and their kept indexes need not be read.
        if not here.is_empty(_place(here, agent.worktree_path), agent.worktree_branch):
            merged = tuple(one.ref for one in merges if agent.domain in one.domains)
            yield _remnant(here, wave, kept, agent.worktree_path, agent.worktree_branch)._replace(merged=merged)


def _remnant(here: Ground, wave: Wave, kept: Path, recorded: str, branch: str | None) -> Remnant:
    path = _place(here, recorded)
    index = kept_index_case.trusted_index(wave, kept, path)
    return Remnant(path.name, wave.number, path, branch, wave.dispatch_sha, index, recorded=recorded)


def _place(here: Ground, recorded: str) -> Path:
    return here.folder / Path(recorded).name


def _stray_names(here: Ground) -> Iterator[str]:
    if is_in_place(here.folder, here.folder.parent):
        yield from (place.name for place in here.folder.iterdir() if not here.is_debris(place))
    own = head_ref(branches_of(here.run.hex))
    for ref in refs.refs_below(here.repository.git, own):
        if ref != head_ref(integration_branch(here.run.hex)):
            yield ref.removeprefix(own)


def judge(here: Ground, remnant: Remnant) -> Judged | None:
    """Say what a remnant is and what would be lost with it; `None` where nothing is left of it."""
    git, path = here.repository.git, remnant.path
    placed = here.at(path)
    tip = here.tips.get(remnant.branch) if remnant.branch else None
    is_there = path.exists() or path.is_symlink()
    if not is_there and placed is None and tip is None:
        return None
    head = placed.head if placed else None
    judged = Judged(remnant, "", tip=tip, head=head, is_there=is_there)
    if hindrance := _hindrance(here, remnant, placed, is_there=is_there):
        return judged._replace(state=AT_RISK, why=(hindrance,), savable=False)
    if remnant.name.startswith(SCRATCH):
        return judged._replace(state=ABANDONED)
    why = []
    if placed is not None and is_there and placed.branch != remnant.branch:
        told = f"branch {placed.branch}" if placed.branch else f"{(placed.head or 'nothing')[:12]}, detached"
        why.append(f"its HEAD was moved: it is at {told}")
    if is_there:
        judged, more = _look_into(here, judged)
        why += more
    loose = max((refs.alone(git, sha, [*here.holders.values()]) for sha in _commits(judged)), default=0)
    if loose:
        why.append(f"{loose} {'commit' if loose == 1 else 'commits'} that no other branch has")
    return judged._replace(state=AT_RISK if why else _state(here, judged), why=tuple(why))


def _commits(judged: Judged) -> list[str]:
    return sorted({sha for sha in (judged.tip, judged.head) if sha is not None})


def _hindrance(here: Ground, remnant: Remnant, placed: Placement | None, *, is_there: bool) -> str | None:
    """Return why a remnant cannot be removed, whatever is saved of it."""
    path = remnant.path
    if is_there and not is_in_place(path, here.folder.parent):
        return "a link stands in its place, or above it"
    if is_there and not path.is_dir():
        return "it is no folder"
    if placed is not None and placed.locked is not None:
        return "git has it locked" + (f": {placed.locked}" if placed.locked else "")
    if remnant.recorded is not None and _lies_outside(Path(remnant.recorded), path):
        return f"it lies outside of the run's folder: {remnant.recorded}"
    gone = removal_place(path)
    if is_there and os.path.lexists(gone) and not here.is_debris(gone):
        return f"{gone} is in the way"
    others = [one.path for one in here.placed if one.branch == remnant.branch is not None and one.path != path]
    if others:
        return f"its branch is checked out at {others[0]}"
    return None


def _lies_outside(recorded: Path, path: Path) -> bool:
    return recorded.exists() and worktree_list.real_place(recorded) != path


def _look_into(here: Ground, judged: Judged) -> tuple[Judged, list[str]]:
    """Look at the files of a worktree that is there, and at what is staged in it alone."""
    standing = standing_of(here, judged)
    if standing is None:
        return judged._replace(savable=False), ["nobody knows at which commit it was made"]
    admin = worktree_list.admin_of(here.repository.common_dir, judged.remnant.path)
    index = admin / "index" if admin else None
    try:
        dirt = salvage.dirt_of(standing)
    except GitError as error:
        return judged._replace(savable=False), [f"git cannot look into it: {error.stderr}"]
    if index is not None and not index.exists() and not (dirt.changed or dirt.new or dirt.untakable):
        # A dispatch that died had not checked its files out.
        dirt = dirt._replace(gone=())
    judged = judged._replace(dirt=dirt, savable=not dirt.untakable)
    why = []
    if edited := (*dirt.changed, *dirt.gone):
        why.append(f"{_counted(len(edited), 'uncommitted change')}: {_named(edited)}")
    if dirt.new:
        why.append(f"{_counted(len(dirt.new), 'untracked file')}: {_named(dirt.new)}")
    if dirt.untakable:
        why.append(f"git cannot keep {_named(dirt.untakable)}")
    try:
        # What git cannot take may be a pipe that it would wait for; and then nothing is removed, whatever is staged.
        staged = salvage.staged_alone(standing, index) if index is not None and not dirt.untakable else ()
    except GitError:
        return judged._replace(savable=False), [*why, "git cannot read its index"]
    if staged:
        why.append(f"staged and nowhere else: {_named(staged)}")
    return judged._replace(staged=bool(staged)), why


def standing_of(here: Ground, judged: Judged, commit: str | None = None) -> Standing | None:
    """Return how the files of a worktree are to be compared: with its branch's tip, or with a commit that is named."""
    remnant = judged.remnant
    base = remnant.base or judged.tip or judged.head
    if base is None:
        return None
    known = commit or judged.tip or base
    return Standing(here.repository.common_dir, remnant.path, base, remnant.kept_index, known)


def still_is(here: Ground, judged: Judged, commit: str) -> bool:
    """Say whether a remnant is as it was judged, and its files are those of a commit; asked right before it goes."""
    remnant = judged.remnant
    if remnant.branch and refs.tip_of(here.repository.git, remnant.branch) != judged.tip:
        return False
    standing = standing_of(here, judged, commit)
    if not judged.is_there or judged.state == ABANDONED or standing is None:
        return True
    dirt = salvage.dirt_of(standing)
    return dirt.is_none or (not judged.dirt.gone and dirt._replace(gone=()).is_none and commit == judged.tip)


def _state(here: Ground, judged: Judged) -> str:
    remnant = judged.remnant
    if not judged.is_there and judged.tip is None:
        return "folder_gone"
    if judged.tip in {None, remnant.base}:
        return "as_dispatched"
    targets = [here.holders.get(head_ref(ref)) for ref in remnant.merged]
    git = here.repository.git
    is_merged = any(sha is not None and history.is_ancestor(git, judged.tip or "", sha) for sha in targets)
    return "merged" if is_merged else "held_elsewhere"


def _counted(count: int, one: str) -> str:
    return f"{count} {one}{'' if count == 1 else 's'}"


def _named(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_MOST_NAMED]) + (", …" if len(paths) > _MOST_NAMED else "")

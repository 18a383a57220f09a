"""Refs under refs/swarm/work/: find those that no merge can need, and delete them.

A merge takes the judged work of an agent from its ref. The ref is useless once the wave is promoted, rewound or passed
over, and a commit that stays has the same tree.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from swarm import clock
from swarm.git import history, salvage
from swarm.git import refs as refs_of_git
from swarm.git.repository import holds_commit
from swarm.git.runner import Git
from swarm.results.clean import Leftover
from swarm.rules.ref_names import SNAPSHOTS, salvage_ref, work_refs
from swarm.rules.states import WaveStatus
from swarm.store import waves
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.clean.judgement import Judged
from swarm.waves.clean.remnants import Ground
from swarm.workspace import wave_of_tree

_OVER: Final = (WaveStatus.ADVANCED, WaveStatus.ABORTED_FOR_REWIND)


class KeptWork(NamedTuple):
    """Judged work of an agent: ref, tree, wave and its commit; `is_held` says that a commit that stays has the tree.

    Of a snapshot of uncommitted files, `base` is its commit.
    """

    name: str
    ref: str
    tree: str
    wave: int
    base: str
    is_held: bool

    @property
    def is_snapshot(self) -> bool:
        """Whether the ref keeps uncommitted files of the user."""
        return self.ref.startswith(SNAPSHOTS)

    @property
    def tip(self) -> str:
        """The object of the ref."""
        return self.base if self.is_snapshot else self.tree


def of_waves_that_are_over(conn: sqlite3.Connection, here: Ground, saved: Sequence[Judged]) -> list[KeptWork]:
    """Return the kept work of waves that no merge can take; the branches in `saved` count as commits that stay."""
    git, run = here.repository.git, here.run
    below = work_refs(run.id)
    refs = refs_of_git.refs_below(git, below)
    over = {wave.number: wave for wave in _over(conn, run)} if refs else {}
    kept = {ref: wave for ref in refs if (wave := over.get(wave_of_tree(ref.removeprefix(below)) or 0)) is not None}
    # Most runs keep nothing, and walking all histories takes seconds on a large repository.
    if not kept:
        return []
    tips = {*here.holders.values(), *(judged.tip for judged in saved if judged.tip is not None)}
    # Compared by tree, not by commit: a merge makes a new commit of the same files.
    held = trees_since(git, run, tips) | {history.tree_of(git, wave.dispatch_sha) for wave in kept.values()}
    return [
        KeptWork(f"work/{ref.removeprefix(below)}", ref, tree, wave.number, wave.dispatch_sha, tree in held)
        for ref, tree in sorted(refs.items())
        if (wave := kept.get(ref)) is not None
    ]


def _over(conn: sqlite3.Connection, run: Run) -> Iterator[Wave]:
    """Yield the waves whose refs neither a merge nor a recovery will read."""
    newest, merged = waves.newest_of_phase(conn, run.id), waves.newest_amend(conn, run.id)
    # `resume` takes up the newest wave, and `merge` the newest amend wave.
    needed = {wave.id for wave in (newest, merged) if wave is not None}
    return (wave for wave in waves.all_of(conn, run.id) if wave.status in _OVER or wave.id not in needed)


def trees_since(git: Git, run: Run, tips: Collection[str]) -> set[str]:
    """Return the trees of all commits that some tips reach, back to the commit where the run began."""
    return history.trees_of(git, tips, run.commit_sha if holds_commit(git, run.commit_sha) else None)


def save(git: Git, run: Run, work: KeptWork) -> tuple[str, str]:
    """Save work that no commit has as a commit below the salvage refs; return the ref and the commit."""
    message = f"Judged work of {work.name.removeprefix('work/')}, saved by swarm clean\n\nSwarm-Run: {run.id}\n"
    ref = salvage.keep(git, run.id, work.name, work.tree, [work.base], message, clock.now())
    return ref, refs_of_git.tip(git, ref) or ""


def item(work: KeptWork, refs: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the ledger's entry of a work, for `undo`."""
    ref, commit = refs.get(work.name, (None, None))
    return {
        "name": work.name,
        "state": "saved" if ref else "held_elsewhere",
        "path": None,
        "branch": None,
        "tip": work.tip,
        "base": work.base,
        "commit": commit or work.tip,
        "salvage": ref,
        "work": work.ref,
    }


def dropped(git: Git, work: KeptWork) -> bool:
    """Delete the ref of a work, unless the ref has moved; say whether the ref is deleted."""
    refs_of_git.drop(git, work.ref, work.tip)
    return refs_of_git.tip(git, work.ref) is None


def leftover_of(work: KeptWork, refs: Mapping[str, tuple[str, str]], *, applied: bool) -> Leftover:
    """Return a work as `clean` reports it."""
    ref, commit = refs.get(work.name, (None, None))
    planned = None if work.is_held or applied else salvage_ref("…", work.name.replace("/", "-"))
    what = "uncommitted files, as a wave looked at them," if work.is_snapshot else "judged work"
    why = () if work.is_held else (f"{what} that no commit has",)
    state = "held_elsewhere" if work.is_held else "at_risk"
    return Leftover(
        name=work.name,
        wave=work.wave,
        path=None,
        branch=None,
        commit=commit,
        state=state,
        why=why,
        ignored=0,
        salvage=ref or planned,
        removed=applied,
    )

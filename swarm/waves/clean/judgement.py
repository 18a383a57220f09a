"""Judgement of a remnant: the work that its removal would lose, and whether a commit can save that work."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm.files import is_in_place
from swarm.git import history, refs, salvage, worktree_list, worktrees
from swarm.git.runner import GitError
from swarm.git.salvage import Comparison, Dirt
from swarm.git.worktree_list import Placement
from swarm.git.worktrees import Tree
from swarm.rules.ref_names import (
    head_ref,
    integration_branch,
)
from swarm.waves.clean.remnants import INTEGRATION, Ground, Remnant
from swarm.workspace import SCRATCH, removal_place

AT_RISK: Final = "at_risk"
ABANDONED: Final = "abandoned"
_MOST_NAMED: Final = 3


class Judged(NamedTuple):
    """State of a remnant and the reasons; `savable` says that a commit can keep everything that it holds."""

    remnant: Remnant
    state: str
    why: tuple[str, ...] = ()
    tip: str | None = None
    head: str | None = None
    is_there: bool = False
    dirt: Dirt = Dirt()
    staged: bool = False
    savable: bool = True


def contained_integration(here: Ground) -> Judged | None:
    """Return the run's integration branch where the target contains its tip and no worktree has it checked out."""
    git, run, branch = here.repository.git, here.run, integration_branch(here.run.hex)
    tip = refs.tip_of(git, branch)
    target = refs.tip_of(git, run.branch) if run.branch else None
    # Published work alone is safe to drop: an unpublished merge lives on this branch only.
    if tip is None or target is None or not history.is_ancestor(git, tip, target):
        return None
    if any(tree.branch == branch for tree in here.placed):
        return None
    return Judged(Remnant(INTEGRATION, None, here.folder / INTEGRATION, branch), "contained", tip=tip)


def judge(here: Ground, remnant: Remnant) -> Judged | None:
    """Return a remnant with its state and the reasons that keep it; `None` where nothing is left of the remnant."""
    git, path = here.repository.git, remnant.path
    placed = here.at(path)
    tip = here.tips.get(remnant.branch) if remnant.branch else None
    is_there = path.exists() or path.is_symlink()
    if not is_there and placed is None and tip is None:
        return None
    head = placed.head if placed else None
    judged = Judged(remnant, "", tip=tip, head=head, is_there=is_there)
    # Before any look inside: behind a link or a lock the files are not ours to judge.
    if hindrance := _hindrance(here, remnant, placed, is_there=is_there):
        return judged._replace(state=AT_RISK, why=(hindrance,), savable=False)
    # A scratch tree holds a build of a commit, and nothing in it is work.
    if remnant.name.startswith(SCRATCH):
        return judged._replace(state=ABANDONED)
    why = []
    if placed is not None and is_there and placed.branch != remnant.branch:
        place = f"branch {placed.branch}" if placed.branch else f"{(placed.head or 'nothing')[:12]}, detached"
        why.append(f"its HEAD was moved: it is at {place}")
    if is_there:
        judged, more = _with_files(here, judged)
        why += more
    elif placed is not None and _stages_something(here, judged):
        # The folder was deleted by hand, and git keeps its index: blobs in it may be nowhere else.
        judged = judged._replace(staged=True)
        why.append("its folder is gone, and something is staged in its index")
    # Counted against refs that stay: two branches of the run must not vouch for each other.
    loose = max((refs.alone(git, sha, [*here.holders.values()]) for sha in _commits(judged)), default=0)
    if loose:
        why.append(f"{loose} {'commit' if loose == 1 else 'commits'} that no other branch has")
    return judged._replace(state=AT_RISK if why else _state(here, judged), why=tuple(why))


def _stages_something(here: Ground, judged: Judged) -> bool:
    admin = worktree_list.admin_of(here.repository.common_dir, judged.remnant.path)
    if admin is None or judged.head is None:
        return False
    # An index equal to any of these commits stages nothing that is not in a ref.
    commits = {judged.head, judged.tip or judged.head, judged.remnant.base or judged.head}
    return not any(worktree_list.stages_nothing(here.repository.git, admin, commit) for commit in commits)


def _commits(judged: Judged) -> list[str]:
    return sorted({sha for sha in (judged.tip, judged.head) if sha is not None})


def _hindrance(here: Ground, remnant: Remnant, placed: Placement | None, *, is_there: bool) -> str | None:
    """Return why a remnant cannot be removed even after its work is saved."""
    path = remnant.path
    if is_there and not is_in_place(path, here.folder.parent):
        return "a link stands in its place, or above it"
    if is_there and not path.is_dir():
        return "it is no folder"
    # `git worktree lock` is how a user protects a tree.
    if placed is not None and placed.locked is not None:
        return "git has it locked" + (f": {placed.locked}" if placed.locked else "")
    if remnant.recorded is not None and _lies_outside(Path(remnant.recorded), path):
        return f"it lies outside of the run's folder: {remnant.recorded}"
    renamed = removal_place(path)
    if is_there and os.path.lexists(renamed) and not here.is_debris(renamed):
        return f"{renamed} is in the way"
    others = [tree.path for tree in here.placed if tree.branch == remnant.branch is not None and tree.path != path]
    if others:
        return f"its branch is checked out at {others[0]}"
    return None


def _lies_outside(recorded: Path, path: Path) -> bool:
    return recorded.exists() and worktree_list.real_place(recorded) != path


def _with_files(here: Ground, judged: Judged) -> tuple[Judged, list[str]]:
    """Compare the files and the index of a worktree with its commit; return the reasons that keep it as well."""
    comparison = comparison_of(here, judged)
    # Without a base nobody can tell the agent's work from the files of the commit.
    if comparison is None:
        return judged._replace(savable=False), ["nobody knows at which commit it was made"]
    admin = worktree_list.admin_of(here.repository.common_dir, judged.remnant.path)
    index = admin / "index" if admin else None
    try:
        dirt = _dirt(here, judged, comparison)
    except GitError as error:
        # A failure to look is a risk, never a proof that nothing is there.
        return judged._replace(savable=False), [f"git cannot look into it: {error.stderr}"]
    judged = judged._replace(dirt=dirt, savable=not dirt.untakable)
    why = []
    if edited := (*dirt.changed, *dirt.gone):
        why.append(f"{_counted(len(edited), 'uncommitted change')}: {_named(edited)}")
    if dirt.new:
        why.append(f"{_counted(len(dirt.new), 'untracked file')}: {_named(dirt.new)}")
    if dirt.untakable:
        why.append(f"git cannot keep {_named(dirt.untakable)}")
    try:
        # A file that git cannot keep may be a pipe, and git would wait for it; the tree stays in any case.
        staged = salvage.staged_alone(comparison, index) if index is not None and not dirt.untakable else ()
    except GitError:
        return judged._replace(savable=False), [*why, "git cannot read its index"]
    if staged:
        why.append(f"staged and nowhere else: {_named(staged)}")
    return judged._replace(staged=bool(staged)), why


def _dirt(here: Ground, judged: Judged, comparison: Comparison) -> Dirt:
    """Return the dirt of a worktree; files that a dispatch which died did not check out are none."""
    dirt = salvage.dirt_of(comparison)
    # Only missing files are explained by an interrupted checkout, so a clean tree needs no second look.
    if dirt.is_none or judged.head is None or dirt.untakable:
        return dirt
    tree = Tree(judged.remnant.path, judged.remnant.branch)
    # Half-written files count as missing: git writes files under their own names.
    is_unfilled = worktrees.is_unfilled(here.repository.git, tree, judged.head)
    return Dirt(ignored=dirt.ignored) if is_unfilled else dirt


def comparison_of(here: Ground, judged: Judged, commit: str | None = None) -> Comparison | None:
    """Return the comparison of a worktree's files with its branch's tip, or with `commit`."""
    remnant = judged.remnant
    # The wave's commit first: an agent can move the branch and the HEAD.
    base = remnant.base or judged.tip or judged.head
    if base is None:
        return None
    known = commit or judged.tip or base
    # With the index kept at dispatch: an agent can mark files in its own index as unchanged.
    return Comparison(here.repository.common_dir, remnant.path, base, remnant.kept_index, known, remnant.apart)


def still_is(here: Ground, judged: Judged, commit: str) -> bool:
    """Say whether a remnant is as it was judged, with the files of a commit; asked right before its removal."""
    remnant = judged.remnant
    if remnant.branch and refs.tip_of(here.repository.git, remnant.branch) != judged.tip:
        return False
    comparison = comparison_of(here, judged, commit)
    if not judged.is_there or judged.state == ABANDONED or comparison is None:
        return True
    return _dirt(here, judged, comparison).is_none


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


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _named(paths: Sequence[str]) -> str:
    return ", ".join(paths[:_MOST_NAMED]) + (", …" if len(paths) > _MOST_NAMED else "")

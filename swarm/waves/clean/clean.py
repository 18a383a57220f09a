"""`clean`: remove a run's worktrees and branches that hold nothing; name what would be lost, or save it first."""

import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from swarm.git import refs, salvage, worktree_list
from swarm.git.repository import repository_at
from swarm.git.runner import Git, GitError
from swarm.results.clean import CleanResult, Leftover
from swarm.rules.ref_names import head_ref, salvage_ref
from swarm.store import ledger
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.clean import intents, judgement, kept_work, remnants
from swarm.waves.clean.clean_plan import CleanPlan, CleanRequest, plan_clean
from swarm.waves.clean.judgement import ABANDONED, AT_RISK, Judged
from swarm.waves.clean.remnants import Ground
from swarm.waves.clean.save_remnants import Saved, removal_items, save_all, saved_commit
from swarm.waves.trees import worktrees
from swarm.waves.trees.answers import keep_before_removal
from swarm.workspace import Workspace, removal_place

WORK_AT_RISK: Final = "WORK_AT_RISK"


def clean(store: Store, workspace: Workspace, run: Run, request: CleanRequest) -> CleanResult:
    """Remove the worktrees and branches of a run that hold nothing; those of waves in flight stay.

    Work at risk is left, or with `force` first saved below the run's salvage refs. A clean that was killed at any
    point is finished by the next call.
    """
    repository = repository_at(Path(run.local_path))
    # A dry run takes no lock: taking the lock would write a file.
    if not request.apply:
        plan = plan_clean(store.conn, workspace, run, repository, force=request.force)
        return _result(store.conn, run, request, plan, {}, set())
    with worktrees.worktree_lock(repository, "clean"):
        plan = plan_clean(store.conn, workspace, run, repository, force=request.force)
        return _applied(store, run, request, plan)


def _applied(store: Store, run: Run, request: CleanRequest, plan: CleanPlan) -> CleanResult:
    here = plan.ground
    git = here.repository.git
    # An earlier clean recorded the removal of these folders before it renamed them.
    for folder in plan.debris:
        worktree_list.delete_folder(folder)
    # First save, then record, then remove: a kill between two steps loses nothing that the ledger does not name.
    with salvage.kept_if_recorded(git, run.id):
        plan, saved = save_all(run, plan)
        items = removal_items(store.conn, run, plan, saved)
        if items:
            intents.begin(store, run.id, intents.CLEAN_BEGUN, {"items": items}, request.reason)
    going = [*plan.removable, *plan.saved]
    # A remnant can change between judgement and removal, and is then left and reported as at risk.
    changed = {judged.remnant.name for judged in going if not _removed(here, judged, saved_commit(judged, saved))}
    changed |= {work.name for work in plan.works if not kept_work.dropped(git, work)}
    # Only the removals that happened: `undo` would otherwise bring back trees that are still there.
    done: list[object] = [item for item in items if item["name"] not in changed]
    if done:
        with store.mutation() as conn:
            ledger.append(conn, intents.entry(run.id, intents.CLEANED, {"items": done}, request.reason))
    worktrees.remove_empty([here.folder])
    return _result(store.conn, run, request, plan, saved, changed)


def _removed(here: Ground, judged: Judged, commit: str) -> bool:
    """Remove a remnant that is still as it was judged; say whether it was removed."""
    git, remnant = here.repository.git, judged.remnant
    if not judgement.still_is(here, judged, commit):
        # Judged again right before the removal, because an agent or a person may still be at work there.
        return False
    renamed = removal_place(remnant.path)
    if judged.is_there:
        keep_before_removal(remnant.path)
        # A kill may leave the folder half deleted: under its old name the next clean would judge it as work.
        remnant.path.rename(renamed)
    if here.at(remnant.path) is not None and not _forgotten(git, judged, renamed):
        return False
    if remnant.branch is not None and judged.tip is not None:
        # Dropped by compare-and-swap with the judged tip: a commit made since then keeps the branch.
        refs.drop(git, head_ref(remnant.branch), judged.tip)
    if judged.is_there:
        worktree_list.delete_folder(renamed)
    return True


def _forgotten(git: Git, judged: Judged, renamed: Path) -> bool:
    """Remove git's record of a worktree; put back a worktree that the user locked meanwhile, and return false."""
    path = judged.remnant.path
    try:
        worktree_list.forget(git, path)
    except GitError:
        # The slow deletion comes last; the folder has its debris name by now, and a kill leaves no half tree.
        if judged.is_there:
            renamed.rename(path)
        # Git compares real paths, and the workspace may be named through a link.
        real = worktree_list.real_place
        placed = next((tree for tree in worktree_list.placements(git) if real(tree.path) == path), None)
        if placed is None or placed.locked is None:
            raise
        return False
    return True


def _result(
    conn: sqlite3.Connection,
    run: Run,
    request: CleanRequest,
    plan: CleanPlan,
    saved: Saved,
    changed: Collection[str],
) -> CleanResult:
    going = [*plan.removable, *plan.saved]
    removed = tuple(_shown(judged, request, saved) for judged in going if judged.remnant.name not in changed)
    works = (work for work in plan.works if work.name not in changed)
    removed += tuple(kept_work.leftover_of(work, saved, applied=request.apply) for work in works)
    raced = [
        judged._replace(why=("it changed while it was looked at",))
        for judged in going
        if judged.remnant.name in changed
    ]
    left = tuple(_shown(judged, request, {}, left=True) for judged in (*plan.left, *raced))
    unsaved = len(plan.saved) + sum(not work.is_held for work in plan.works)
    can_save = any(judged.savable for judged in plan.left)
    return CleanResult(
        run_id=run.id,
        applied=request.apply,
        forced=request.force,
        state=WORK_AT_RISK if left or (unsaved and not request.apply) else None,
        removable=tuple(sorted(removed)),
        at_risk=tuple(sorted(left)),
        in_flight=remnants.in_flight(conn, run),
        summary=_summary(request, plan, len(removed), len(left), len(saved) if request.apply else unsaved),
        next_action=_next(run, request, removes=bool(removed), can_save=can_save),
    )


def _summary(request: CleanRequest, plan: CleanPlan, removed: int, left: int, saved: int) -> str:
    if removed:
        verb = "Removed" if request.apply else "Would remove"
        return f"{verb} {removed}, of them {saved} saved first; {left} at risk and left."
    if left:
        return f"Nothing to clean: {left} at risk and left."
    debris = ", but for what a call that died was removing" if plan.debris else ""
    return f"Nothing to clean{debris}."


def _shown(
    judged: Judged, request: CleanRequest, saved: Mapping[str, tuple[str, str]], *, left: bool = False
) -> Leftover:
    remnant = judged.remnant
    ref, commit = saved.get(remnant.name, (None, None))
    will_be_saved = judged.state == AT_RISK and not left and not request.apply
    return Leftover(
        name=remnant.name,
        wave=remnant.wave,
        path=str(remnant.path) if judged.is_there else None,
        branch=remnant.branch if judged.tip else None,
        commit=commit or judged.tip,
        state=AT_RISK if left else judged.state,
        why=judged.why,
        ignored=judged.dirt.ignored if judged.state != ABANDONED else 0,
        salvage=ref or (salvage_ref("…", remnant.name) if will_be_saved else None),
        removed=request.apply and not left,
    )


def _next(run: Run, request: CleanRequest, *, removes: bool, can_save: bool) -> str:
    if not request.apply and removes:
        return f"swarm clean {run.id}{' --force' if request.force else ''} --apply --reason '…'"
    if can_save and not request.force:
        return f"swarm clean {run.id} --force"
    return f"swarm status {run.id}"

"""`clean`: a run's worktrees and branches that hold nothing go; what would be lost is named, and saved if told so."""

import sqlite3
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import clock
from swarm.files import is_in_place
from swarm.git import history, merging, salvage, worktree_list
from swarm.git import refs as refs_of_git
from swarm.git.merging import Identity
from swarm.git.repository import Repository, repository_at
from swarm.git.runner import Git, GitError
from swarm.git.salvage import Unsavable
from swarm.interruption import postponed
from swarm.results.clean import CleanResult, Leftover
from swarm.rules.ref_names import head_ref, salvage_ref, salvage_refs
from swarm.store import ledger
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.clean import intents, kept_work, leftovers
from swarm.waves.clean.kept_work import KeptWork
from swarm.waves.clean.leftovers import ABANDONED, AT_RISK, Ground, Judged
from swarm.waves.trees import worktrees
from swarm.workspace import Workspace, removal_place

WORK_AT_RISK: Final = "WORK_AT_RISK"


class Wish(NamedTuple):
    """What the caller asked for. A reason is there whenever it is to be applied."""

    apply: bool
    force: bool
    reason: str


class Survey(NamedTuple):
    """What there is to remove, what to save first, what stays, and folders that a call which died was removing."""

    ground: Ground
    removable: list[Judged]
    saved: list[Judged]
    left: list[Judged]
    debris: list[Path]
    works: list[KeptWork]


def clean(store: Store, workspace: Workspace, run: Run, wish: Wish) -> CleanResult:
    """Remove the worktrees and branches of a run that hold nothing, those of waves in flight never.

    What holds work is left, or with `force` first saved below `refs/swarm/salvage/`. May be killed and called again
    at any time.
    """
    repository = repository_at(Path(run.local_path))
    if not wish.apply:
        survey = _survey(store.conn, workspace, run, repository, wish)
        return _told(store.conn, run, wish, survey, {}, set())
    with worktrees.worktree_lock(repository, "clean"):
        survey = _survey(store.conn, workspace, run, repository, wish)
        return _applied(store, run, wish, survey)


def _survey(conn: sqlite3.Connection, workspace: Workspace, run: Run, repository: Repository, wish: Wish) -> Survey:
    here = leftovers.ground(conn, repository, workspace, run)
    found = [leftovers.judge(here, one) for one in leftovers.remnants(conn, workspace, here)]
    judged = [one for one in (*found, leftovers.contained_integration(here)) if one is not None]
    risky = [one for one in judged if one.state == AT_RISK]
    saved = [one for one in risky if wish.force and one.savable]
    places = sorted(here.folder.iterdir()) if is_in_place(here.folder, here.folder.parent) else []
    debris = [place for place in places if here.is_debris(place)]
    removable = [one for one in judged if one.state != AT_RISK]
    kept = kept_work.of_waves_that_are_over(conn, here, saved)
    going = [one for one in kept if one.is_held or wish.force]
    return Survey(here, removable, saved, [one for one in risky if one not in saved], debris, going)


def _applied(store: Store, run: Run, wish: Wish, survey: Survey) -> CleanResult:
    here = survey.ground
    git = here.repository.git
    for folder in survey.debris:
        worktree_list.delete_folder(folder)
    known = refs_of_git.refs_below(git, salvage_refs(run.id))
    # Once it is written down, what was saved must not be dropped.
    with postponed():
        try:
            survey, refs = _save_all(run, survey)
            refs |= {work.name: kept_work.save(git, run, work) for work in survey.works if not work.is_held}
            items = _items(store.conn, run, survey, refs)
            if items:
                intents.begin(store, run.id, intents.CLEAN_BEGUN, {"items": items}, wish.reason)
        except BaseException:
            for ref, commit in refs_of_git.refs_below(git, salvage_refs(run.id)).items():
                if ref not in known:
                    refs_of_git.drop(git, ref, commit)
            raise
    going = [*survey.removable, *survey.saved]
    raced = {one.remnant.name for one in going if not _removed(here, one, _goal(one, refs))}
    raced |= {work.name for work in survey.works if not kept_work.dropped(git, work)}
    done: list[object] = [item for item in items if item["name"] not in raced]
    if done:
        with store.mutation() as conn:
            ledger.append(conn, intents.entry(run.id, intents.CLEANED, {"items": done}, wish.reason))
    worktrees.remove_empty([here.folder])
    return _told(store.conn, run, wish, survey, refs, raced)


def _save_all(run: Run, survey: Survey) -> tuple[Survey, dict[str, tuple[str, str]]]:
    """Save what is at risk, and return by name the ref and the commit; what git does not take is left."""
    git, refs = survey.ground.repository.git, {}
    left: list[Judged] = []
    for judged in survey.saved:
        try:
            ref = _save(run, survey.ground, judged)
        except Unsavable as error:
            left.append(judged._replace(why=(*judged.why, f"git does not take {', '.join(error.files[:3])}")))
        except GitError as error:
            left.append(judged._replace(why=(*judged.why, f"git cannot save it: {error.stderr}")))
        else:
            refs[judged.remnant.name] = (ref, refs_of_git.tip(git, ref) or "")
    saved = [one for one in survey.saved if one.remnant.name in refs]
    return survey._replace(saved=saved, left=[*survey.left, *left]), refs


def _save(run: Run, here: Ground, judged: Judged) -> str:
    git, remnant = here.repository.git, judged.remnant
    standing = leftovers.standing_of(here, judged)
    if standing is None:
        raise Unsavable([remnant.name])
    parents = [standing.commit]
    if judged.head is not None and not history.is_ancestor(git, judged.head, standing.commit):
        parents.append(judged.head)
    tree = history.tree_of(git, standing.commit)
    if judged.is_there and not judged.dirt.is_none:
        tree = salvage.tree_with_dirt(standing)
    message = f"Work of {remnant.name}, saved by swarm clean\n\nSwarm-Run: {run.id}\n"
    admin = worktree_list.admin_of(here.repository.common_dir, remnant.path)
    if judged.staged and admin is not None:
        staged = salvage.staged_tree(standing, admin / "index")
        told = f"Staged in {remnant.name}\n\nSwarm-Run: {run.id}\n"
        parents.append(merging.commit_tree(git, staged, [standing.commit], told, Identity(run.created)))
    return salvage.keep(git, run.id, remnant.name, tree, parents, message, clock.now())


def _goal(judged: Judged, refs: dict[str, tuple[str, str]]) -> str:
    """Return the commit that holds all of a remnant."""
    _, saved = refs.get(judged.remnant.name, ("", None))
    return saved or judged.tip or judged.remnant.base or judged.head or ""


def _items(
    conn: sqlite3.Connection, run: Run, survey: Survey, refs: dict[str, tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return what will be removed, together with what a call that died has removed already."""
    fresh = {one.remnant.name: _item(one, refs) for one in (*survey.removable, *survey.saved)}
    fresh |= {work.name: kept_work.item(work, refs) for work in survey.works}
    left = {one.remnant.name for one in survey.left}
    known = intents.last(conn, run.id)
    if known is None or known.kind != intents.CLEAN_BEGUN:
        return [fresh[name] for name in sorted(fresh)]
    given = leftovers.given_since(conn, run, known.seq)
    for old in known.told["items"]:
        now = fresh.get(old["name"])
        # Of a wave that was taken up since, it stands and stays, or another stands where it was.
        if old["name"] in given or (now is None and old["path"] and Path(old["path"]).exists()):
            continue
        if old["name"] in left or (now is not None and (now["salvage"] or now["tip"] not in {None, old["tip"]})):
            continue
        fresh[old["name"]] = old
    return [fresh[name] for name in sorted(fresh)]


def _item(judged: Judged, refs: dict[str, tuple[str, str]]) -> dict[str, Any]:
    remnant = judged.remnant
    ref, _ = refs.get(remnant.name, (None, None))
    return {
        "name": remnant.name,
        "state": "saved" if ref else judged.state,
        "path": str(remnant.path) if judged.is_there else None,
        "branch": remnant.branch if judged.tip else None,
        "tip": judged.tip,
        "base": remnant.base,
        "commit": _goal(judged, refs),
        "salvage": ref,
    }


def _removed(here: Ground, judged: Judged, commit: str) -> bool:
    """Remove a remnant that still is what it was judged to be; say whether it went."""
    git, remnant = here.repository.git, judged.remnant
    if not leftovers.still_is(here, judged, commit):
        return False
    gone = removal_place(remnant.path)
    if judged.is_there:
        # From here on it is not looked at again: a folder of this name may be half deleted.
        remnant.path.rename(gone)
    if here.at(remnant.path) is not None and not _forgotten(git, judged, gone):
        return False
    if remnant.branch is not None and judged.tip is not None:
        refs_of_git.drop(git, head_ref(remnant.branch), judged.tip)
    if judged.is_there:
        worktree_list.delete_folder(gone)
    return True


def _forgotten(git: Git, judged: Judged, gone: Path) -> bool:
    """Let git forget a worktree; one that was locked meanwhile is put back, and it is said that it stays."""
    path = judged.remnant.path
    try:
        worktree_list.forget(git, path)
    except GitError:
        if judged.is_there:
            gone.rename(path)
        listed = worktree_list.placements(git)
        placed = next((entry for entry in listed if worktree_list.real_place(entry.path) == path), None)
        if placed is None or placed.locked is None:
            raise
        return False
    return True


def _told(
    conn: sqlite3.Connection,
    run: Run,
    wish: Wish,
    survey: Survey,
    refs: dict[str, tuple[str, str]],
    raced: set[str],
) -> CleanResult:
    going = [*survey.removable, *survey.saved]
    gone = tuple(_shown(one, wish, refs) for one in going if one.remnant.name not in raced)
    gone += tuple(kept_work.shown(one, refs, applied=wish.apply) for one in survey.works if one.name not in raced)
    unsaved = len(survey.saved) + sum(not work.is_held for work in survey.works)
    changed = [one._replace(why=("it changed while it was looked at",)) for one in going if one.remnant.name in raced]
    left = tuple(_shown(one, wish, {}, left=True) for one in (*survey.left, *changed))
    state = WORK_AT_RISK if left or (unsaved and not wish.apply) else None
    verb = "Removed" if wish.apply else "Would remove"
    summary = (
        f"{verb} {len(gone)}, of them {len(refs) if wish.apply else unsaved} saved first; {len(left)} at risk and left."
    )
    if not gone:
        debris = "" if not survey.debris else ", but for what a call that died was removing"
        summary = f"Nothing to clean{debris}." if not left else f"Nothing to clean: {len(left)} at risk and left."
    return CleanResult(
        run_id=run.id,
        applied=wish.apply,
        forced=wish.force,
        state=state,
        removable=tuple(sorted(gone)),
        at_risk=tuple(sorted(left)),
        in_flight=leftovers.in_flight(conn, run),
        summary=summary,
        next_action=_next(run, wish, has_gone=bool(gone), can_save=any(one.savable for one in survey.left)),
    )


def _shown(judged: Judged, wish: Wish, refs: dict[str, tuple[str, str]], *, left: bool = False) -> Leftover:
    remnant = judged.remnant
    ref, commit = refs.get(remnant.name, (None, None))
    planned = salvage_ref("…", remnant.name) if judged.state == AT_RISK and not left and not wish.apply else None
    return Leftover(
        name=remnant.name,
        wave=remnant.wave,
        path=str(remnant.path) if judged.is_there else None,
        branch=remnant.branch if judged.tip else None,
        commit=commit or judged.tip,
        state=AT_RISK if left else judged.state,
        why=judged.why,
        ignored=judged.dirt.ignored if judged.state != ABANDONED else 0,
        salvage=ref or planned,
        removed=wish.apply and not left,
    )


def _next(run: Run, wish: Wish, *, has_gone: bool, can_save: bool) -> str:
    if not wish.apply and has_gone:
        return f"swarm clean {run.id}{' --force' if wish.force else ''} --apply --reason '…'"
    if can_save and not wish.force:
        return f"swarm clean {run.id} --force"
    return f"swarm undo {run.id}" if wish.apply and has_gone else f"swarm status {run.id}"

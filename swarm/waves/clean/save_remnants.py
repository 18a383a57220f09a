"""Saving of remnants and judged work as commits, and the list of removals for the ledger."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swarm import clock
from swarm.git import history, merging, refs, salvage, worktree_list
from swarm.git.merging import Identity
from swarm.git.runner import GitError
from swarm.git.salvage import Unsavable
from swarm.store.runs import Run
from swarm.waves.clean import intents, judgement, kept_work, remnants
from swarm.waves.clean.clean_plan import CleanPlan
from swarm.waves.clean.judgement import Judged
from swarm.waves.clean.remnants import Ground

# The ref and the commit that keep each piece of saved work, by the name of its remnant.
Saved = dict[str, tuple[str, str]]


def save_all(run: Run, plan: CleanPlan) -> tuple[CleanPlan, Saved]:
    """Save all work at risk; return the refs by name, and the plan, in which remnants that git cannot save are left."""
    git = plan.ground.repository.git
    saved: Saved = {}
    left: list[Judged] = []
    for judged in plan.saved:
        try:
            ref = _save(run, plan.ground, judged)
        except Unsavable as error:
            left.append(judged._replace(why=(*judged.why, f"git does not take {', '.join(error.files[:3])}")))
        except GitError as error:
            left.append(judged._replace(why=(*judged.why, f"git cannot save it: {error.stderr}")))
        else:
            saved[judged.remnant.name] = (ref, refs.tip(git, ref) or "")
    kept = [judged for judged in plan.saved if judged.remnant.name in saved]
    saved |= {work.name: kept_work.save(git, run, work) for work in plan.works if not work.is_held}
    return plan._replace(saved=kept, left=[*plan.left, *left]), saved


def _save(run: Run, here: Ground, judged: Judged) -> str:
    git, remnant = here.repository.git, judged.remnant
    comparison = judgement.comparison_of(here, judged)
    if comparison is None:
        raise Unsavable([remnant.name])
    parents = [comparison.commit]
    # A tree whose HEAD was moved away from its branch has two histories to keep.
    if judged.head is not None and not history.is_ancestor(git, judged.head, comparison.commit):
        parents.append(judged.head)
    # A clean tree keeps its own content; only dirt makes a new tree.
    tree = history.tree_of(git, comparison.commit)
    if judged.is_there and not judged.dirt.is_none:
        tree = salvage.tree_with_dirt(comparison)
    message = f"Work of {remnant.name}, saved by swarm clean\n\nSwarm-Run: {run.id}\n"
    admin = worktree_list.admin_of(here.repository.common_dir, remnant.path)
    if judged.staged and admin is not None:
        # Of a worktree without its folder only the index is left, which is read from the main checkout.
        folder = comparison.tree if judged.is_there else here.repository.root
        staged = salvage.staged_tree(comparison._replace(tree=folder), admin / "index")
        staged_message = f"Staged in {remnant.name}\n\nSwarm-Run: {run.id}\n"
        parents.append(merging.commit_tree(git, staged, [comparison.commit], staged_message, Identity(run.created)))
    return salvage.keep(git, run.id, remnant.name, tree, parents, message, clock.now())


def saved_commit(judged: Judged, saved: Mapping[str, tuple[str, str]]) -> str:
    """Return the commit that holds all work of a remnant."""
    _, commit = saved.get(judged.remnant.name, ("", None))
    return commit or judged.tip or judged.remnant.base or judged.head or ""


def removal_items(conn: sqlite3.Connection, run: Run, plan: CleanPlan, saved: Saved) -> list[dict[str, Any]]:
    """Return the entries of all removals, and of those that a clean which died has made already."""
    # By name, so that an entry of a clean that died is replaced by the present state of the same remnant.
    items = {judged.remnant.name: _item(judged, saved) for judged in (*plan.removable, *plan.saved)}
    items |= {work.name: kept_work.item(work, saved) for work in plan.works}
    left = {judged.remnant.name for judged in plan.left}
    known = intents.last(conn, run.id)
    if known is None or known.kind != intents.CLEAN_BEGUN:
        return [items[name] for name in sorted(items)]
    given = remnants.given_since(conn, run, known.seq)
    for old in known.payload["items"]:
        now = items.get(old["name"])
        # A wave that was resumed since keeps its trees, or has made others in the same places.
        if old["name"] in given or (now is None and old["path"] and Path(old["path"]).exists()):
            continue
        if old["name"] in left or (now is not None and (now["salvage"] or now["tip"] not in {None, old["tip"]})):
            continue
        items[old["name"]] = old
    return [items[name] for name in sorted(items)]


def _item(judged: Judged, saved: Saved) -> dict[str, Any]:
    remnant = judged.remnant
    ref, _ = saved.get(remnant.name, (None, None))
    return {
        "name": remnant.name,
        "state": "saved" if ref else judged.state,
        "path": str(remnant.path) if judged.is_there else None,
        "branch": remnant.branch if judged.tip else None,
        "tip": judged.tip,
        "base": remnant.base,
        "commit": saved_commit(judged, saved),
        "salvage": ref,
    }

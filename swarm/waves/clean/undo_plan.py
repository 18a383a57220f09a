"""Plan of an undo: the branches, worktrees and refs to bring back, and the reasons that forbid it."""

import shlex
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from swarm import errors
from swarm.files import is_in_place
from swarm.git import checkouts, refs, worktree_list, worktrees
from swarm.git.repository import Repository, holds_commit, holds_object
from swarm.rules.ref_names import integration_branch, salvaged_branch
from swarm.store import waves
from swarm.store.runs import Run
from swarm.waves.clean import intents, judgement, remnants
from swarm.waves.clean.intents import Intent
from swarm.waves.trees.sparse import Origin, held_after
from swarm.workspace import Workspace, wave_of_tree


class RemovedTree(NamedTuple):
    """A branch, a worktree, or both, to bring back at `commit`.

    `tip` is the commit at which an interrupted clean may have left the branch, `held` the ref to drop afterwards,
    `only` the files of a sparse tree.
    """

    name: str
    branch: str | None
    commit: str
    tip: str | None
    path: Path | None
    held: str | None
    only: tuple[str, ...] | None = None


class SavedWork(NamedTuple):
    """A removed ref of judged work, its tree, and the ref and commit that keep that tree until the undo."""

    name: str
    ref: str
    tree: str
    held: str | None
    commit: str


class UndoPlan(NamedTuple):
    """Plan of an undo; `checkout` is a rewound branch, its present commit and its previous commit."""

    run: Run
    repository: Repository
    workspace: Workspace
    intent: Intent
    trees: tuple[RemovedTree, ...]
    checkout: tuple[str, str, str] | None
    works: tuple[SavedWork, ...] = ()


def plan_undo(conn: sqlite3.Connection, workspace: Workspace, repository: Repository, run: Run) -> UndoPlan | None:
    """Return the plan that undoes the run's last clean or rewind, `None` without either. Raises UndoRefused."""
    intent = intents.last(conn, run.id)
    if intent is None:
        return None
    payload = intent.payload
    if intent.verb == "clean":
        trees = tuple(
            _with_files(conn, workspace, repository, run, removed) for removed in _cleaned(run, workspace, payload)
        )
        plan = UndoPlan(
            run=run,
            repository=repository,
            workspace=workspace,
            intent=intent,
            trees=trees,
            checkout=None,
            works=tuple(_works(payload)),
        )
    else:
        is_moved = payload["to"] != payload["from"]
        checkout = (payload["branch"], payload["to"], payload["from"]) if is_moved else None
        plan = UndoPlan(run, repository, workspace, intent, tuple(_rewound(run, payload)), checkout)
    # Report only the successors: the other checks would compare against trees of a newer wave.
    if problems := list(_successors(conn, plan)) or [*_hindrances(plan), *_moved_on(plan)]:
        # The first problem with its remedy; the others are counted, since a remedy may solve them too.
        problem, remedy = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise errors.UndoRefused(verb=intent.verb, problem=problem + more, remedy=remedy, run_id=run.id)
    return plan


def _cleaned(run: Run, workspace: Workspace, payload: dict[str, Any]) -> Iterator[RemovedTree]:
    for item in payload["items"]:
        # Scratch trees held no work, and kept work is restored as a ref and not as a tree.
        if item["state"] == judgement.ABANDONED or "work" in item:
            continue
        # By its name alone: a payload of somebody else could name any folder of the machine.
        path = remnants.tree_folder(workspace, run) / Path(item["path"]).name if item["path"] else None
        branch, commit = item["branch"], item["commit"]
        # A detached tree had no branch, so its saved work gets a new branch beside the restored tree.
        if branch is None and item["salvage"]:
            yield RemovedTree(item["name"], salvaged_branch(run.hex, item["name"]), commit, None, None, item["salvage"])
            commit = item["base"] or commit
        if branch is not None or path is not None:
            held = item["salvage"] if branch is not None else None
            yield RemovedTree(item["name"], branch, commit, item["tip"], path, held)


def _with_files(
    conn: sqlite3.Connection, workspace: Workspace, repository: Repository, run: Run, removed: RemovedTree
) -> RemovedTree:
    """Return a removed tree; a sparse tree gets the list of its files."""
    number = wave_of_tree(removed.path.name) if removed.path is not None else None
    wave = waves.numbered(conn, run.id, number) if number is not None else None
    # Without the wave or the commit nobody knows the files, and a whole tree loses nothing.
    if removed.path is None or wave is None or not holds_commit(repository.git, removed.commit):
        return removed
    origin = Origin(repository, wave, workspace.wave_folder(run.id, wave.number))
    return removed._replace(only=held_after(origin, removed.path.name, removed.commit))


def _works(payload: dict[str, Any]) -> Iterator[SavedWork]:
    for item in payload["items"]:
        if "work" in item:
            yield SavedWork(item["name"], item["work"], item["tip"], item["salvage"], item["commit"])


def _rewound(run: Run, payload: dict[str, Any]) -> Iterator[RemovedTree]:
    for saved in payload["refs"]:
        ref, commit = saved["ref"], saved["commit"]
        name = ref.rpartition("/")[2].replace(".", "-")
        match saved["kind"]:
            case "dirt":
                yield RemovedTree(name, salvaged_branch(run.hex, name), commit, None, None, ref)
            case "integration":
                yield RemovedTree(name, integration_branch(run.hex), commit, None, None, ref)
            case _:
                yield RemovedTree(name, None, commit, None, None, ref)


def _successors(conn: sqlite3.Connection, plan: UndoPlan) -> Iterator[tuple[str, str]]:
    """Yield the trees and branches that newer agents were given in the same places, where they look like the old."""
    given = remnants.given_since(conn, plan.run, plan.intent.seq)
    for removed in plan.trees:
        if removed.branch in given:
            problem = f"branch {removed.branch} is one of wave {given[removed.branch]} now, dispatched since"
            yield problem, _aside(plan)
        elif removed.path is not None and removed.path.name in given:
            yield f"{removed.path} is a tree of wave {given[removed.path.name]} now, dispatched since", _aside(plan)


def _aside(plan: UndoPlan) -> str:
    """Return the commands that bring saved work back on a branch of its own, beside the newer trees."""
    git, commands, saved = plan.repository.git, [], ""
    for held in (removed.held for removed in plan.trees if removed.held is not None):
        commit = refs.tip(git, held)
        if commit is None:
            continue
        name = salvaged_branch(plan.run.hex, held.rpartition("/")[2])
        names = (name if number == 1 else f"{name}-{number}" for number in count(1))
        free, at = next((branch, tip) for branch in names if (tip := refs.tip_of(git, branch)) in {None, commit})
        saved = f"what was saved is kept by {held}"
        if at is None:
            commands.append(f"git branch {shlex.quote(free)} {shlex.quote(held)}")
    if commands:
        return f"`{' && '.join(commands)}` brings back what was saved on a branch of its own"
    return f"{saved}, and has a branch" if saved else "nothing had to be saved, so nothing is lost"


def _hindrances(plan: UndoPlan) -> Iterator[tuple[str, str]]:
    """Yield each reason that forbids an undo, with its remedy."""
    git, folder = plan.repository.git, remnants.tree_folder(plan.workspace, plan.run)
    for work in plan.works:
        # Git may have collected the object since: a tree without a ref is kept for two weeks only.
        if not holds_object(git, work.tree):
            yield f"tree {work.tree[:12]} of {work.name} is gone", "there is nothing to bring it back from"
    for removed in plan.trees:
        if not holds_commit(git, removed.commit):
            yield f"commit {removed.commit[:12]} of {removed.name} is gone", "there is nothing to bring it back from"
        if removed.branch is not None and refs.tip_of(git, removed.branch) not in {None, removed.commit, removed.tip}:
            yield (
                f"branch {removed.branch} is elsewhere now",
                f"`git branch -m {removed.branch} …` moves it out of the way",
            )
        path = removed.path
        if path is None or not (path.exists() or path.is_symlink()):
            continue
        if path.is_symlink() or path.parent != folder or not is_in_place(path, folder.parent):
            yield f"something else is at {path}", "move it out of the way"
        elif _is_anothers(plan, removed, path):
            yield f"something else is at {path}", _aside(plan)


def _is_anothers(plan: UndoPlan, removed: RemovedTree, path: Path) -> bool:
    """Say whether a tree in a removed tree's place is newer than the clean.

    The clean has ended, and an undo that died would have moved the branch before it made the tree.
    """
    is_done = plan.intent.kind == intents.CLEANED and removed.branch is not None
    return is_done and not holds(plan, removed) and not is_half_made(plan, path)


def _moved_on(plan: UndoPlan) -> Iterator[tuple[str, str]]:
    """Yield the reason that keeps a rewound branch from going back, with its remedy."""
    if plan.checkout is None:
        return
    (branch, at, back), repository = plan.checkout, plan.repository
    if repository.branch != branch:
        yield f"branch {branch} is not checked out", f"`git checkout {branch}` first"
    elif repository.head not in {at, back}:
        yield f"branch {branch} has moved on since, to {repository.head[:12]}", f"`git branch back {back}` keeps it"
    elif not holds_commit(repository.git, back):
        yield f"commit {back[:12]} is gone", "there is nothing to bring it back from"
    # The user's edits in the checkout are never overwritten.
    elif not checkouts.can_forward(repository.root, at, back):
        yield f"{repository.root} has changes that would be in the way", "commit or stash them there"


def holds(plan: UndoPlan, removed: RemovedTree) -> bool:
    """Say whether a removed tree's branch is at its commit again."""
    return removed.branch is not None and refs.tip_of(plan.repository.git, removed.branch) == removed.commit


def is_half_made(plan: UndoPlan, path: Path) -> bool:
    """Say whether an undo that died made a worktree without checking its files out."""
    admin = worktree_list.admin_of(plan.repository.common_dir, path)
    return worktrees.holds_no_file(path) if admin is None else not (admin / "index").exists()

"""`undo`: the last `clean` or `rewind` of a run is brought back from salvage."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from swarm import errors
from swarm.failpoints import failpoint
from swarm.files import is_in_place
from swarm.git import merging, placements, salvage
from swarm.git.repository import Repository, holds_commit, repository_at
from swarm.git.worktrees import Tree
from swarm.store import ledger
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves import intents, leftovers, trees
from swarm.waves.chain import integration_branch
from swarm.waves.intents import Intent
from swarm.waves.recovery import Restored, UndoResult
from swarm.workspace import Workspace


class Back(NamedTuple):
    """Something to bring back: a branch, and a worktree of it, or one without a branch at `commit`.

    `tip` is where the branch may stand still; `held` the ref that is no longer needed afterwards.
    """

    name: str
    branch: str | None
    commit: str
    tip: str | None
    path: Path | None
    held: str | None


class Plan(NamedTuple):
    """What an undo does: `checkout` is the branch that a rewind moved, and from where to where it goes back."""

    run: Run
    repository: Repository
    workspace: Workspace
    intent: Intent
    backs: tuple[Back, ...]
    checkout: tuple[str, str, str] | None


def undo(store: Store, workspace: Workspace, run: Run, *, apply: bool, reason: str) -> UndoResult:
    """Bring back what the last `clean` or `rewind` of a run took away; what is recorded of its waves stays.

    All or nothing is decided before anything is touched, and a call that died is gone on with. Raises UndoRefused.
    """
    repository = repository_at(Path(run.local_path))
    if not apply:
        return _told(run, _planned(store.conn, workspace, repository, run), applied=False)
    with trees.worktree_lock(repository, "undo"):
        plan = _planned(store.conn, workspace, repository, run)
        if plan is None:
            return _told(run, None, applied=True)
        _bring_back(plan)
        failpoint("undo.before_commit")
        told: dict[str, object] = {
            "verb": plan.intent.verb,
            "of": plan.intent.seq,
            "restored": [back.name for back in plan.backs],
        }
        with store.mutation() as conn:
            ledger.append(conn, intents.entry(run.id, intents.UNDONE, told, reason))
        failpoint("undo.after_commit")
    return _told(run, plan, applied=True)


def _planned(conn: sqlite3.Connection, workspace: Workspace, repository: Repository, run: Run) -> Plan | None:
    intent = intents.last(conn, run.id)
    if intent is None:
        return None
    told = intent.told
    if intent.verb == "clean":
        plan = Plan(run, repository, workspace, intent, tuple(_cleaned(run, told)), None)
    else:
        moved = (told["branch"], told["to"], told["from"]) if told["to"] != told["from"] else None
        plan = Plan(run, repository, workspace, intent, tuple(_rewound(run, told)), moved)
    if problems := [*_hindrances(plan), *_moved_on(plan)]:
        problem, remedy = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise errors.UndoRefused(verb=intent.verb, problem=problem + more, remedy=remedy, run_id=run.id)
    return plan


def _cleaned(run: Run, told: dict[str, Any]) -> Iterator[Back]:
    for item in told["items"]:
        if item["state"] == leftovers.ABANDONED:
            continue
        path = Path(item["path"]) if item["path"] else None
        branch, commit = item["branch"], item["commit"]
        if branch is None and item["salvage"]:
            yield Back(item["name"], f"swarm/{run.hex}/salvaged-{item['name']}", commit, None, None, item["salvage"])
            commit = item["base"] or commit
        if branch is not None or path is not None:
            held = item["salvage"] if branch is not None else None
            yield Back(item["name"], branch, commit, item["tip"], path, held)


def _rewound(run: Run, told: dict[str, Any]) -> Iterator[Back]:
    for one in told["refs"]:
        name = one["ref"].rpartition("/")[2].replace(".", "-")
        match one["kind"]:
            case "dirt":
                yield Back(name, f"swarm/{run.hex}/salvaged-{name}", one["commit"], None, None, one["ref"])
            case "integration":
                yield Back(name, integration_branch(run), one["commit"], None, None, one["ref"])
            case _:
                yield Back(name, None, one["commit"], None, None, one["ref"])


def _hindrances(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield why something cannot be brought back, each with what to do about it."""
    git, folder = plan.repository.git, leftovers.tree_folder(plan.workspace, plan.run)
    for back in plan.backs:
        if not holds_commit(git, back.commit):
            yield f"commit {back.commit[:12]} of {back.name} is gone", "there is nothing to bring it back from"
        if back.branch is not None and merging.tip_of(git, back.branch) not in {None, back.commit, back.tip}:
            yield f"branch {back.branch} is elsewhere now", f"`git branch -m {back.branch} …` moves it out of the way"
        path = back.path
        if path is None or not (path.exists() or path.is_symlink()):
            continue
        if path.is_symlink() or path.parent != folder or not is_in_place(path, folder.parent):
            yield f"something else is at {path}", "move it out of the way"


def _moved_on(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield why the branch that a rewind moved cannot go back."""
    if plan.checkout is None:
        return
    (branch, at, back), repository = plan.checkout, plan.repository
    if repository.branch != branch:
        yield f"branch {branch} is not checked out", f"`git checkout {branch}` first"
    elif repository.head not in {at, back}:
        yield f"branch {branch} has moved on since, to {repository.head[:12]}", f"`git branch back {back}` keeps it"
    elif not holds_commit(repository.git, back):
        yield f"commit {back[:12]} is gone", "there is nothing to bring it back from"
    elif not merging.can_forward(repository.root, at, back):
        yield f"{repository.root} has changes that would be in the way", "commit or stash them there"


def _bring_back(plan: Plan) -> None:
    repository, git = plan.repository, plan.repository.git
    if plan.checkout is not None and repository.head == plan.checkout[1]:
        branch, at, back = plan.checkout
        failpoint("undo.before_reset")
        merging.forward_checkout(repository.root, branch, at, back)
        failpoint("undo.after_reset")
    for back_to in plan.backs:
        _restore(plan, back_to)
    for back_to in plan.backs:
        # Its branch holds it again; of a clean that died, the tree does.
        if back_to.held is not None and (back_to.branch is None or _holds(plan, back_to)):
            salvage.drop(git, back_to.held, back_to.commit)


def _holds(plan: Plan, back: Back) -> bool:
    return back.branch is not None and merging.tip_of(plan.repository.git, back.branch) == back.commit


def _restore(plan: Plan, back: Back) -> None:
    git, path = plan.repository.git, back.path
    if path is not None and path.exists() and not _is_half_made(plan, path):
        return
    failpoint("undo.before_restore")
    if back.branch is not None:
        merging.move_branch(git, back.branch, merging.tip_of(git, back.branch), back.commit)
    if path is not None:
        if not path.exists() and any(one.path == path for one in placements.placements(git)):
            # Of a clean that died: its folder is gone, and git has not heard of it.
            placements.forget(git, path)
        trees.make_trees(git, [(back.name, Tree(path, back.branch))], back.commit)
    failpoint("undo.after_restore")


def _is_half_made(plan: Plan, path: Path) -> bool:
    """Say whether a worktree is one that an undo which died had not checked out yet."""
    admin = placements.admin_of(plan.repository.common_dir, path)
    return admin is not None and not (admin / "index").exists()


def _told(run: Run, plan: Plan | None, *, applied: bool) -> UndoResult:
    status = f"swarm status {run.id}"
    if plan is None:
        return UndoResult(run.id, applied, None, None, (), (), "Nothing to undo.", status)
    verb, told = plan.intent.verb, plan.intent.told
    restored = tuple(
        Restored(back.name, back.branch, back.commit, str(back.path) if back.path else None, back.held)
        for back in plan.backs
        if back.branch is not None or back.path is not None
    )
    if plan.checkout is not None:
        branch, _, commit = plan.checkout
        restored = (Restored(branch, branch, commit, str(plan.repository.root), None), *restored)
    stays = []
    if told.get("waves"):
        stays.append(f"waves {', '.join(map(str, told['waves']))} stay aborted_for_rewind")
    if count := told.get("findings"):
        stays.append(f"{count} {'finding stays' if count == 1 else 'findings stay'} unverified until looked at again")
    word = "Brought back" if applied else "Would bring back"
    summary = f"{word} what the last {verb} took away: {len(restored)} {'thing' if len(restored) == 1 else 'things'}."
    following = status if applied else f"swarm undo {run.id} --apply --reason '…'"
    return UndoResult(run.id, applied, verb, plan.intent.seq, restored, tuple(stays), summary, following)

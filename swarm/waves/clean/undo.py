"""`undo`: the last `clean` or `rewind` of a run is brought back from salvage."""

import shlex
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from swarm import errors
from swarm.files import is_in_place
from swarm.git import checkouts, refs, worktree_list, worktrees
from swarm.git.repository import Repository, holds_commit, holds_object, repository_at
from swarm.git.worktrees import Tree
from swarm.results.undo import Restored, UndoResult
from swarm.rules.ref_names import integration_branch, salvaged_branch
from swarm.store import ledger, waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.clean import intents, leftovers
from swarm.waves.clean.intents import Intent
from swarm.waves.trees import worktrees as agent_trees
from swarm.waves.trees.sparse import Origin, held_after
from swarm.workspace import Workspace, wave_of_tree


class Back(NamedTuple):
    """Something to bring back: a branch, and a worktree of it, or one without a branch at `commit`.

    `tip` is where the branch may stand still; `held` the ref that is no longer needed afterwards; `only` the files of
    a sparse tree.
    """

    name: str
    branch: str | None
    commit: str
    tip: str | None
    path: Path | None
    held: str | None
    only: tuple[str, ...] | None = None


class Work(NamedTuple):
    """A ref that kept an agent's judged work, its tree, and the ref and commit that hold it meanwhile."""

    name: str
    ref: str
    tree: str
    held: str | None
    commit: str


class Plan(NamedTuple):
    """What an undo does: `checkout` is the branch that a rewind moved, and from where to where it goes back."""

    run: Run
    repository: Repository
    workspace: Workspace
    intent: Intent
    backs: tuple[Back, ...]
    checkout: tuple[str, str, str] | None
    works: tuple[Work, ...] = ()


def undo(store: Store, workspace: Workspace, run: Run, *, apply: bool, reason: str) -> UndoResult:
    """Bring back what the last `clean` or `rewind` of a run took away; what is recorded of its waves stays.

    All or nothing is decided before anything is touched, and a call that died is gone on with. Raises UndoRefused.
    """
    repository = repository_at(Path(run.local_path))
    if not apply:
        return _told(run, _planned(store.conn, workspace, repository, run), applied=False)
    with agent_trees.worktree_lock(repository, "undo"):
        plan = _planned(store.conn, workspace, repository, run)
        if plan is None:
            return _told(run, None, applied=True)
        _bring_back(plan)
        told: dict[str, object] = {
            "verb": plan.intent.verb,
            "of": plan.intent.seq,
            "restored": [*(back.name for back in plan.backs), *(work.name for work in plan.works)],
        }
        with store.mutation() as conn:
            ledger.append(conn, intents.entry(run.id, intents.UNDONE, told, reason))
    return _told(run, plan, applied=True)


def _planned(conn: sqlite3.Connection, workspace: Workspace, repository: Repository, run: Run) -> Plan | None:
    intent = intents.last(conn, run.id)
    if intent is None:
        return None
    told = intent.told
    if intent.verb == "clean":
        backs = tuple(_as_it_was(conn, workspace, repository, run, back) for back in _cleaned(run, told))
        plan = Plan(
            run=run,
            repository=repository,
            workspace=workspace,
            intent=intent,
            backs=backs,
            checkout=None,
            works=tuple(_works(told)),
        )
    else:
        moved = (told["branch"], told["to"], told["from"]) if told["to"] != told["from"] else None
        plan = Plan(run, repository, workspace, intent, tuple(_rewound(run, told)), moved)
    # What else there is to say of them is told of somebody else's, and would have those moved away.
    if problems := list(_successors(conn, plan)) or [*_hindrances(plan), *_moved_on(plan)]:
        problem, remedy = problems[0]
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise errors.UndoRefused(verb=intent.verb, problem=problem + more, remedy=remedy, run_id=run.id)
    return plan


def _cleaned(run: Run, told: dict[str, Any]) -> Iterator[Back]:
    for item in told["items"]:
        if item["state"] == leftovers.ABANDONED or "work" in item:
            continue
        path = Path(item["path"]) if item["path"] else None
        branch, commit = item["branch"], item["commit"]
        if branch is None and item["salvage"]:
            yield Back(item["name"], salvaged_branch(run.hex, item["name"]), commit, None, None, item["salvage"])
            commit = item["base"] or commit
        if branch is not None or path is not None:
            held = item["salvage"] if branch is not None else None
            yield Back(item["name"], branch, commit, item["tip"], path, held)


def _as_it_was(conn: sqlite3.Connection, workspace: Workspace, repository: Repository, run: Run, back: Back) -> Back:
    """Return the same with the files that its tree had, where that was a sparse one."""
    number = wave_of_tree(back.path.name) if back.path is not None else None
    wave = waves.numbered(conn, run.id, number) if number is not None else None
    if back.path is None or wave is None or not holds_commit(repository.git, back.commit):
        return back
    origin = Origin(repository, wave, workspace.wave_folder(run.id, wave.number))
    return back._replace(only=held_after(origin, back.path.name, back.commit))


def _works(told: dict[str, Any]) -> Iterator[Work]:
    for item in told["items"]:
        if "work" in item:
            yield Work(item["name"], item["work"], item["tip"], item["salvage"], item["commit"])


def _rewound(run: Run, told: dict[str, Any]) -> Iterator[Back]:
    for one in told["refs"]:
        name = one["ref"].rpartition("/")[2].replace(".", "-")
        match one["kind"]:
            case "dirt":
                yield Back(name, salvaged_branch(run.hex, name), one["commit"], None, None, one["ref"])
            case "integration":
                yield Back(name, integration_branch(run.hex), one["commit"], None, None, one["ref"])
            case _:
                yield Back(name, None, one["commit"], None, None, one["ref"])


def _successors(conn: sqlite3.Connection, plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what agents were given meanwhile in the place of what was taken away; it may look the same."""
    given = leftovers.given_since(conn, plan.run, plan.intent.seq)
    for back in plan.backs:
        if back.branch in given:
            problem = f"branch {back.branch} is one of wave {given[back.branch]} now, dispatched since"
            yield problem, _aside(plan)
        elif back.path is not None and back.path.name in given:
            yield f"{back.path} is a tree of wave {given[back.path.name]} now, dispatched since", _aside(plan)


def _aside(plan: Plan) -> str:
    """Return how to bring back what was saved beside what is in its place."""
    git, commands, saved = plan.repository.git, [], ""
    for held in (back.held for back in plan.backs if back.held is not None):
        commit = refs.tip(git, held)
        if commit is None:
            continue
        name = salvaged_branch(plan.run.hex, held.rpartition("/")[2])
        names = (name if number == 1 else f"{name}-{number}" for number in count(1))
        free, at = next((one, tip) for one in names if (tip := refs.tip_of(git, one)) in {None, commit})
        saved = f"what was saved is kept by {held}"
        if at is None:
            commands.append(f"git branch {shlex.quote(free)} {shlex.quote(held)}")
    if commands:
        return f"`{' && '.join(commands)}` brings back what was saved on a branch of its own"
    return f"{saved}, and has a branch" if saved else "nothing had to be saved, so nothing is lost"


def _hindrances(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield why something cannot be brought back, each with what to do about it."""
    git, folder = plan.repository.git, leftovers.tree_folder(plan.workspace, plan.run)
    for work in plan.works:
        if not holds_object(git, work.tree):
            yield f"tree {work.tree[:12]} of {work.name} is gone", "there is nothing to bring it back from"
    for back in plan.backs:
        if not holds_commit(git, back.commit):
            yield f"commit {back.commit[:12]} of {back.name} is gone", "there is nothing to bring it back from"
        if back.branch is not None and refs.tip_of(git, back.branch) not in {None, back.commit, back.tip}:
            yield f"branch {back.branch} is elsewhere now", f"`git branch -m {back.branch} …` moves it out of the way"
        path = back.path
        if path is None or not (path.exists() or path.is_symlink()):
            continue
        if path.is_symlink() or path.parent != folder or not is_in_place(path, folder.parent):
            yield f"something else is at {path}", "move it out of the way"
        elif _is_anothers(plan, back, path):
            yield f"something else is at {path}", _aside(plan)


def _is_anothers(plan: Plan, back: Back, path: Path) -> bool:
    """Say whether a tree was made since: the clean was done with it, and an undo that died moves its branch first."""
    is_done = plan.intent.kind == intents.CLEANED and back.branch is not None
    return is_done and not _holds(plan, back) and not _is_half_made(plan, path)


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
    elif not checkouts.can_forward(repository.root, at, back):
        yield f"{repository.root} has changes that would be in the way", "commit or stash them there"


def _bring_back(plan: Plan) -> None:
    repository, git = plan.repository, plan.repository.git
    if plan.checkout is not None:
        branch, at, back = plan.checkout
        # Of a rewind that died between its files and its branch, the branch has not moved, and the files have.
        forward = checkouts.forward_checkout if repository.head == at else checkouts.forward_files
        forward(repository.root, branch, at, back)
    for back_to in plan.backs:
        _restore(plan, back_to)
    for back_to in plan.backs:
        # Its branch holds it again; of a clean that died, the tree does.
        if back_to.held is not None and (back_to.branch is None or _holds(plan, back_to)):
            refs.drop(git, back_to.held, back_to.commit)
    for work in plan.works:
        if refs.tip(git, work.ref) is None:
            refs.create(git, work.ref, work.tree)
        if work.held is not None:
            refs.drop(git, work.held, work.commit)


def _holds(plan: Plan, back: Back) -> bool:
    return back.branch is not None and refs.tip_of(plan.repository.git, back.branch) == back.commit


def _restore(plan: Plan, back: Back) -> None:
    git, path = plan.repository.git, back.path
    if path is not None and path.exists() and not _is_half_made(plan, path):
        return
    if back.branch is not None:
        refs.move_branch(git, back.branch, refs.tip_of(git, back.branch), back.commit)
    if path is not None:
        if not path.exists() and any(one.path == path for one in worktree_list.placements(git)):
            # Of a clean that died: its folder is gone, and git has not heard of it.
            worktree_list.forget(git, path)
        agent_trees.make_tree(git, Tree(path, back.branch, back.only), back.commit)


def _is_half_made(plan: Plan, path: Path) -> bool:
    """Say whether a worktree is one that an undo which died had not checked out yet."""
    admin = worktree_list.admin_of(plan.repository.common_dir, path)
    return worktrees.holds_no_file(path) if admin is None else not (admin / "index").exists()


def _told(run: Run, plan: Plan | None, *, applied: bool) -> UndoResult:
    status = f"swarm status {run.id}"
    if plan is None:
        return UndoResult(
            run_id=run.id,
            applied=applied,
            verb=None,
            seq=None,
            restored=(),
            stays=(),
            summary="Nothing to undo.",
            next_action=status,
        )
    verb, told = plan.intent.verb, plan.intent.told
    restored = tuple(
        Restored(back.name, back.branch, back.commit, str(back.path) if back.path else None, back.held)
        for back in plan.backs
        if back.branch is not None or back.path is not None
    )
    restored += tuple(Restored(work.name, None, work.tree, None, work.held) for work in plan.works)
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
    return UndoResult(
        run_id=run.id,
        applied=applied,
        verb=verb,
        seq=plan.intent.seq,
        restored=restored,
        stays=tuple(stays),
        summary=summary,
        next_action=following,
    )

"""`undo`: bring back everything that the last `clean` or `rewind` of a run removed."""

from pathlib import Path

from swarm.git import checkouts, refs, worktree_list
from swarm.git.repository import repository_at
from swarm.git.worktrees import Tree
from swarm.results.undo import Restored, UndoResult
from swarm.store import ledger
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.clean import intents
from swarm.waves.clean.undo_plan import RemovedTree, UndoPlan, holds, is_half_made, plan_undo
from swarm.waves.trees import worktrees as agent_trees
from swarm.workspace import Workspace


def undo(store: Store, workspace: Workspace, run: Run, *, apply: bool, reason: str) -> UndoResult:
    """Bring back everything that the last `clean` or `rewind` of a run removed; the states of its waves stay.

    All reasons to refuse are checked before anything is touched, and the next call continues an undo that died. Raises
    UndoRefused.
    """
    repository = repository_at(Path(run.local_path))
    if not apply:
        return _result(run, plan_undo(store.conn, workspace, repository, run), applied=False)
    with agent_trees.worktree_lock(repository, "undo"):
        plan = plan_undo(store.conn, workspace, repository, run)
        if plan is None:
            return _result(run, None, applied=True)
        _bring_back(plan)
        payload: dict[str, object] = {
            "verb": plan.intent.verb,
            "of": plan.intent.seq,
            "restored": [*(removed.name for removed in plan.trees), *(work.name for work in plan.works)],
        }
        # Recorded last: until then the next call finds the same step and repeats what is missing.
        with store.mutation() as conn:
            ledger.append(conn, intents.entry(run.id, intents.UNDONE, payload, reason))
    return _result(run, plan, applied=True)


def _bring_back(plan: UndoPlan) -> None:
    repository, git = plan.repository, plan.repository.git
    if plan.checkout is not None:
        branch, at, back = plan.checkout
        # A rewind that died between its files and its branch has moved the files alone.
        forward = checkouts.forward_checkout if repository.head == at else checkouts.forward_files
        forward(repository.root, branch, at, back)
    for removed in plan.trees:
        _restore(plan, removed)
    for removed in plan.trees:
        # The salvage ref stays while the branch is elsewhere: a clean that died left the work in its tree alone.
        if removed.held is not None and (removed.branch is None or holds(plan, removed)):
            refs.drop(git, removed.held, removed.commit)
    for work in plan.works:
        if refs.tip(git, work.ref) is None:
            refs.create(git, work.ref, work.tree)
        if work.held is not None:
            refs.drop(git, work.held, work.commit)


def _restore(plan: UndoPlan, removed: RemovedTree) -> None:
    git, path = plan.repository.git, removed.path
    # A tree that an earlier try restored stays, also with edits made in it since.
    if path is not None and path.exists() and not is_half_made(plan, path):
        return
    if removed.branch is not None:
        # The branch before the tree: a clean that died may have left the branch at another commit.
        refs.move_branch(git, removed.branch, refs.tip_of(git, removed.branch), removed.commit)
    if path is not None:
        if not path.exists() and any(tree.path == path for tree in worktree_list.placements(git)):
            # A clean that died has removed the folder, and git still records the worktree there.
            worktree_list.forget(git, path)
        agent_trees.make_tree(git, Tree(path, removed.branch, removed.only), removed.commit)


def _result(run: Run, plan: UndoPlan | None, *, applied: bool) -> UndoResult:
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
    verb, payload = plan.intent.verb, plan.intent.payload
    restored = tuple(
        Restored(
            removed.name, removed.branch, removed.commit, str(removed.path) if removed.path else None, removed.held
        )
        for removed in plan.trees
        if removed.branch is not None or removed.path is not None
    )
    restored += tuple(Restored(work.name, None, work.tree, None, work.held) for work in plan.works)
    if plan.checkout is not None:
        branch, _, commit = plan.checkout
        restored = (Restored(branch, branch, commit, str(plan.repository.root), None), *restored)
    stays = []
    if payload.get("waves"):
        stays.append(f"waves {', '.join(map(str, payload['waves']))} stay aborted_for_rewind")
    if count := payload.get("findings"):
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

"""`rewind`: move the branch back to a save point and end the run's later waves in one transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from swarm import clock
from swarm.git import history, salvage
from swarm.git import refs as refs_of_git
from swarm.git import rewind as git_rewind
from swarm.git.repository import Repository
from swarm.git.runner import GitError
from swarm.git.salvage import Unsavable
from swarm.results.rewind import RewindResult
from swarm.rules.ref_names import head_ref, integration_branch
from swarm.store import observations, waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.clean import intents
from swarm.waves.clean.record_rewind import record_rewind
from swarm.waves.clean.rewind_plan import RewindPlan, RewindRequest, is_nothing, plan_rewind, refused
from swarm.waves.clean.rewind_target import SavePoint
from swarm.waves.launch import supervision
from swarm.waves.trees import worktrees
from swarm.workspace import Workspace


def rewind(
    store: Store, workspace: Workspace, repository: Repository, point: SavePoint, request: RewindRequest
) -> RewindResult:
    """Bring HEAD's branch and the checkout to a save point, then end the waves that the run has not promoted.

    Git first, then one transaction; the next call continues a rewind that died or failed in between. Raises
    RewindRefused, RewindNotClean, LaunchInProgress, and RewindStateSplit when the transaction fails after git is done.
    """
    run = point.run
    wave = waves.in_flight(store.conn, run.id)
    if not request.apply:
        if wave is not None:
            supervision.hold_to_no_supervisor(workspace, run, wave)
        plan = plan_rewind(store.conn, workspace, repository, point, force=request.force)
        return _result(store.conn, plan, request, ())
    with (
        # The lock of merges first: its holder may take the lock of worktrees, never the other way round.
        _no_merge(store.conn, workspace, run),
        worktrees.worktree_lock(repository, "rewind"),
        _alone(store, workspace, run, wave),
    ):
        plan = plan_rewind(store.conn, workspace, repository, point, force=request.force)
        if is_nothing(store.conn, plan):
            return _result(store.conn, plan, request, ())
        # The intent is in the ledger before git moves: a kill from here on is continued or undone from the intent.
        intent = _begun(store, plan, request)
        _bring_git(plan, intent)
        findings = record_rewind(store, plan, request, intent)
        return _result(store.conn, plan, request, tuple(saved["ref"] for saved in intent["refs"]), findings)


def _no_merge(conn: sqlite3.Connection, workspace: Workspace, run: Run) -> AbstractContextManager[None]:
    """Wait for a merge of the run, which would publish the work that the rewind ends; a run without waves has none."""
    return nullcontext() if waves.newest(conn, run.id) is None else worktrees.merge_lock(workspace, run, "rewind")


@contextmanager
def _alone(store: Store, workspace: Workspace, run: Run, wave: Wave | None) -> Iterator[None]:
    if wave is None:
        yield
        return
    with supervision.only_supervisor(workspace, run, wave):
        supervision.close_dead_attempts(store, run, wave)
        yield


def _begun(store: Store, plan: RewindPlan, request: RewindRequest) -> dict[str, Any]:
    """Save everything that would be lost and record the intent. A failure leaves no ref behind."""
    run = plan.point.run
    try:
        with salvage.kept_if_recorded(plan.repository.git, run.id):
            intent = _saved(plan)
            intents.begin(store, run.id, intents.REWIND_BEGUN, intent, request.reason)
    except GitError as error:
        if error.is_of_disk or error.lock is not None:
            raise error.typed() from error
        raise refused(run, error.stderr, "commit or stash what is there, then repeat") from error
    except Unsavable as error:
        raise refused(run, f"git does not take {error}", "commit or stash what is there, then repeat") from error
    return intent


def _saved(plan: RewindPlan) -> dict[str, Any]:
    git, run, head, to = plan.repository.git, plan.point.run, plan.repository.head, plan.point.commit
    # An earlier try may have saved the work already; its refs stay part of the intent.
    saved: list[dict[str, str]] = list(plan.begun["refs"]) if plan.begun else []
    held = [to, *(kept["commit"] for kept in saved)]
    # Commits that are reachable from a ref that stays need no ref of their own.
    if plan.found.files or not any(history.is_ancestor(git, head, commit) for commit in held):
        ref = git_rewind.save(plan.repository, run.id, plan.found, clock.now(), run.created)
        kind = "dirt" if plan.found.files else "branch"
        if ref not in {kept["ref"] for kept in saved}:
            saved.append({"ref": ref, "commit": refs_of_git.tip(git, ref) or "", "kind": kind})
    if plan.integration is not None and plan.integration not in {kept["commit"] for kept in saved}:
        tree = history.tree_of(git, plan.integration)
        ref = salvage.keep(git, run.id, "integration", tree, [plan.integration], "", clock.now())
        saved.append({"ref": ref, "commit": plan.integration, "kind": "integration"})
    return {"savePoint": plan.point.name, "branch": plan.branch, "from": plan.begins_at, "to": to, "refs": saved}


def _bring_git(plan: RewindPlan, intent: dict[str, Any]) -> None:
    repository = plan.repository
    run, refs = plan.point.run, {saved["ref"]: saved["commit"] for saved in intent["refs"]}
    if repository.head != plan.point.commit or plan.found.files:
        kept = git_rewind.Saved(run.id, run.created, plan.found, refs)
        git_rewind.bring_to(repository, plan.branch, plan.point.commit, kept)
    # Only after it is saved: the integration branch may hold the only copy of merged work.
    for saved in intent["refs"]:
        if saved["kind"] == "integration":
            refs_of_git.drop(repository.git, head_ref(integration_branch(run.hex)), saved["commit"])


def _result(
    conn: sqlite3.Connection, plan: RewindPlan, request: RewindRequest, refs: Sequence[str], findings: int | None = None
) -> RewindResult:
    run, git, to = plan.point.run, plan.repository.git, plan.point.commit
    numbers = tuple(wave.number for wave in plan.waves)
    changes_nothing = not refs and is_nothing(conn, plan)
    commits = refs_of_git.alone(git, plan.begins_at, [to])
    again = f"swarm rewind {plan.point.name}{' --force' if request.force else ''}"
    again += " --force-arbitrary-ref" if plan.point.name != run.save_point_tag else ""
    word = "is" if request.apply else "would be"
    back = f"{commits} {'commit' if commits == 1 else 'commits'}"
    summary = f"{plan.branch} {word} at {plan.point.name} ({to[:12]}), {back} back."
    if changes_nothing:
        summary = f"Nothing to rewind: {plan.branch} is at {plan.point.name}, and the run has nothing to take back."
    done = request.apply or changes_nothing
    return RewindResult(
        run_id=run.id,
        applied=request.apply,
        forced=request.force,
        state_split=bool(plan.begun) and not request.apply,
        save_point=plan.point.name,
        branch=plan.branch,
        from_commit=plan.begins_at,
        to_commit=to,
        commits=commits,
        dirt=plan.found.files,
        salvage=tuple(refs),
        integration=plan.integration,
        waves=numbers,
        agent_runs=tuple(agent.id for agent in plan.agents),
        findings=observations.unverified_by(conn, run.id, numbers) if findings is None else findings,
        from_status=run.status,
        to_status=plan.status,
        summary=summary,
        next_action=f"swarm status {run.id}" if done else f"{again} --apply --reason '…'",
    )

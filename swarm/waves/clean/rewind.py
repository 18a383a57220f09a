"""`rewind`: the branch goes back to a save point, and what the run made since is taken back in one transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import clock, errors
from swarm.git import checkouts, history, salvage
from swarm.git import refs as refs_of_git
from swarm.git import rewind as git_rewind
from swarm.git.repository import Repository, commit_of, holds_commit
from swarm.git.rewind import Lost
from swarm.git.runner import GitError
from swarm.git.salvage import Unsavable
from swarm.interruption import postponed
from swarm.results.rewind import RewindResult
from swarm.rules.ref_names import head_ref, integration_branch, run_of_save_point, salvage_refs, tag_ref
from swarm.rules.states import AGENT_RUN, WAVE, AgentRunStatus, WaveStatus
from swarm.store import agent_runs, fix_claims, ledger, observations, runs, transitions, waves
from swarm.store import promotions as promotions_table
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves import selection
from swarm.waves.clean import intents
from swarm.waves.clean.unfinished_rewind import goes_on
from swarm.waves.launch import supervision
from swarm.waves.trees import worktrees
from swarm.workspace import Workspace

_MOST_NAMED: Final = 5


class Wish(NamedTuple):
    """What the caller asked for. A reason is there whenever it is to be applied."""

    apply: bool
    force: bool
    reason: str


class SavePoint(NamedTuple):
    """Where a run is rewound to: its save point, or another commit by the name that the caller gave it."""

    run: Run
    name: str
    commit: str


class Plan(NamedTuple):
    """All that a rewind will do. `begun` is what a call that died has written down and saved."""

    point: SavePoint
    repository: Repository
    branch: str
    begins_at: str
    found: Lost
    integration: str | None
    waves: tuple[Wave, ...]
    agents: tuple[AgentRun, ...]
    status: str
    begun: dict[str, Any] | None


def save_point(conn: sqlite3.Connection, word: str, repository: Repository, *, arbitrary: bool) -> SavePoint:
    """Return what a word means: a save point's tag, a run, or with `arbitrary` any commit of the newest run's.

    Raises SavePointUnknown, RunAmbiguous, RewindRefused for a run of another repository or a tag that was moved.
    """
    git, run = repository.git, _run_of(conn, word)
    if run is None:
        commit = commit_of(git, word) if arbitrary else None
        newest = runs.newest_around(conn, repository.root)
        if commit is None or newest is None:
            told = " in this repository" if arbitrary else ""
            raise errors.SavePointUnknown(received=errors.shortened(word), told=told)
        return SavePoint(_of_this_repository(newest, repository), word, commit)
    _of_this_repository(run, repository)
    tagged = commit_of(git, tag_ref(run.save_point_tag))
    if tagged not in {None, run.commit_sha}:
        raise errors.RewindRefused(
            problem=f"tag {run.save_point_tag} was moved from {run.commit_sha[:12]} to {(tagged or '')[:12]}",
            remedy=f"name the commit that you mean: `swarm rewind {run.commit_sha} --force-arbitrary-ref`",
            run_id=run.id,
        )
    if not holds_commit(git, run.commit_sha):
        told = f": commit {run.commit_sha[:12]} is not in this repository"
        raise errors.SavePointUnknown(received=errors.shortened(word), told=told)
    return SavePoint(run, run.save_point_tag, run.commit_sha)


def _run_of(conn: sqlite3.Connection, word: str) -> Run | None:
    if (run_id := run_of_save_point(word)) is not None:
        return runs.find(conn, run_id)
    try:
        return selection.select_run(conn, word, Path("/"))
    except errors.RunNotFound:
        return None


def _of_this_repository(run: Run, repository: Repository) -> Run:
    if Path(run.local_path).resolve() == repository.root:
        return run
    is_moved = not Path(run.local_path).exists()
    lead = f"if this is it and was moved, lead its old place here: `ln -s '{repository.root}' '{run.local_path}'`"
    raise errors.RewindRefused(
        problem=f"run {run.id} belongs to {run.local_path}, and this is {repository.root}",
        remedy=lead if is_moved else "call it in the run's own checkout",
        run_id=run.id,
    )


def rewind(store: Store, workspace: Workspace, repository: Repository, point: SavePoint, wish: Wish) -> RewindResult:
    """Bring HEAD's branch and the checkout to a save point, then end what the run has not promoted.

    Git first, then one transaction; a call that died or failed in between is gone on with by the next. Raises
    RewindRefused, RewindNotClean, LaunchInProgress, and RewindStateSplit when the transaction fails after git is done.
    """
    run = point.run
    wave = waves.in_flight(store.conn, run.id)
    if not wish.apply:
        if wave is not None:
            supervision.hold_to_no_supervisor(workspace, run, wave)
        plan = _planned(store.conn, workspace, repository, point, wish)
        return _told(store.conn, plan, wish, ())
    with (
        _no_merge(store.conn, workspace, run),
        worktrees.worktree_lock(repository, "rewind"),
        _alone(store, workspace, run, wave),
    ):
        plan = _planned(store.conn, workspace, repository, point, wish)
        if _is_nothing(store.conn, plan):
            return _told(store.conn, plan, wish, ())
        told = _begun(store, plan, wish)
        _bring_git(plan, told)
        findings = _commit(store, plan, wish, told)
        return _told(store.conn, plan, wish, tuple(one["ref"] for one in told["refs"]), findings)


def _no_merge(conn: sqlite3.Connection, workspace: Workspace, run: Run) -> AbstractContextManager[None]:
    """Wait for a merge of the run, which would publish what is taken back here; without a wave there is none."""
    return nullcontext() if waves.newest(conn, run.id) is None else worktrees.merge_lock(workspace, run, "rewind")


@contextmanager
def _alone(store: Store, workspace: Workspace, run: Run, wave: Wave | None) -> Iterator[None]:
    if wave is None:
        yield
        return
    with supervision.only_supervisor(workspace, run, wave):
        supervision.close_dead_attempts(store, run, wave)
        yield


def _planned(
    conn: sqlite3.Connection, workspace: Workspace, repository: Repository, point: SavePoint, wish: Wish
) -> Plan:
    run = runs.find(conn, point.run.id) or point.run
    branch = _branch(repository, run, wish)
    _hold_to_control_plane(workspace, repository, point)
    found = git_rewind.lost(repository, point.commit)
    if found.untakable:
        raise _refused(run, f"git cannot keep {', '.join(found.untakable)}", "move it out of the checkout")
    if found.files and not wish.force:
        files = found.files[:_MOST_NAMED]
        shown = ", ".join(files) + (", …" if len(found.files) > len(files) else "")
        raise errors.RewindNotClean(path=str(repository.root), count=len(found.files), files=shown)
    ending, working, status = _not_promoted(conn, run.id)
    begun = _unfinished(conn, run, repository, point)
    begins_at = begun["from"] if begun else repository.head
    integration = _integration(repository, run, point)
    return Plan(
        point=point._replace(run=run),
        repository=repository,
        branch=branch,
        begins_at=begins_at,
        found=found,
        integration=integration,
        waves=ending,
        agents=working,
        status=status,
        begun=begun,
    )


def _not_promoted(conn: sqlite3.Connection, run_id: str) -> tuple[tuple[Wave, ...], tuple[AgentRun, ...], str]:
    """Return the waves and the agents that a rewind ends, and the phase that the run goes back to."""
    ending = tuple(one for one in waves.all_of(conn, run_id) if one.status not in WAVE.terminal)
    working = tuple(
        agent for wave in ending for agent in agent_runs.all_of(conn, wave.id) if agent.status not in AGENT_RUN.terminal
    )
    promotions = promotions_table.promotions_of(conn, run_id)
    return ending, working, promotions[-1].to_phase if promotions else "initializing"


def _branch(repository: Repository, run: Run, wish: Wish) -> str:
    """Return the branch that is rewound. Raises RewindRefused where it is none that could be."""
    git, branch = repository.git, repository.branch
    if (busy := git_rewind.unfinished(repository)) is not None:
        raise _refused(run, f"{busy} is not finished in {repository.root}", "finish it, or abort it, then repeat")
    if branch is None:
        remedy = f"check out the branch that you mean, such as `git checkout {run.branch or 'main'}`"
        raise _refused(run, f"HEAD is detached at {repository.head[:12]}", remedy)
    if run.branch is not None and branch != run.branch and not wish.force:
        remedy = f"`git checkout {run.branch}` first, or add `--force` to rewind {branch}"
        raise _refused(run, f"{branch} is checked out, and the run began on {run.branch}", remedy)
    for name in (branch, integration_branch(run.hex)):
        others = [str(one) for one in checkouts.checkouts_of(git, name) if one.resolve() != repository.root]
        if others:
            remedy = f"`git worktree remove {others[0]}`, or check something else out there"
            raise _refused(run, f"branch {name} is checked out at {others[0]} as well", remedy)
    return branch


def _refused(run: Run, problem: str, remedy: str) -> errors.RewindRefused:
    return errors.RewindRefused(problem=problem, remedy=remedy, run_id=run.id)


def _hold_to_control_plane(workspace: Workspace, repository: Repository, point: SavePoint) -> None:
    """Keep git from writing over the database that is open."""
    place = workspace.database.resolve()
    if not place.is_relative_to(repository.root):
        return
    path = place.relative_to(repository.root).as_posix()
    if any(git_rewind.is_tracked(repository.git, sha, path) for sha in (repository.head, point.commit)):
        remedy = f"`git rm --cached {path}` and commit, or move the control plane out of the checkout"
        raise _refused(point.run, f"the control plane {path} is a tracked file", remedy)


def _integration(repository: Repository, run: Run, point: SavePoint) -> str | None:
    """Return the tip of the integration branch, which would bring all back with the next merge, unless it is older."""
    tip = refs_of_git.tip_of(repository.git, integration_branch(run.hex))
    return None if tip is None or history.is_ancestor(repository.git, tip, point.commit) else tip


def _unfinished(conn: sqlite3.Connection, run: Run, repository: Repository, point: SavePoint) -> dict[str, Any] | None:
    known = intents.last(conn, run.id)
    if known is None or known.kind != intents.REWIND_BEGUN:
        return None
    is_this = known.told["to"] == point.commit and goes_on(known.told, repository)
    return known.told if is_this else None


def _is_nothing(conn: sqlite3.Connection, plan: Plan) -> bool:
    is_there = plan.repository.head == plan.point.commit and not plan.found.files and plan.integration is None
    run = plan.point.run
    still_open = observations.unverified_by(conn, run.id, [one.number for one in plan.waves])
    return is_there and not plan.begun and not plan.waves and not still_open and run.status == plan.status


def _begun(store: Store, plan: Plan, wish: Wish) -> dict[str, Any]:
    """Save what would be lost, and write down what will be done. A failure leaves no ref behind."""
    git, run = plan.repository.git, plan.point.run
    below = salvage_refs(run.id)
    known = refs_of_git.refs_below(git, below)
    # Once it is written down, what was saved must not be dropped.
    with postponed():
        try:
            told = _saved(plan)
            intents.begin(store, run.id, intents.REWIND_BEGUN, told, wish.reason)
        except BaseException as error:
            for ref, commit in refs_of_git.refs_below(git, below).items():
                if ref not in known:
                    refs_of_git.drop(git, ref, commit)
            if isinstance(error, GitError) and (error.is_of_disk or error.lock is not None):
                raise error.typed() from error
            if isinstance(error, Unsavable | GitError):
                words = error.stderr if isinstance(error, GitError) else f"git does not take {error}"
                raise _refused(run, words, "commit or stash what is there, then repeat") from error
            raise
    return told


def _saved(plan: Plan) -> dict[str, Any]:
    git, run, head, to = plan.repository.git, plan.point.run, plan.repository.head, plan.point.commit
    saved: list[dict[str, str]] = list(plan.begun["refs"]) if plan.begun else []
    held = [to, *(one["commit"] for one in saved)]
    if plan.found.files or not any(history.is_ancestor(git, head, commit) for commit in held):
        ref = git_rewind.save(plan.repository, run.id, plan.found, clock.now(), run.created)
        kind = "dirt" if plan.found.files else "branch"
        if ref not in {one["ref"] for one in saved}:
            saved.append({"ref": ref, "commit": refs_of_git.tip(git, ref) or "", "kind": kind})
    if plan.integration is not None and plan.integration not in {one["commit"] for one in saved}:
        tree = history.tree_of(git, plan.integration)
        ref = salvage.keep(git, run.id, "integration", tree, [plan.integration], "", clock.now())
        saved.append({"ref": ref, "commit": plan.integration, "kind": "integration"})
    return {"savePoint": plan.point.name, "branch": plan.branch, "from": plan.begins_at, "to": to, "refs": saved}


def _bring_git(plan: Plan, told: dict[str, Any]) -> None:
    repository = plan.repository
    run, refs = plan.point.run, {one["ref"]: one["commit"] for one in told["refs"]}
    if repository.head != plan.point.commit or plan.found.files:
        saved = git_rewind.Saved(run.id, run.created, plan.found, refs)
        git_rewind.bring_to(repository, plan.branch, plan.point.commit, saved)
    for one in told["refs"]:
        if one["kind"] == "integration":
            refs_of_git.drop(repository.git, head_ref(integration_branch(run.hex)), one["commit"])


def _commit(store: Store, plan: Plan, wish: Wish, told: dict[str, Any]) -> int:
    """End what is not promoted, in one transaction. Raises RewindStateSplit: the branch has moved already."""
    try:
        with store.mutation() as conn:
            findings = _take_back(conn, plan, wish, told)
    except (errors.SwarmError, sqlite3.Error) as error:
        raise errors.RewindStateSplit(
            branch=plan.branch, save_point=plan.point.name, problem=str(error), run_id=plan.point.run.id
        ) from error
    return findings


def _take_back(conn: sqlite3.Connection, plan: Plan, wish: Wish, told: dict[str, Any]) -> int:
    """Write what was taken back; return of how many findings. Raises StateConflict when the run moved meanwhile."""
    run, by_id = plan.point.run, {wave.id: wave for wave in plan.waves}
    now = runs.find(conn, run.id)
    if now != run or _not_promoted(conn, run.id) != (plan.waves, plan.agents, plan.status):
        raise errors.StateConflict(subject=f"Run {run.id}", expected="what it was", run_id=run.id)
    for agent in plan.agents:
        wave = by_id[agent.wave_id]
        transitions.move_agent_run(conn, wave, agent, AgentRunStatus.ABORTED_FOR_REWIND, reason=wish.reason)
    for wave in plan.waves:
        transitions.move_wave(conn, wave, WaveStatus.ABORTED_FOR_REWIND, reason=wish.reason)
        fix_claims.settle(conn, {claim.finding for claim in fix_claims.of_wave(conn, wave.id)}, "refuted")
    numbers = [wave.number for wave in plan.waves]
    reason = f"rewound to {plan.point.name}: {wish.reason}"
    findings = observations.unverify(conn, run.id, numbers, reason)
    transitions.move_run(conn, run.id, run.status, plan.status)
    whole = told | {"waves": numbers, "agentRuns": [agent.id for agent in plan.agents], "findings": findings}
    ledger.append(conn, intents.entry(run.id, intents.REWOUND, whole, wish.reason))
    return findings


def _told(
    conn: sqlite3.Connection, plan: Plan, wish: Wish, refs: Sequence[str], findings: int | None = None
) -> RewindResult:
    run, git, to = plan.point.run, plan.repository.git, plan.point.commit
    numbers = tuple(wave.number for wave in plan.waves)
    is_nothing = not refs and _is_nothing(conn, plan)
    commits = refs_of_git.alone(git, plan.begins_at, [to])
    again = f"swarm rewind {plan.point.name}{' --force' if wish.force else ''}"
    again += " --force-arbitrary-ref" if plan.point.name != run.save_point_tag else ""
    word = "is" if wish.apply else "would be"
    back = f"{commits} {'commit' if commits == 1 else 'commits'}"
    summary = f"{plan.branch} {word} at {plan.point.name} ({to[:12]}), {back} back."
    if is_nothing:
        summary = f"Nothing to rewind: {plan.branch} is at {plan.point.name}, and the run has nothing to take back."
    done = wish.apply or is_nothing
    return RewindResult(
        run_id=run.id,
        applied=wish.apply,
        forced=wish.force,
        state_split=bool(plan.begun) and not wish.apply,
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

"""`dispatch`: from a frozen map to a wave, with a prompt and, when isolated, a worktree for each agent."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from swarm import errors
from swarm.config import Config
from swarm.git.edits import Edits, edits_begun, edits_of
from swarm.git.repository import Repository, at_head, keep_out_of_status, repository_at
from swarm.results.dispatch import AdviceGiven, AgentPlan, DispatchResult
from swarm.rules.domains import Domain
from swarm.rules.phases import expected_next
from swarm.runtimes import registry
from swarm.runtimes.registry import Ready
from swarm.store import runs, waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.dispatch import preconditions
from swarm.waves.dispatch.make_wave import MadeWave, make_wave
from swarm.waves.dispatch.plan_lock import lock_of
from swarm.waves.dispatch.routing import MOST_NAMED
from swarm.waves.dispatch.wave_plan import DispatchRequest, WavePlan, plan_wave
from swarm.waves.review.reviewer import reviewer
from swarm.waves.trees import worktrees
from swarm.waves.trees.integration import merged_on_head, unpublished
from swarm.workspace import Workspace, exclude_patterns


def dispatch(
    store: Store,
    workspace: Workspace,
    run: Run,
    request: DispatchRequest,
    config: Config,
    *,
    checkout: Repository | None = None,
) -> DispatchResult:
    """Dispatch a wave of a phase at HEAD of the run's checkout, which the caller may have found already.

    Raises a DispatchPreconditionError, IsolationError, or an error of the runtime's look-up. After an error nothing is
    recorded, and everything that this call made is removed.
    """
    domains = _checked(store.conn, run, request)
    # Before anything is made: a wave whose runtime is missing could not be launched.
    ready = _ready(store.conn, run, request, config)
    repository = checkout or repository_at(Path(run.local_path))
    # Without the lock: a dry run writes no file, not even a lock file.
    if request.dry_run:
        plan = plan_wave(store.conn, workspace, run, request, repository, domains, config, ready)
        # For its refusals alone: a key that is missing is no surprise for the dispatch that follows.
        lock_of(plan, config)
        return _result(plan, None, edits_of(repository.git))
    with worktrees.worktree_lock(repository, "dispatch"):
        # Read HEAD again: another command may have moved HEAD while this call waited for the lock.
        repository = at_head(repository)
        # Checked again under the lock, before trees are made in vain; the transaction checks a last time.
        preconditions.no_wave_in_flight(store.conn, run, request.phase)
        begin = request.snapshot or (merged_on_head(store.conn, run, repository) if request.on_merged else None)
        looked_at = repository._replace(head=begin or repository.head)
        plan = plan_wave(store.conn, workspace, run, request, looked_at, domains, config, ready)
        recorded = runs.find(store.conn, run.id)
        if recorded is not None and recorded.local_path != run.local_path:
            # `init` did this in the checkout of the run; here is a copy or a clone.
            keep_out_of_status(repository, exclude_patterns(workspace, repository.root))
        # While git makes the worktrees; neither looks at what the other does.
        edits = edits_begun(repository.git)
        made = make_wave(store, plan, repository, lock_of(plan, config))
    result = _result(plan, made, edits())
    return result._replace(warnings=(*result.warnings, *_unpublished(store.conn, run, repository, plan.commit)))


def dispatch_isolated(
    store: Store,
    workspace: Workspace,
    run: Run,
    request: DispatchRequest,
    config: Config,
    *,
    checkout: Repository | None = None,
) -> tuple[Wave, DispatchResult]:
    """Dispatch a wave with worktrees, and return it in flight; a draft map is frozen.

    Raises as `dispatch`, and StateConflict.
    """
    wanted = request._replace(isolate=True, auto_freeze=True)
    result = dispatch(store, workspace, run, wanted, config, checkout=checkout)
    wave = waves.in_flight(store.conn, run.id)
    if wave is None:
        raise errors.StateConflict(subject="The new wave", expected="dispatched", run_id=run.id)
    return wave, result


def _ready(conn: sqlite3.Connection, run: Run, request: DispatchRequest, config: Config) -> tuple[Ready, ...]:
    if request.is_review:
        return reviewer(conn, run, request.runtime, config, request.phase)
    return registry.all_ready(request.runtime, config, request.phase) if request.runtime else ()


def _checked(conn: sqlite3.Connection, run: Run, request: DispatchRequest) -> list[Domain]:
    domains = preconditions.some_domains(conn, run, request.phase)
    # The order is part of the interface: of several missing things, the first is reported.
    preconditions.frozen_map(run, request.phase, auto_freeze=request.auto_freeze)
    preconditions.some_agents(run, request.phase, domains)
    preconditions.no_wave_in_flight(conn, run, request.phase)
    preconditions.something_approved(conn, run, request.phase)
    if request.is_review:
        preconditions.whole_wave(conn, run, request.phase)
    return domains


def _unpublished(conn: sqlite3.Connection, run: Run, repository: Repository, begun: str) -> Iterator[str]:
    """Yield a warning where a wave lacks merged work of an earlier wave: its agents will not see that work."""
    # Only a warning depends on the branch; `merge` reports a moved branch itself.
    try:
        commit = unpublished(conn, run, repository)
    except errors.IntegrationMoved:
        return
    if commit not in {None, begun}:
        yield f"HEAD does not have what was merged ({commit[:12]}): `swarm merge {run.id} --publish` brings it in"


def _result(plan: WavePlan, made: MadeWave | None, edits: Edits) -> DispatchResult:
    run, request = plan.run, plan.request
    options = ("--review",) if request.is_review else ("--isolate",) if request.isolate else ()
    options = (*options, *(["--sparse"] if request.sparse else []))
    if request.skip_anchor_check:
        options = (*options, "--skip-anchor-check", "--reason '…'")
    again = " ".join(["swarm dispatch", run.id, request.phase, *options])
    return DispatchResult(
        run_id=run.id,
        wave_id=made.wave_id if made else None,
        wave_number=plan.number,
        phase=request.phase,
        isolated=request.isolate,
        sparse=plan.is_sparse,
        dry_run=request.dry_run,
        dispatch_sha=plan.commit,
        snapshot_id=made.snapshot_id if made else None,
        runtime=registry.joined(plan.ready) or None,
        prompt_dir=str(plan.folder),
        agents=_agents(plan, made),
        unrouted=given.unrouted if (given := plan.routing or plan.review) else (),
        # A snapshot holds the edits.
        edited_files_not_seen=0 if request.snapshot else len(edits.changed),
        included=plan.included,
        warnings=(*_warnings(plan), *_filtered(edits)),
        next_action=again if request.dry_run else f"swarm launch {run.id}",
        review=request.is_review,
        advice=AdviceGiven(request.advice.ids, sha256) if (sha256 := request.advice.sha256) else None,
        plan_lock=made.lock.sha256 if made else None,
        signed_by=made.lock.key_id if made else None,
    )


def _agents(plan: WavePlan, made: MadeWave | None) -> tuple[AgentPlan, ...]:
    ids = made.agent_run_ids if made else (None,) * len(plan.agents)
    return tuple(
        AgentPlan(
            agent_run_id=agent_run_id,
            domain=agent.domain.name,
            prompt_path=str(agent.prompt_path),
            output_path=str(agent.answer_path),
            worktree_path=str(agent.tree.path) if agent.tree else None,
            worktree_branch=agent.tree.branch if agent.tree else None,
            files=len(agent.files),
            # A reviewer is asked about every finding of its file, also where the prompt has no room for all.
            findings=len(agent.assigned) if plan.request.is_review else agent.prompt.listed,
            checked_out=agent.checked_out,
        )
        for agent_run_id, agent in zip(ids, plan.agents, strict=True)
    )


def _filtered(edits: Edits) -> Iterator[str]:
    if edits.filtered:
        named = ", ".join(edits.filtered[:MOST_NAMED]) + (", …" if len(edits.filtered) > MOST_NAMED else "")
        yield f"filtered, so git cannot tell whether they are edited: {named}"


def _warnings(plan: WavePlan) -> Iterator[str]:
    run, request, routing = plan.run, plan.request, plan.routing
    # A warning and no refusal: a person may know why a phase is repeated.
    # A review belongs to the findings of its lens, wherever the run is.
    if not request.is_review and request.phase not in (expected := expected_next(run.status)) and expected:
        yield f"{request.phase} is out of order: the run is in {run.status}"
    if routing is not None and routing.broken:
        yield f"the place of {', '.join(routing.broken[:MOST_NAMED])} is gone at this commit"
    if not request.isolate and routing is not None:
        yield "without --isolate the agents share your checkout: nobody can tell who edited what"
    if request.sparse and not plan.is_sparse:
        yield "--sparse does nothing here: analyzers share one whole tree"
    if plan.reads_of_nobody:
        yield f"[reads] of swarm.toml names no domain of the map: {', '.join(plan.reads_of_nobody)}"

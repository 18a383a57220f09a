"""Making of a planned wave: worktrees, prompts and fingerprints first, then all its rows in one transaction."""

import shutil
from typing import NamedTuple

from swarm import errors
from swarm.git.repository import Repository
from swarm.interruption import postponed
from swarm.store import domains as domain_table
from swarm.store import ledger, plan_locks, runs, snapshots, transitions, waves
from swarm.store.connection import Store
from swarm.store.ledger import Entry
from swarm.store.wave_documents import Sentinel
from swarm.waves.dispatch import preconditions
from swarm.waves.dispatch.agents import record_agent, write_prompts
from swarm.waves.dispatch.fingerprints import fingerprints_of
from swarm.waves.dispatch.wave_plan import WavePlan
from swarm.waves.dispatched_here import mark_if_possible
from swarm.waves.trees import kept_index, worktrees
from swarm.waves.trees.provided import provide


class MadeWave(NamedTuple):
    """Rows of a new wave: the wave, its snapshot of the map, its agent runs in the order of the plan, and its lock."""

    wave_id: int
    snapshot_id: int
    agent_run_ids: tuple[int, ...]
    lock: plan_locks.PlanLock


def make_wave(store: Store, plan: WavePlan, repository: Repository, lock: plan_locks.PlanLock) -> MadeWave:
    """Make a wave, or remove everything that was made. To be called under the lock of worktrees.

    Raises IsolationError, a DispatchPreconditionError, and StateConflict when the map changed since it was planned.
    """
    # A folder from before this call may hold files of the user, and is not removed on failure.
    had_folder = plan.folder.exists()
    # Trees before rows: a crash then leaves trees without a row, which are proved empty and reclaimed.
    made = worktrees.make_trees(repository.git, plan.trees, plan.commit)
    # Hold interrupts: after COMMIT the cleanup below would delete worktrees that the database names.
    with postponed(), worktrees.snapshot_kept(repository.git, plan.request.snapshot):
        try:
            # Before an agent can write: the copy is what collect trusts instead of the index in the tree.
            kept_index.keep_indexes([tree for _, tree in plan.trees], plan.folder)
            provided = provide(
                repository, [tree for _, tree in plan.trees], plan.included, answers=plan.answers_in_trees
            )
            write_prompts(plan.agents, is_amend=plan.routing is not None)
            # After the trees are made: their folders in `.git/worktrees` belong to how the wave begins.
            fingerprints = fingerprints_of(plan, repository)._replace(provided=provided)
            recorded = _record(store, plan, fingerprints, lock)
        except BaseException:
            worktrees.take_back(repository.git, made, plan.commit)
            if not had_folder:
                shutil.rmtree(plan.folder, ignore_errors=True)
            worktrees.remove_empty({tree.path.parent for tree in made} | {plan.folder})
            raise
    return recorded


def _record(store: Store, plan: WavePlan, fingerprints: Sentinel, lock: plan_locks.PlanLock) -> MadeWave:
    run, request = plan.run, plan.request
    with store.mutation() as conn:
        # Read again inside the transaction: another command may have won since the plan was made.
        now = runs.find(conn, run.id)
        if now is None:
            raise errors.DispatchRunNotFound(run_id=run.id, phase=request.phase)
        preconditions.frozen_map(now, request.phase, auto_freeze=request.auto_freeze)
        preconditions.no_wave_in_flight(conn, run, request.phase)
        # Prompts and trees were made for the planned map, and a wave must not be judged by another.
        if tuple(domain_table.domain_map(conn, run.id)) != plan.domains:
            raise errors.StateConflict(subject="The domain map", expected="what it was", run_id=run.id)
        # In the same transaction as the wave: a failed dispatch must not leave a map frozen.
        domain_table.freeze_within(conn, now)
        snapshot_id = snapshots.add(conn, run.id, plan.domains)
        wave_id = waves.add(conn, _row_of(plan, snapshot_id, fingerprints)._replace(plan_sha256=lock.sha256))
        plan_locks.add(conn, wave_id, lock)
        ids = tuple(record_agent(conn, run.id, wave_id, agent) for agent in plan.agents)
        # Only `--skip-anchor-check` comes this far, and its reason belongs in the ledger.
        if plan.routing is not None and plan.routing.broken:
            payload: dict[str, object] = {"broken": list(plan.routing.broken)}
            skipped = Entry("anchor_check_skipped", f"wave:{wave_id}", run.id, wave_id, reason=request.reason)
            ledger.append(conn, skipped._replace(payload=payload))
        if not request.is_review:
            transitions.move_run(conn, run.id, now.status, request.phase)
        mark_if_possible(conn, store.path, run.id)
    return MadeWave(wave_id, snapshot_id, ids, lock)


def _row_of(plan: WavePlan, snapshot_id: int, fingerprints: Sentinel) -> waves.NewWave:
    names, versions, configs = plan.runtime
    return waves.NewWave(
        run_id=plan.run.id,
        number=plan.number,
        phase=plan.request.phase,
        snapshot_id=snapshot_id,
        dispatch_sha=plan.commit,
        isolated=plan.request.isolate,
        shared_tree=str(plan.shared_tree.path) if plan.shared_tree else None,
        runtime=names,
        runtime_version=versions,
        runtime_config=configs,
        sentinel=fingerprints,
        is_review=plan.request.is_review,
        advice=plan.request.advice,
        is_of_uncommitted=plan.request.snapshot is not None,
    )

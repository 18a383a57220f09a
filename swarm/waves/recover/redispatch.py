"""Redispatch of some agents of a wave: make their trees and prompts, then write a new row for each."""

import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence

from swarm import errors
from swarm.interruption import postponed
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import agent_runs, digests, ledger, transitions, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.ledger import Entry
from swarm.store.wave_documents import Sentinel
from swarm.waves.dispatch.agents import record_agent, row_of, write_prompts
from swarm.waves.dispatched_here import mark_if_possible
from swarm.waves.lock.locks import renewal
from swarm.waves.recover.fingerprints import fingerprints_again
from swarm.waves.recover.recovery import Recovery, unattributed
from swarm.waves.recover.successors import Successor, SuccessorPlan
from swarm.waves.trees import kept_index, worktrees
from swarm.waves.trees.provided import files_to_include, provide


def redispatch(
    store: Store, recovery: Recovery, plan: SuccessorPlan, timed_out: Sequence[AgentRun]
) -> tuple[list[int], str]:
    """Make trees and prompts, then write the new rows and the wave's state in one transaction; all or nothing.

    To be called under the lock of worktrees. Returns the new rows, and the digest over the completed agents. Raises
    IsolationError, and StateConflict when the wave or an agent changed since the plan was made.
    """
    commit, git = recovery.wave.dispatch_sha, recovery.repository.git
    # Before anything is made: a key that is missing must not cost the trees.
    renew = renewal(recovery.config, recovery.wave, recovery.reason)
    wanted = [(new.agent.domain.name, new.agent.tree) for new in plan.successors if new.makes_tree and new.agent.tree]
    # Trees first, rows last, as in dispatch: a crash leaves empty trees, never a row without a tree.
    made = worktrees.make_trees(git, wanted, commit)
    # Hold interrupts: after COMMIT the cleanup below would delete worktrees that the database names.
    with postponed():
        try:
            trees = [tree for _, tree in wanted]
            kept_index.keep_indexes(trees, recovery.folder)
            included = files_to_include(recovery.repository, recovery.workspace, recovery.config) if trees else ()
            provided = provide(recovery.repository, trees, included, answers=plan.answers_in_trees)
            write_prompts([new.agent for new in plan.successors], is_amend=not recovery.wave.is_audit)
            fingerprints = fingerprints_again(recovery, trees, provided)
            ids, after = _record(store, recovery, plan, timed_out, fingerprints, renew)
        except BaseException:
            worktrees.take_back(git, made, commit)
            for new in plan.successors:
                # Prompts of this call only: each redispatch has an ordinal in its names.
                new.agent.prompt_path.unlink(missing_ok=True)
                shutil.rmtree(new.agent.output_path.parent, ignore_errors=True)
            raise
    return ids, after


def _record(
    store: Store,
    recovery: Recovery,
    plan: SuccessorPlan,
    timed_out: Sequence[AgentRun],
    fingerprints: Sentinel,
    renew: Callable[[sqlite3.Connection], Mapping[str, object]],
) -> tuple[list[int], str]:
    run, wave = recovery.run, recovery.wave
    with store.mutation() as conn:
        _hold_to_plan(conn, recovery, plan)
        for agent in timed_out:
            # Before the new rows: an agent that still works cannot be dispatched again.
            reason = f"no end within the run's {run.timeout_seconds} s"
            transitions.move_agent_run(conn, wave, agent, AgentRunStatus.TIMED_OUT, reason=reason)
        ids = [_add(conn, recovery, new) for new in plan.successors]
        waves.record_sentinel(conn, wave.id, fingerprints)
        if plan.shared_tree is not None:
            waves.record_shared_tree(conn, wave.id, plan.shared_tree)
        # In the same transaction: a wave in flight without a working agent would only be collected as failed.
        if wave.status is WaveStatus.FAILED:
            transitions.move_wave(conn, wave, WaveStatus.DISPATCHED, reason=recovery.reason)
        payload: dict[str, object] = {
            **renew(conn),
            "verb": recovery.verb,
            "agentRuns": list(ids),
            # Violations without an agent end with the new fingerprints, so the ledger keeps them.
            "forgotten": [violation.file for violation in unattributed(wave)],
        }
        subject = f"wave:{wave.id}"
        ledger.append(conn, Entry("wave_taken_up", subject, run.id, wave.id, reason=recovery.reason, payload=payload))
        mark_if_possible(conn, store.path, run.id)
        # Inside the transaction: a completed row that changed rolls everything back.
        after = digests.completed_hash(conn, wave.id)
        if after != plan.digest:
            raise errors.StateConflict(subject="A completed agent", expected="what it was", run_id=run.id)
    return ids, after


def _hold_to_plan(conn: sqlite3.Connection, recovery: Recovery, plan: SuccessorPlan) -> None:
    """Raises StateConflict; the wave and the agents are read again inside the transaction."""
    run, wave = recovery.run, recovery.wave
    now = waves.newest(conn, run.id)
    if now is None or (now.id, now.status) != (wave.id, wave.status):
        subject, expected = f"Wave {wave.number}", f"the newest, and {wave.status}"
        raise errors.StateConflict(subject=subject, expected=expected, run_id=run.id)
    # An agent that another command moved or replaced must not get a second successor.
    current = {agent.id: agent.status for agent in agent_runs.current(conn, now.id)}
    for new in plan.successors:
        if current.get(new.before.id) != new.before.status:
            subject = f"The agent of domain {new.before.domain}"
            raise errors.StateConflict(subject=subject, expected=new.before.status, run_id=run.id)


def _add(conn: sqlite3.Connection, recovery: Recovery, new: Successor) -> int:
    """Write the new row of an agent; an agent that was never dispatched has its row already."""
    before = new.before
    if before.status is AgentRunStatus.PENDING:
        row = row_of(new.agent)
        agent_runs.plan_anew(conn, before.id, row)
        dispatched = AgentRunStatus.DISPATCHED
        transitions.move_agent_run(conn, recovery.wave, before, dispatched, reason=recovery.reason, payload=row.payload)
        return before.id
    return record_agent(conn, recovery.run.id, recovery.wave.id, new.agent)

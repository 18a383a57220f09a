"""Transaction of a rewind: end waves and agents, and unverify the findings that rested on them."""

import sqlite3
from typing import Any

from swarm import errors
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import fix_claims, ledger, observations, runs, transitions
from swarm.store.connection import Store
from swarm.waves.clean import intents
from swarm.waves.clean.rewind_plan import RewindPlan, RewindRequest, not_promoted
from swarm.waves.dispatched_here import forget


def record_rewind(store: Store, plan: RewindPlan, request: RewindRequest, intent: dict[str, Any]) -> int:
    """End everything that is not promoted, in one transaction. Raises RewindStateSplit: git has moved already."""
    try:
        with store.mutation() as conn:
            findings = _take_back(conn, plan, request, intent)
    except (errors.SwarmError, sqlite3.Error) as error:
        raise errors.RewindStateSplit(
            branch=plan.branch, save_point=plan.point.name, problem=str(error), run_id=plan.point.run.id
        ) from error
    forget(store.conn, *plan.waves)
    return findings


def _take_back(conn: sqlite3.Connection, plan: RewindPlan, request: RewindRequest, intent: dict[str, Any]) -> int:
    """End waves and agents, unverify findings and return their count. Raises StateConflict when the run has changed."""
    run, by_id = plan.point.run, {wave.id: wave for wave in plan.waves}
    now = runs.find(conn, run.id)
    # Git has moved by now, and the plan must still fit: another command may have added a wave meanwhile.
    if now != run or not_promoted(conn, run.id) != (plan.waves, plan.agents, plan.status):
        raise errors.StateConflict(subject=f"Run {run.id}", expected="what it was", run_id=run.id)
    for agent in plan.agents:
        wave = by_id[agent.wave_id]
        transitions.move_agent_run(conn, wave, agent, AgentRunStatus.ABORTED_FOR_REWIND, reason=request.reason)
    for wave in plan.waves:
        transitions.move_wave(conn, wave, WaveStatus.ABORTED_FOR_REWIND, reason=request.reason)
        # The claimed fix went away with the commits, so no later proof may rest on the claim.
        fix_claims.settle(conn, {claim.finding for claim in fix_claims.of_wave(conn, wave.id)}, "refuted")
    numbers = [wave.number for wave in plan.waves]
    reason = f"rewound to {plan.point.name}: {request.reason}"
    findings = observations.unverify(conn, run.id, numbers, reason)
    transitions.move_run(conn, run.id, run.status, plan.status)
    # The result repeats the intent, so that `undo` reads a single event.
    whole = intent | {"waves": numbers, "agentRuns": [agent.id for agent in plan.agents], "findings": findings}
    ledger.append(conn, intents.entry(run.id, intents.REWOUND, whole, request.reason))
    return findings

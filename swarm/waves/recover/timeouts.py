"""Timeout policy of a run: the agents that work for longer than the policy allows."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from swarm import stage_events
from swarm.clock import seconds_since
from swarm.rules.states import AgentRunStatus
from swarm.store import attempts, ledger
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.workspace import has_answer

_WORKING: Final = (AgentRunStatus.DISPATCHED, AgentRunStatus.RUNNING)


def timed_out(
    conn: sqlite3.Connection, run: Run, wave: Wave, agents: Sequence[AgentRun]
) -> tuple[list[AgentRun], list[AgentRun]]:
    """Return the agents that work for longer than the run allows, and the agents whose begin is unknown.

    An agent with an output is neither: its output waits for `collect`.
    """
    late, unknown = [], []
    own = attempts.of_wave(conn, wave.id)
    for agent in agents:
        has_answered = any(attempt.outcome == "success" for attempt in own.get(agent.id, ()))
        if agent.status not in _WORKING or has_answered or has_answer(agent.output_path, agent.worktree_path):
            continue
        try:
            age = seconds_since(_begun(conn, agent))
        # Without a readable moment a guess could end an agent that still works.
        except ValueError:
            unknown.append(agent)
            stage_events.emit(
                "timeout_skipped", run_id=run.id, wave_id=wave.id, agent_run_id=agent.id, domain=agent.domain
            )
            continue
        if age > run.timeout_seconds:
            late.append(agent)
    return late, unknown


def _begun(conn: sqlite3.Connection, agent: AgentRun) -> str:
    """Return when an agent began to run, else when it was dispatched, else `""`."""
    if agent.status is AgentRunStatus.RUNNING:
        return agent.started or ""
    dispatched = [
        event.ts for event in ledger.events_of(conn, f"agent_run:{agent.id}") if event.to_state == "dispatched"
    ]
    # The last dispatch counts: an agent that was dispatched again has its whole time anew.
    return dispatched[-1] if dispatched else ""

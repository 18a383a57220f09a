"""`attempts`: the agents of a wave with the processes that were launched for them."""

import os
import sqlite3
from pathlib import Path

from swarm import errors
from swarm.documents import parse_bounded, read_bounded
from swarm.results.attempts import AgentAttempts, AttemptShown, AttemptsResult, RecordChecked
from swarm.results.launch import LaunchResult
from swarm.rules.states import CAN_BE_RESUMED, GRAVEST_FIRST, AgentRunStatus, WaveStatus
from swarm.store import agent_runs
from swarm.store import attempts as attempt_table
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.launch.attempt_files import is_in_place_of_attempt, record_of
from swarm.workspace import has_answer


def attempts(conn: sqlite3.Connection, run: Run, wave: Wave) -> AttemptsResult:
    """Return the agents of a wave with their attempts."""
    by_agent = attempt_table.of_wave(conn, wave.id)
    agents, gravest = [], 0
    for agent in agent_runs.current(conn, wave.id):
        own = by_agent.get(agent.id, [])
        # The last attempt of each agent: an earlier failure that was made good is over.
        if own and own[-1].exit_class is not None:
            gravest = min(gravest, own[-1].exit_class, key=GRAVEST_FIRST.index)
        agents.append(_agent_shown(agent, own))
    verb = "status"
    if wave.status is WaveStatus.DISPATCHED:
        # `collect` ends a wave with a failed agent as failed, so `resume` comes first.
        verb = "resume" if any(agent.status in CAN_BE_RESUMED for agent in agents) else "collect"
    return AttemptsResult(
        run_id=run.id,
        wave_id=wave.id,
        wave_number=wave.number,
        launched=0,
        exit_class=gravest,
        agents=tuple(agents),
        next_action=f"swarm {verb} {run.id}",
    )


def launch_result(conn: sqlite3.Connection, run: Run, wave: Wave, count: int) -> LaunchResult:
    """Return the agents of a wave after a launch that launched so many of them."""
    found = attempts(conn, run, wave)
    return LaunchResult(
        run_id=found.run_id,
        wave_id=found.wave_id,
        wave_number=found.wave_number,
        launched=count,
        exit_class=found.exit_class,
        agents=found.agents,
        next_action=found.next_action,
    )


def _agent_shown(agent: AgentRun, own: list[Attempt]) -> AgentAttempts:
    chain = tuple(attempt.id for attempt in own)
    recovery = own[-1].recovery if own else {}
    return AgentAttempts(
        domain=agent.domain,
        agent_run_id=agent.id,
        status=agent.status,
        attempts=tuple(map(_shown, own)),
        last_progress_at=own[-1].last_progress if own else None,
        requested_attempt_id=chain[0] if chain else None,
        selected_attempt_id=chain[-1] if own and own[-1].outcome == "success" else None,
        attempt_chain=chain,
        recovered_from=recovery.get("recoveredFrom"),
        recovery_reason=recovery.get("recoveryReason"),
        original_stall_reason=recovery.get("originalStallReason"),
        recovery_stall_reason=own[-1].stall_reason if recovery else None,
    )


def _shown(attempt: Attempt) -> AttemptShown:
    return AttemptShown(
        id=attempt.id,
        ordinal=attempt.ordinal,
        runtime=attempt.runtime,
        outcome=attempt.outcome,
        exit_class=attempt.exit_class,
        exit_code=attempt.exit_code,
        duration_ms=attempt.duration_ms,
        stall_reason=attempt.stall_reason,
        error_code=attempt.error_code,
        error_fragment=attempt.error_fragment,
        record_path=attempt.record_path,
        isolation=attempt.isolation,
        isolation_reason=attempt.isolation_reason,
        policy=attempt.policy,
        worker=attempt.worker,
    )


def waiting_agents(conn: sqlite3.Connection, wave: Wave) -> list[tuple[AgentRun, list[Attempt]]]:
    """Return the agents that have not succeeded yet, each with its attempts so far."""
    by_agent = attempt_table.of_wave(conn, wave.id)
    waiting = []
    for agent in agent_runs.current(conn, wave.id):
        own = by_agent.get(agent.id, [])
        works = agent.status in {AgentRunStatus.DISPATCHED, AgentRunStatus.RUNNING}
        # An output without an attempt was written by a person: a process would overwrite it.
        by_hand = not own and has_answer(agent.output_path, agent.worktree_path)
        # An open attempt has a supervisor, and a success waits for `collect`.
        if works and not by_hand and not any(attempt.outcome in {None, "success"} for attempt in own):
            waiting.append((agent, own))
    return waiting


def record_shown(conn: sqlite3.Connection, run: Run, wave: Wave, attempt_id: int) -> AttemptsResult:
    """Return the agents of a wave with the record of one of its attempts. Raises SubjectUnknown."""
    found = {one.id: one for own in attempt_table.of_wave(conn, wave.id).values() for one in own}
    if attempt_id not in found:
        raise errors.SubjectUnknown(received=f"attempt:{attempt_id}")
    return attempts(conn, run, wave)._replace(record=record_of(found[attempt_id]))


def records_checked(conn: sqlite3.Connection, run: Run, wave: Wave) -> AttemptsResult:
    """Return the agents of a wave with each record file held against the database."""
    domains = {agent.id: agent.domain for agent in agent_runs.current(conn, wave.id)}
    checked = tuple(
        RecordChecked(one.id, domains[row], one.record_path, _state_of(one))
        for row, own in attempt_table.of_wave(conn, wave.id).items()
        if row in domains
        for one in own
        if one.outcome is not None
    )
    return attempts(conn, run, wave)._replace(checked=checked)


def _state_of(attempt: Attempt) -> str:
    file = Path(attempt.record_path)
    if not os.path.lexists(file):
        return "missing"
    try:
        kept = parse_bounded(read_bounded(file), str(file)) if is_in_place_of_attempt(file.parent) else None
    except errors.SwarmError:
        kept = None
    if kept is None:
        return "unreadable"
    return "same" if kept == record_of(attempt) else "different"

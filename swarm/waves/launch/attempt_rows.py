"""Rows of attempts: opened before a process is spawned, and closed with what became of it."""

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm import stage_events
from swarm.rules.agent_events import cut
from swarm.rules.states import AgentRunStatus
from swarm.runtimes import processes
from swarm.runtimes.runtime import CliFacts, StepResult
from swarm.runtimes.sandbox import Enclosure
from swarm.store import attempts, transitions
from swarm.store.agent_runs import AgentRun
from swarm.store.artifacts import Body
from swarm.store.attempts import Attempt, Ending, NewAttempt
from swarm.waves.launch import attempt_files, seals
from swarm.waves.launch.ground import WaveLaunch

_MOST_DENIALS: Final = 20
_MOST_USD: Final = 1_000_000
_MILLION: Final = 1_000_000
_FAILED: Final = {
    "timed_out": AgentRunStatus.TIMED_OUT,
    "runtime_error": AgentRunStatus.FAILED,
    "not_started": AgentRunStatus.FAILED,
    "invalid_output": AgentRunStatus.FAILED,
    "policy_rejected": AgentRunStatus.FAILED,
    "stalled": AgentRunStatus.FAILED,
}


class Plan(NamedTuple):
    """The way in which an attempt is launched, as its row keeps it. `host` is another machine, `None` for this one."""

    runtime: str
    version: str | None
    argv: Sequence[str]
    enclosure: Enclosure
    recovery_reason: str | None = None
    recovery: Mapping[str, object] = {}
    host: str | None = None


def attempt_folder(agent: AgentRun, ordinal: int) -> Path:
    """Return the folder of an attempt of an agent."""
    return Path(agent.output_path).parent / f"attempt-{ordinal}"


def open_attempt(
    conn: sqlite3.Connection, wave_launch: WaveLaunch, agent: AgentRun, before: Sequence[Attempt], plan: Plan
) -> int:
    """Record an attempt before anything is spawned for it, and return its id."""
    run, wave = wave_launch.run, wave_launch.wave
    new = NewAttempt(
        agent_run_id=agent.id,
        ordinal=len(before) + 1,
        parent_id=before[-1].id if before else None,
        recovery_reason=plan.recovery_reason or (before[-1].outcome if before else None),
        runtime=plan.runtime,
        runtime_version=plan.version,
        argv=tuple(plan.argv),
        prompt_sha256=agent.prompt_sha256,
        host=plan.host or processes.host(),
        supervisor_pid=os.getpid(),
        record_path=str(attempt_folder(agent, len(before) + 1) / attempt_files.NAME),
        isolation=plan.enclosure.backend,
        isolation_reason=plan.enclosure.reason,
        policy=plan.enclosure.policy.digest,
    )
    attempt_id = attempts.add(conn, run.id, wave.id, new)
    if plan.recovery:
        attempts.record_recovery(conn, attempt_id, plan.recovery)
    # A later attempt finds the agent running already.
    if agent.status is AgentRunStatus.DISPATCHED:
        transitions.move_agent_run(conn, wave, agent, AgentRunStatus.RUNNING)
    stage_events.emit("attempt_started", run_id=run.id, wave_id=wave.id, agent_run_id=agent.id, domain=agent.domain)
    return attempt_id


def record_process(wave_launch: WaveLaunch, attempt_id: int, pid: int, start: str, moment: str) -> None:
    """Record the process of an attempt, so that another command can end it."""
    with wave_launch.store.mutation() as conn:
        attempts.record_process(conn, attempt_id, pid, start, moment)


def record_said(
    conn: sqlite3.Connection, attempt_id: int, results: Sequence[StepResult], agent: CliFacts | None
) -> None:
    """Record what the agent of an attempt reported, as far as its runtime reports anything."""
    if (used := used_by(results, agent)) is not None:
        attempts.record_session(conn, attempt_id, used.session, used.cost_microusd)


class Used(NamedTuple):
    """The session of an agent by its own report, as its attempt keeps it; the cost in millionths of a USD."""

    session: Mapping[str, object]
    cost_microusd: int | None


def used_by(results: Sequence[StepResult], agent: CliFacts | None) -> Used | None:
    """Return what the agent of an attempt reported in all its processes, `None` where its runtime reports nothing."""
    heard = [result.said for result in results if result.said]
    if not heard:
        return None
    last, usages = heard[-1], [said.usage for said in heard]
    # A cost below nothing would buy others more; one that no number holds counts as none.
    costs = [usage.cost_usd for usage in usages if usage.cost_usd is not None and 0 <= usage.cost_usd < _MOST_USD]
    session = {
        "sessionId": last.session_id,
        "modelAsked": agent.model if agent else None,
        # A session that is gone on with need not name its model again.
        "modelAnswered": next((said.model for said in reversed(heard) if said.model), None),
        "turns": _sum(said.turns for said in heard),
        "tools": _sum(said.tools for said in heard),
        "tokensIn": _sum(usage.tokens_in for usage in usages),
        "tokensOut": _sum(usage.tokens_out for usage in usages),
        "denials": [cut(denial) for said in heard for denial in said.denials][:_MOST_DENIALS],
    }
    return Used(session, round(sum(costs) * _MILLION) if costs else None)


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def close_attempt(
    conn: sqlite3.Connection,
    wave_launch: WaveLaunch,
    agent: AgentRun,
    attempt_id: int,
    ending: Ending,
    sealed: Body | None,
    *,
    is_last: bool = True,
) -> None:
    """Close an attempt in the row, keep its sealed output, and end the agent run where its last attempt failed."""
    attempts.close(conn, wave_launch.run.id, wave_launch.wave.id, attempt_id, ending)
    # With the end of the attempt: an agent that works on can change the file, and not this row.
    seals.record_output(conn, agent, sealed)
    target = _FAILED.get(ending.outcome)
    if target is not None and is_last:
        # `agent` was read before its first attempt moved the row, and the update names the expected state.
        running = agent._replace(status=AgentRunStatus.RUNNING)
        reason = f"{ending.error_code}: {ending.error_fragment or ending.outcome}"
        transitions.move_agent_run(conn, wave_launch.wave, running, target, reason=reason)


def emit_end(wave_launch: WaveLaunch, agent: AgentRun, ending: Ending) -> None:
    """Emit the end of an attempt."""
    stage_events.emit(
        "attempt_ended",
        run_id=wave_launch.run.id,
        wave_id=wave_launch.wave.id,
        agent_run_id=agent.id,
        domain=agent.domain,
        outcome=ending.outcome,
        duration_ms=ending.duration_ms,
    )

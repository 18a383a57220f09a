"""Transitions of waves, agent runs and runs: check the law of states, update the row, write the event."""

import sqlite3
from typing import Final

from swarm import errors
from swarm.clock import now
from swarm.rules import states
from swarm.rules.assessment import revalidate_line
from swarm.rules.states import AGENT_RUN, WAVE, AgentRunStatus, Machine, Refusal, WaveStatus
from swarm.store import agent_runs, runs, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.ledger import Entry, append
from swarm.store.waves import Wave

_REASONS: Final = {
    Refusal.TERMINAL: "{source} is an end",
    Refusal.BLOCKED: "{source} can only be left by a lawful override",
    Refusal.INVALID: "there is no such step",
}


def move_wave(
    conn: sqlite3.Connection,
    wave: Wave,
    target: WaveStatus,
    *,
    reason: str | None = None,
    override: bool = False,
) -> None:
    """Bring a wave to another state.

    Raises a StateMachineRejectionError, or StateConflict when another process moved the wave.
    """
    _hold_to(WAVE, wave.status, target, override=override, wave=wave)
    # A wave that is redispatched is in flight again and has no end.
    ended = None if target is WaveStatus.DISPATCHED else now()
    if not waves.set_status(conn, wave, target, ended):
        raise errors.StateConflict(subject=f"Wave {wave.number}", expected=wave.status, run_id=wave.run_id)
    append(
        conn,
        Entry(
            kind="wave_moved",
            subject=f"wave:{wave.id}",
            run_id=wave.run_id,
            wave_id=wave.id,
            from_state=wave.status,
            to_state=target,
            reason=reason,
        ),
    )


def move_agent_run(
    conn: sqlite3.Connection,
    wave: Wave,
    agent: AgentRun,
    target: AgentRunStatus,
    *,
    reason: str | None = None,
    override: bool = False,
    payload: dict[str, object] | None = None,
) -> None:
    """Bring an agent run to another state; `payload` goes into the event. Raises as `move_wave` does."""
    # The law first: an unlawful step must be refused as unlawful even when another process was faster.
    _hold_to(AGENT_RUN, agent.status, target, override=override, wave=wave, agent=agent)
    moment = now()
    started = moment if target is AgentRunStatus.RUNNING else None
    ended = moment if states.is_ended(target) else None
    # A reason for completing or starting explains an override, and would mislead in the column of errors.
    error = None if target in {AgentRunStatus.COMPLETE, AgentRunStatus.RUNNING} else reason
    if not agent_runs.set_status(conn, agent, target, started=started, ended=ended, error=error):
        raise errors.StateConflict(
            subject=f"The agent of domain {agent.domain}", expected=agent.status, run_id=wave.run_id
        )
    append(
        conn,
        Entry(
            kind="agent_run_moved",
            subject=f"agent_run:{agent.id}",
            run_id=wave.run_id,
            wave_id=wave.id,
            from_state=agent.status,
            to_state=target,
            reason=reason,
            payload=payload,
        ),
    )


def move_run(conn: sqlite3.Connection, run_id: str, source: str, target: str) -> None:
    """Bring a run to another phase. Raises StateConflict when another process moved the run."""
    # Dispatching a second wave of the same phase moves nothing, and needs no event.
    if source == target:
        return
    if not runs.set_status(conn, run_id, source, target):
        raise errors.StateConflict(subject=f"Run {run_id}", expected=source, run_id=run_id)
    append(conn, Entry("run_moved", f"run:{run_id}", run_id, None, source, target))


def _hold_to(
    machine: Machine,
    source: str,
    target: str,
    *,
    override: bool,
    wave: Wave,
    agent: AgentRun | None = None,
) -> None:
    refusal = states.refusal(machine, source, target, override=override)
    if refusal is None:
        return
    # A refusal names the lawful steps, so that the caller need not read the table of states.
    allowed = states.allowed_from(machine, source)
    remedy = f"from {source} it may go to: {', '.join(allowed) or 'nothing'}"
    if refusal is Refusal.BLOCKED and agent is not None:
        remedy = revalidate_line(wave.run_id, [agent.domain])
    # In the function: a command that is not refused loads no chapter of the catalogue.
    rejections: dict[Refusal, type[errors.StateMachineRejectionError]] = {
        Refusal.TERMINAL: errors.StateMachineTerminal,
        Refusal.BLOCKED: errors.StateMachineBlocked,
        Refusal.INVALID: errors.StateMachineInvalid,
    }
    raise rejections[refusal](
        kind=refusal.value,
        from_=source,
        to=target,
        reason=_REASONS[refusal].format(source=source),
        agent_run_id=agent.id if agent else None,
        wave_id=wave.id,
        allowed_transitions=allowed,
        remedy=remedy,
    )

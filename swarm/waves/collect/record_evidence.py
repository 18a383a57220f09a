"""Rows of the evidence of a wave's agents: output, claims, judged tree, and the state that follows."""

import sqlite3

from swarm import errors
from swarm.store import agent_runs, artifacts, file_claims, leases, transitions, waves
from swarm.store.wave_documents import Violation
from swarm.store.waves import Wave
from swarm.waves.collect.observed import Observed
from swarm.waves.collect.outputs import STORED_ERROR, Intake
from swarm.waves.launch import supervision


def record_evidence(conn: sqlite3.Connection, observed: Observed, override: str | None) -> None:
    """Write the evidence of each agent and move its run; `override` is the reason for which a blocked agent passes.

    Raises StateConflict when the wave, an agent or a lease changed since the wave was observed.
    """
    wave = observed.wave
    # Another collect may have ended the wave between observe and this transaction.
    supervision.hold_to_status(conn, wave)
    # Read again inside the transaction: the judge permitted the files of a lease that may be revoked now.
    if observed.leased is not None and observed.leased != leases.holding(conn, wave.run_id, wave.number):
        subject = f"What is leased in wave {wave.number}"
        raise errors.StateConflict(subject=subject, expected="what it was", run_id=wave.run_id)
    waves.record_probe(
        conn,
        wave.id,
        degraded=observed.is_degraded,
        violations=[Violation(*violation) for violation in observed.violations],
    )
    for taken in observed.intakes:
        _record_agent(conn, wave, taken, override)


def _record_agent(conn: sqlite3.Connection, wave: Wave, taken: Intake, override: str | None) -> None:
    agent = taken.agent
    if taken.body is not None:
        artifacts.record_output(conn, agent.id, taken.path, taken.body)
    if taken.claims:
        file_claims.replace_claims(conn, agent.id, taken.claims)
    if taken.work is not None:
        agent_runs.record_work(conn, agent.id, taken.work.tree)
    if taken.is_complete:
        agent_runs.record_count(conn, agent.id, taken.reported)
    if taken.target is not None:
        reason = override or _reason(taken)
        transitions.move_agent_run(conn, wave, agent, taken.target, reason=reason, override=override is not None)


def _reason(taken: Intake) -> str | None:
    """Return why an agent run is not complete, in the 512 characters that its row keeps."""
    if taken.violations:
        count = len(taken.violations)
        return f"touched {count} file{'s' * (count > 1)}: {taken.violations[0].file}"[:STORED_ERROR]
    if taken.problems:
        return f"{taken.problems[0].code}: {taken.problems[0].message}"[:STORED_ERROR]
    return None

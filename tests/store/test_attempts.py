"""Table attempts: an agent run has one open attempt, and an attempt is closed once."""

import sqlite3
from pathlib import Path

import pytest

from swarm.store import attempts
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Ending, NewAttempt
from swarm.store.connection import Store
from swarm.store.waves import Wave
from tests.store import rows
from tests.store.writers import at_once, steps

SPAWNED = "2026-01-01T00:00:00.000Z"


def new(agent: AgentRun, ordinal: int = 1) -> NewAttempt:
    return NewAttempt(
        agent_run_id=agent.id,
        ordinal=ordinal,
        parent_id=None,
        recovery_reason=None,
        runtime="ruff",
        runtime_version="1",
        argv=("ruff", "check"),
        prompt_sha256="0" * 64,
        host="here",
        supervisor_pid=1,
        record_path=f"/srv/swarms/{rows.RUN}/wave-1/code/attempt-{ordinal}/record.json",
    )


def test_an_agent_run_has_one_open_attempt_and_each_ordinal_once(store: Store, wave: Wave, agent: AgentRun) -> None:
    with store.mutation() as conn:
        first = attempts.add(conn, rows.RUN, wave.id, new(agent))
    with pytest.raises(sqlite3.IntegrityError):
        attempts.add(store.conn, rows.RUN, wave.id, new(agent, 2))
    with store.mutation() as conn:
        assert attempts.close(conn, rows.RUN, wave.id, first, Ending("runtime_error", 3, 7))
    with pytest.raises(sqlite3.IntegrityError):
        attempts.add(store.conn, rows.RUN, wave.id, new(agent, 1))
    with store.mutation() as conn:
        second = attempts.add(conn, rows.RUN, wave.id, new(agent, 2))
    found = attempts.of_wave(store.conn, wave.id)[agent.id]
    assert [(attempt.id, attempt.outcome, attempt.exit_code) for attempt in found] == [
        (first, "runtime_error", 7),
        (second, None, None),
    ]
    assert found[0].argv == ("ruff", "check")


def test_of_two_supervisors_that_close_an_attempt_the_first_decides_its_outcome(
    store: Store, wave: Wave, agent: AgentRun, database: Path
) -> None:
    with store.mutation() as conn:
        attempt = attempts.add(conn, rows.RUN, wave.id, new(agent))

    def close(own: Store) -> bool:
        with own.mutation() as conn:
            return attempts.close(conn, rows.RUN, wave.id, attempt, Ending("success", 0, 0))

    assert sorted(map(bool, at_once(database, close, close))) == [False, True]
    assert steps(store, "attempt_opened", "attempt_closed") == [
        ("attempt_opened", "attempt:1", None, "open"),
        ("attempt_closed", "attempt:1", "open", "success"),
    ]


def test_the_process_of_a_closed_attempt_is_not_overwritten(store: Store, wave: Wave, agent: AgentRun) -> None:
    with store.mutation() as conn:
        attempt = attempts.add(conn, rows.RUN, wave.id, new(agent))
        attempts.record_process(conn, attempt, 4711, "12345", SPAWNED)
        attempts.close(conn, rows.RUN, wave.id, attempt, Ending("success", 0, 0))
        attempts.record_process(conn, attempt, 4712, "12346", "2026-01-01T00:00:01.000Z")
    found = attempts.find(store.conn, attempt)
    assert found is not None
    assert (found.pid, found.pid_start, found.spawned) == (4711, "12345", SPAWNED)
    assert attempts.find(store.conn, 99) is None

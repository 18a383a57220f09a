"""Changes of state: written with their ledger row, refused by kind, and lost to whoever was first."""

import sqlite3

import pytest

from swarm import errors
from swarm.rules.states import AgentRunStatus, WaveStatus
from swarm.store import agent_runs, ledger, runs, transitions, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.waves import Wave
from tests.store import rows


def last_event(store: Store) -> tuple[object, ...]:
    event = list(ledger.events_after(store.conn, 0))[-1]
    return (event.kind, event.subject, event.run_id, event.wave_id, event.from_state, event.to_state, event.reason)


def written(store: Store) -> list[object]:
    tables = ("runs", "waves", "agent_runs", "events")
    return [store.conn.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


def test_a_wave_that_is_collected_has_ended_and_the_ledger_tells_why(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        transitions.move_wave(conn, wave, WaveStatus.COLLECTED, reason="all complete")
    moved = waves.newest(store.conn, rows.RUN)
    assert moved is not None
    assert moved == wave._replace(status=WaveStatus.COLLECTED, ended=moved.ended)
    assert moved.ended is not None
    assert last_event(store) == (
        *("wave_moved", f"wave:{wave.id}", rows.RUN, wave.id),
        *("dispatched", "collected", "all complete"),
    )


def test_a_wave_that_is_dispatched_again_has_not_ended(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        transitions.move_wave(conn, wave, WaveStatus.FAILED)
        failed = waves.newest(conn, rows.RUN)
        assert failed is not None
        transitions.move_wave(conn, failed, WaveStatus.DISPATCHED)
    assert waves.newest(store.conn, rows.RUN) == wave


def test_an_agent_run_keeps_when_it_started_and_why_it_failed(store: Store, wave: Wave, agent: AgentRun) -> None:
    with store.mutation() as conn:
        transitions.move_agent_run(conn, wave, agent, AgentRunStatus.RUNNING)
    (running,) = agent_runs.current(store.conn, wave.id)
    assert running == agent._replace(status=AgentRunStatus.RUNNING, started=running.started)
    assert running.started is not None
    with store.mutation() as conn:
        transitions.move_agent_run(conn, wave, running, AgentRunStatus.FAILED, reason="it wrote nothing")
    (failed,) = agent_runs.current(store.conn, wave.id)
    assert failed == running._replace(status=AgentRunStatus.FAILED, error="it wrote nothing", ended=failed.ended)
    assert failed.ended is not None
    assert last_event(store) == (
        *("agent_run_moved", f"agent_run:{agent.id}", rows.RUN, wave.id),
        *("running", "failed", "it wrote nothing"),
    )


def test_a_run_goes_to_its_phase_once(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        transitions.move_run(conn, rows.RUN, "initializing", "health-audit-a")
    assert last_event(store)[4:6] == ("initializing", "health-audit-a")
    before = written(store)
    with store.mutation() as conn:
        transitions.move_run(conn, rows.RUN, "health-audit-a", "health-audit-a")
    assert written(store) == before


def test_who_comes_second_is_told_and_writes_nothing(store: Store, wave: Wave, agent: AgentRun) -> None:
    with store.mutation() as conn:
        transitions.move_wave(conn, wave, WaveStatus.FAILED)
        transitions.move_agent_run(conn, wave, agent, AgentRunStatus.COMPLETE)
        transitions.move_run(conn, rows.RUN, "initializing", "health-audit-a")
    before = written(store)
    with pytest.raises(errors.StateConflict) as of_wave, store.mutation() as conn:
        transitions.move_wave(conn, wave, WaveStatus.COLLECTED)
    with pytest.raises(errors.StateConflict) as of_agent, store.mutation() as conn:
        transitions.move_agent_run(conn, wave, agent, AgentRunStatus.FAILED)
    with pytest.raises(errors.StateConflict) as of_run, store.mutation() as conn:
        transitions.move_run(conn, rows.RUN, "initializing", "health-audit-b")
    assert [caught.value.message for caught in (of_wave, of_agent, of_run)] == [
        "Wave 1 is no longer dispatched: someone else moved it first",
        "The agent of domain code is no longer dispatched: someone else moved it first",
        f"Run {rows.RUN} is no longer initializing: someone else moved it first",
    ]
    assert written(store) == before


def test_a_conflict_takes_back_what_its_transaction_wrote_before(store: Store, wave: Wave) -> None:
    before = written(store)
    stale = wave._replace(status=WaveStatus.FAILED)

    def freeze_and_move(conn: sqlite3.Connection) -> None:
        runs.set_map_frozen(conn, rows.RUN, frozen=True)
        transitions.move_wave(conn, stale, WaveStatus.DISPATCHED)

    with pytest.raises(errors.StateConflict), store.mutation() as conn:
        freeze_and_move(conn)
    assert written(store) == before


@pytest.mark.parametrize(
    ("source", "target", "kind", "reason", "allowed"),
    [
        ("advanced", "dispatched", errors.StateMachineTerminal, "advanced is an end", ()),
        (
            "failed",
            "collected",
            errors.StateMachineInvalid,
            "there is no such step",
            ("aborted_for_rewind", "dispatched"),
        ),
    ],
)
def test_an_unlawful_step_of_a_wave_is_refused_by_kind(
    store: Store,
    wave: Wave,
    source: str,
    target: str,
    kind: type[errors.StateMachineRejectionError],
    reason: str,
    allowed: tuple[str, ...],
) -> None:
    before = written(store)
    with pytest.raises(kind) as caught, store.mutation() as conn:
        transitions.move_wave(conn, wave._replace(status=WaveStatus(source)), WaveStatus(target))
    assert caught.value.message == f"Illegal transition {source} → {target}: {reason}"
    assert (caught.value.fields["wave_id"], caught.value.fields["agent_run_id"]) == (wave.id, None)
    assert caught.value.fields["allowed_transitions"] == allowed
    assert written(store) == before


@pytest.mark.parametrize(
    ("source", "target", "kind", "code", "hint"),
    [
        (
            "complete",
            "dispatched",
            errors.StateMachineTerminal,
            "TERMINAL",
            "this agent is already complete, check why the caller tried to re-advance it",
        ),
        (
            "invalid_output",
            "complete",
            errors.StateMachineBlocked,
            "BLOCKED",
            f"swarm revalidate {rows.RUN} --domain code:<corrected-output.json> --apply --reason '…'",
        ),
        (
            "ownership_violation",
            "dispatched",
            errors.StateMachineBlocked,
            "BLOCKED",
            f"swarm revalidate {rows.RUN} --domain code:<corrected-output.json> --apply --reason '…'",
        ),
        (
            "pending",
            "complete",
            errors.StateMachineInvalid,
            "INVALID",
            "from pending it may go to: aborted_for_rewind, dispatched",
        ),
    ],
)
def test_an_unlawful_step_of_an_agent_run_is_refused_by_kind_with_the_way_out(
    store: Store,
    wave: Wave,
    agent: AgentRun,
    source: str,
    target: str,
    kind: type[errors.StateMachineRejectionError],
    code: str,
    hint: str,
) -> None:
    before = written(store)
    with pytest.raises(kind) as caught, store.mutation() as conn:
        transitions.move_agent_run(conn, wave, agent._replace(status=AgentRunStatus(source)), AgentRunStatus(target))
    assert (caught.value.fields["kind"], caught.value.hint) == (code, hint)
    assert (caught.value.fields["wave_id"], caught.value.fields["agent_run_id"]) == (wave.id, agent.id)
    assert written(store) == before


def test_an_override_completes_a_blocked_agent_run(store: Store, wave: Wave, agent: AgentRun) -> None:
    with store.mutation() as conn:
        transitions.move_agent_run(conn, wave, agent, AgentRunStatus.INVALID_OUTPUT, reason="not JSON")
        (blocked,) = agent_runs.current(conn, wave.id)
        transitions.move_agent_run(
            conn, wave, blocked, AgentRunStatus.COMPLETE, reason="corrected by hand", override=True
        )
    (complete,) = agent_runs.current(store.conn, wave.id)
    assert (complete.status, complete.error) == (AgentRunStatus.COMPLETE, None)
    assert last_event(store)[4:] == ("invalid_output", "complete", "corrected by hand")


def test_a_run_has_one_wave_in_flight(store: Store, wave: Wave) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.mutation() as conn:
        rows.add_wave(conn)
    assert waves.count(store.conn, rows.RUN) == 1

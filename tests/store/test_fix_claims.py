"""Table fix_claims: a claim stands until a commit proves or a wave refutes it."""

import sqlite3

import pytest

from swarm.rules.states import WaveStatus
from swarm.store import assignments, fix_claims, transitions
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.fix_claims import NewFixClaim, Proved
from swarm.store.waves import Wave
from tests.store import rows
from tests.store.writers import steps


@pytest.fixture
def findings(store: Store, agent: AgentRun) -> list[int]:
    """Three findings that the agent was given."""
    with store.mutation() as conn:
        ids = [rows.add_finding(conn, number) for number in range(3)]
        assignments.assign(conn, agent.id, ids)
        return ids


def claim(wave: Wave, agent: AgentRun, finding: int) -> NewFixClaim:
    return NewFixClaim(wave.id, agent.id, finding, "Fixed.", "src/app.py", "anchor", "the line is gone")


def outcomes(store: Store, wave: Wave) -> list[tuple[int, str]]:
    return [(kept.finding, kept.outcome) for kept in fix_claims.of_wave(store.conn, wave.id)]


def test_a_later_collect_replaces_open_claims_and_keeps_those_that_were_settled(
    store: Store, wave: Wave, agent: AgentRun, findings: list[int]
) -> None:
    first, second, third = findings
    with store.mutation() as conn:
        fix_claims.replace(conn, wave.id, [claim(wave, agent, first), claim(wave, agent, second)])
        fix_claims.settle(conn, [first], "fixed")
        fix_claims.replace(conn, wave.id, [claim(wave, agent, first), claim(wave, agent, third)])
    assert outcomes(store, wave) == [(first, "fixed"), (third, "claimed")]
    assert steps(store, "claim_settled") == [("claim_settled", "claim:1", "claimed", "fixed")]


def test_a_settled_claim_is_settled_once(store: Store, wave: Wave, agent: AgentRun, findings: list[int]) -> None:
    with store.mutation() as conn:
        fix_claims.replace(conn, wave.id, [claim(wave, agent, findings[0])])
        fix_claims.settle(conn, findings, "refuted")
        fix_claims.settle(conn, findings, "fixed")
        fix_claims.settle(conn, [], "fixed")
    assert outcomes(store, wave) == [(findings[0], "refuted")]
    assert len(steps(store, "claim_settled")) == 1


def test_the_newest_claim_of_a_finding_stands_alone(
    store: Store, wave: Wave, agent: AgentRun, findings: list[int]
) -> None:
    with store.mutation() as conn:
        fix_claims.replace(conn, wave.id, [claim(wave, agent, finding) for finding in findings[:2]])
        transitions.move_wave(conn, wave, WaveStatus.FAILED)
        later = rows.add_wave(conn)
        again = rows.add_agent(conn, later)
        fix_claims.replace(conn, later.id, [claim(later, again, findings[0])])
        fix_claims.settle(conn, [findings[1]], "refuted")
    assert [(kept.finding, kept.wave_number) for kept in fix_claims.standing(store.conn, rows.RUN)] == [
        (findings[0], later.number)
    ]
    proved = [Proved(finding, "anchor", "gone", 1, rows.COMMIT) for finding in findings]
    assert fix_claims.still_claimed(store.conn, rows.RUN, proved) == proved[:1]
    assert [kept.wave_number for kept in fix_claims.of_finding(store.conn, findings[0])] == [1, 2]
    assert fix_claims.of_domains(store.conn, later.id, ["code"]) == [findings[0]]
    assert fix_claims.of_domains(store.conn, later.id, ["rest"]) == []


def test_a_claim_about_no_finding_or_of_an_unknown_kind_is_refused(
    store: Store, wave: Wave, agent: AgentRun, findings: list[int]
) -> None:
    for wrong in (claim(wave, agent, 99), claim(wave, agent, findings[0])._replace(verified_via="word")):
        with pytest.raises(sqlite3.IntegrityError):
            fix_claims.replace(store.conn, wave.id, [wrong])
    assert outcomes(store, wave) == []

"""Table assignments: the findings that each agent run was given, each once."""

import sqlite3

import pytest

from swarm.store import assignments
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.waves import Wave
from tests.store import rows


def test_assignments_are_listed_by_agent_run_in_the_order_of_the_findings(
    store: Store, wave: Wave, agent: AgentRun
) -> None:
    with store.mutation() as conn:
        other = rows.add_agent(conn, wave, "rest")
        ids = [rows.add_finding(conn, number) for number in range(3)]
        assignments.assign(conn, other.id, [ids[0]])
        assignments.assign(conn, agent.id, [ids[2], ids[1]])
    assert assignments.assigned(store.conn, wave.id) == {agent.id: [ids[1], ids[2]], other.id: [ids[0]]}
    assert assignments.assigned(store.conn, wave.id + 1) == {}


def test_a_finding_is_given_to_an_agent_run_once_and_exists(store: Store, agent: AgentRun) -> None:
    finding = rows.add_finding(store.conn, 1)
    for wrong in ([finding, finding], [99]):
        with pytest.raises(sqlite3.IntegrityError):
            assignments.assign(store.conn, agent.id, wrong)

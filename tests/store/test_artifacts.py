"""Table artifacts: the last output of each agent run, byte for byte."""

import hashlib

from swarm.store import artifacts
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.waves import Wave
from tests.store import rows


def test_an_output_is_returned_byte_for_byte_and_the_last_replaces_the_others(
    store: Store, wave: Wave, agent: AgentRun
) -> None:
    last = b'{"summary": "\xff\x00"}' * 1000
    with store.mutation() as conn:
        artifacts.record_output(conn, agent.id, "/srv/first.json", artifacts.body_of(b"{}"))
        artifacts.record_output(conn, agent.id, "/srv/last.json", artifacts.body_of(last))
    assert artifacts.recorded_output(store.conn, agent.id) == ("/srv/last.json", last)
    assert artifacts.output_digests(store.conn, wave.id) == {agent.id: hashlib.sha256(last).hexdigest()}


def test_without_a_collect_there_is_no_output(store: Store, wave: Wave, agent: AgentRun) -> None:
    assert artifacts.recorded_output(store.conn, agent.id) is None
    assert artifacts.output_digests(store.conn, wave.id) == {}


def test_the_digests_of_a_wave_are_its_own(store: Store, wave: Wave, agent: AgentRun) -> None:
    with store.mutation() as conn:
        other = rows.add_agent(conn, wave, "rest")
        for row in (agent, other):
            artifacts.record_output(conn, row.id, "/srv/out.json", artifacts.body_of(row.domain.encode()))
    assert set(artifacts.output_digests(store.conn, wave.id)) == {agent.id, other.id}
    assert artifacts.output_digests(store.conn, wave.id + 1) == {}

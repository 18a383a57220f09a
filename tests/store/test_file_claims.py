"""Table file_claims: the files of an agent run's last collect, and the violations that gates count."""

import sqlite3

import pytest

from swarm.rules.states import AgentRunStatus
from swarm.store import agent_runs, file_claims, transitions
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.file_claims import FileClaim
from swarm.store.waves import Wave
from tests.store import rows

EDITED = FileClaim("src/app.py", "edit", observed=True, reported=True, owner="code", violation=False)
REPORTED = FileClaim("src/other.py", "edit", observed=False, reported=True, owner="code", violation=False)
STOLEN = FileClaim("README.md", "delete", observed=True, reported=False, owner="rest", violation=True)


def test_the_claims_of_a_collect_replace_those_of_the_previous(store: Store, wave: Wave, agent: AgentRun) -> None:
    with store.mutation() as conn:
        file_claims.replace_claims(conn, agent.id, [EDITED, STOLEN])
        file_claims.replace_claims(conn, agent.id, [STOLEN, REPORTED])
    assert file_claims.file_claims_of(store.conn, wave.id) == {agent.id: [STOLEN, REPORTED]}
    # The word of an agent alone is no touched file.
    assert file_claims.claimed_files(store.conn, wave.id) == {agent.id: ["README.md"]}


def test_a_wave_has_changes_where_git_showed_some_in_the_last_try_of_an_agent(
    store: Store, wave: Wave, agent: AgentRun
) -> None:
    with store.mutation() as conn:
        file_claims.replace_claims(conn, agent.id, [REPORTED])
    assert not file_claims.has_changes(store.conn, wave.id)
    with store.mutation() as conn:
        file_claims.replace_claims(conn, agent.id, [EDITED])
    assert file_claims.has_changes(store.conn, wave.id)
    with store.mutation() as conn:
        transitions.move_agent_run(conn, wave, agent, AgentRunStatus.FAILED, reason="x")
        rows.add_agent(conn, wave)
    assert not file_claims.has_changes(store.conn, wave.id)


def test_violations_count_by_the_last_try_of_each_agent(store: Store, wave: Wave, agent: AgentRun) -> None:
    def counted(after: int) -> int:
        return file_claims.violations_after(store.conn, rows.RUN, after, "(wave)")

    with store.mutation() as conn:
        file_claims.replace_claims(conn, agent.id, [EDITED, STOLEN])
    assert (counted(0), counted(wave.number)) == (1, 0)
    with store.mutation() as conn:
        transitions.move_agent_run(conn, wave, agent, AgentRunStatus.FAILED, reason="x")
        rows.add_agent(conn, wave)
    assert len(agent_runs.current(store.conn, wave.id)) == 1
    assert counted(0) == 0


@pytest.mark.parametrize("wrong", [{"kind": "touch"}, {"observed": False, "reported": False}])
def test_a_claim_that_nobody_made_is_refused(store: Store, agent: AgentRun, wrong: dict[str, object]) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        file_claims.replace_claims(store.conn, agent.id, [EDITED._replace(**wrong)])
    with pytest.raises(sqlite3.IntegrityError):
        file_claims.replace_claims(store.conn, agent.id, [EDITED, EDITED._replace(kind="delete")])

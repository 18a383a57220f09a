"""Table finding_aliases: a further fingerprint belongs to one finding, and never to two."""

from swarm.store import finding_aliases, observations
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from tests.store import rows

FIRST, SECOND = "a" * 24, "b" * 24


def test_an_alias_stays_with_the_finding_that_has_it(store: Store, agent: AgentRun) -> None:
    with store.mutation() as conn:
        one, two = (rows.add_finding(conn, number) for number in (1, 2))
        finding_aliases.add(conn, rows.RUN, 1, [(FIRST, one)])
        finding_aliases.add(conn, rows.RUN, 2, [(FIRST, two), (SECOND, two)])
    assert finding_aliases.of_run(store.conn, rows.RUN) == {one: {FIRST}, two: {SECOND}}


def test_the_fingerprint_of_a_finding_is_no_alias_of_another(store: Store, agent: AgentRun) -> None:
    with store.mutation() as conn:
        one, two = (rows.add_finding(conn, number) for number in (1, 2))
        finding_aliases.add(conn, rows.RUN, 1, [(f"{2:024x}", one), (FIRST, two)])
    assert finding_aliases.of_run(store.conn, rows.RUN) == {two: {FIRST}}


def test_an_alias_that_became_the_fingerprint_of_a_later_finding_is_ambiguous(store: Store, agent: AgentRun) -> None:
    with store.mutation() as conn:
        one = rows.add_finding(conn, 1)
        finding_aliases.add(conn, rows.RUN, 1, [(FIRST, one), (SECOND, one)])
        observations.add_all(conn, [rows.new_finding(2)._replace(fingerprint=FIRST)])
    assert finding_aliases.of_run(store.conn, rows.RUN) == {one: {FIRST, SECOND}}
    assert finding_aliases.unambiguous(store.conn, rows.RUN) == {one: [SECOND]}

"""Reads of the table findings: gravest first, by filters, by the beginning of an id; and counts by status."""

import pytest

from swarm.rules.findings import Decision
from swarm.store import decisions, finding_names, findings, observations, sightings
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.decisions import Taken
from swarm.store.findings import Selection
from swarm.store.waves import Wave
from tests.store import rows


@pytest.fixture
def four(store: Store, wave: Wave, agent: AgentRun) -> list[int]:
    """A finding of each severity, gravest first, of which the second is approved."""
    with store.mutation() as conn:
        ids = observations.add_all(conn, [rows.new_finding(number) for number in range(4)])
        items = decisions.with_ids(conn, rows.RUN, ["F-00000001"])
        decisions.take(conn, rows.RUN, [(items[0], Taken(Decision.APPROVED, None, "coordinator", "Ada"))], None)
        sightings.add_sightings(conn, [rows.sighting(ids[3], wave, agent)])
        return ids


def test_findings_are_read_gravest_first(store: Store, four: list[int]) -> None:
    found = list(findings.select(store.conn, rows.RUN, Selection()))
    assert [finding.severity for finding in found] == ["CRITICAL", "HIGH", "MEDIUM", "LOW"]
    assert [finding.row_id for finding in found] == four
    assert list(findings.select(store.conn, "swarm-1-00000000", Selection())) == []


@pytest.mark.parametrize(
    ("selection", "numbers"),
    [
        (Selection(statuses=("approved",)), [1]),
        (Selection(statuses=("new", "fixed"), severities=("HIGH", "LOW")), [3]),
        (Selection(domains=("rest",)), []),
        (Selection(rules=("F401",)), [0, 1, 2, 3]),
        (Selection(rules=("bug",)), []),
        (Selection(wave_id=1), [3]),
    ],
)
def test_filters_keep_the_findings_that_pass_each_of_them(
    store: Store, four: list[int], selection: Selection, numbers: list[int]
) -> None:
    found = findings.select(store.conn, rows.RUN, selection)
    assert [four.index(finding.row_id) for finding in found] == numbers


@pytest.mark.parametrize(("word", "count"), [("F-00000002", 1), ("F-0000000", 3), ("F-_", 0), ("F-%", 0), ("F-", 3)])
def test_a_prefix_names_the_findings_that_begin_with_it_three_at_most(
    store: Store, four: list[int], word: str, count: int
) -> None:
    assert len(finding_names.ids_beginning(store.conn, rows.RUN, word, 3)) == count


def test_counts_are_by_status_and_severity(store: Store, four: list[int]) -> None:
    assert findings.counts_by(store.conn, rows.RUN) == {
        ("new", "CRITICAL"): 1,
        ("approved", "HIGH"): 1,
        ("new", "MEDIUM"): 1,
        ("new", "LOW"): 1,
    }
    assert findings.approved_by_lens(store.conn, rows.RUN) == {"A": 1}
    assert findings.open_by_severity(store.conn, rows.RUN) == {"CRITICAL": 1, "HIGH": 1, "MEDIUM": 1, "LOW": 1}


def test_a_decision_that_has_expired_counts_as_open_for_matching(store: Store, four: list[int]) -> None:
    with store.mutation() as conn:
        (item,) = decisions.with_ids(conn, rows.RUN, ["F-00000002"])
        past = Taken(Decision.REJECTED, "x", "coordinator", "Ada", "2020-01-01")
        decisions.take(conn, rows.RUN, [(item, past)], None)
    known = {
        found.finding_id: found.decision for found in findings.known_findings(store.conn, rows.RUN, today="2026-01-01")
    }
    assert known == {"F-00000000": "open", "F-00000001": "approved", "F-00000002": "open", "F-00000003": "open"}
    assert [
        found.finding_id
        for found in findings.known_findings(store.conn, rows.RUN, statuses=("approved",), today="2026-01-01")
    ] == ["F-00000001"]


def test_the_known_findings_of_a_run_are_its_own_though_rows_of_another_lie_between(store: Store, wave: Wave) -> None:
    del wave
    other = "swarm-1700000001-89abcdef"
    with store.mutation() as conn:
        rows.add_run(conn, other)
        added = [rows.add_finding(conn, number, other if number % 2 else rows.RUN) for number in range(5)]
    found = [findings.known_findings(store.conn, run, today="2026-01-02") for run in (rows.RUN, other, "swarm-1-0")]
    assert [[item.known.row_id for item in known] for known in found] == [added[::2], added[1::2], []]

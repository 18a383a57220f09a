"""Observation columns of findings: new, seen again, not seen, proved fixed; a decision is never touched."""

import sqlite3
from pathlib import Path

import pytest

from swarm.rules.findings import Decision
from swarm.store import decisions, findings, fix_claims, observations
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.decisions import Taken
from swarm.store.findings import Finding, Selection
from swarm.store.fix_claims import NewFixClaim, Proved
from swarm.store.observations import NotSeen, Relocated, SeenAgain, SeenFurther
from swarm.store.waves import Wave
from tests.store import rows
from tests.store.writers import at_once, steps


@pytest.fixture
def finding(store: Store, agent: AgentRun) -> int:
    """A finding that the wave saw first."""
    with store.mutation() as conn:
        return rows.add_finding(conn, 1)


def only(store: Store) -> Finding:
    (found,) = findings.select(store.conn, rows.RUN, Selection())
    return found


def seen_again(finding: int, **changed: object) -> SeenAgain:
    report = rows.new_finding(1).report
    again = SeenAgain(
        id=finding,
        report=report,
        reports=(report, report),
        severity="CRITICAL",
        severity_note="raised",
        anchor_commit="b" * 40,
        analyzer=None,
        last_wave=2,
        regressions=0,
        recurred_while_closed=0,
        matched_by="line_map",
        match_note="moved by a line",
    )
    return again._replace(**changed)


def fixed(finding: int) -> NotSeen:
    return NotSeen("fixed", "the line is gone", "anchor", None, 2, "b" * 40, 0, finding)


def approve(store: Store) -> None:
    with store.mutation() as conn:
        (item,) = decisions.with_ids(conn, rows.RUN, ["F-00000001"])
        decisions.take(conn, rows.RUN, [(item, Taken(Decision.APPROVED, None, "coordinator", "Ada"))], None)


def test_new_findings_get_rows_in_their_order(store: Store, agent: AgentRun) -> None:
    with store.mutation() as conn:
        assert observations.add_all(conn, [rows.new_finding(number) for number in (3, 1, 2)]) == [1, 2, 3]
    found = list(findings.select(store.conn, rows.RUN, Selection()))
    assert {(item.row_id, item.finding_id) for item in found} == {
        (1, "F-00000003"),
        (2, "F-00000001"),
        (3, "F-00000002"),
    }
    assert {item.status for item in found} == {"new"}


@pytest.mark.parametrize("twin", [{"finding_id": "F-99999999"}, {"fingerprint": "9" * 24}])
def test_a_second_finding_of_a_fingerprint_or_an_id_is_refused_with_all_its_batch(
    store: Store, finding: int, twin: dict[str, str]
) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.mutation() as conn:
        observations.add_all(conn, [rows.new_finding(2), rows.new_finding(1)._replace(**twin)])
    assert only(store).finding_id == "F-00000001"


def test_a_finding_that_is_seen_again_is_open_again_at_its_new_place(store: Store, finding: int) -> None:
    with store.mutation() as conn:
        observations.record_not_seen(conn, [fixed(finding)])
        observations.record_seen_again(conn, [seen_again(finding, regressions=1)])
    found = only(store)
    assert (found.status, found.severity, found.sightings, found.regressions) == ("recurring", "CRITICAL", 3, 1)
    assert (found.evidence, found.fixed_wave, found.fixed_commit) == (None, None, None)
    assert (found.anchor_commit, found.matched_by, found.last_wave) == ("b" * 40, "line_map", 2)


def test_a_finding_is_not_fixed_without_evidence(store: Store, finding: int) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        observations.record_not_seen(store.conn, [fixed(finding)._replace(evidence=None)])
    with pytest.raises(sqlite3.IntegrityError):
        observations.record_not_seen(store.conn, [fixed(finding)._replace(observation="unverified")])
    assert only(store).status == "new"


def test_an_observation_leaves_the_decision_as_it_is(store: Store, finding: int) -> None:
    approve(store)
    with store.mutation() as conn:
        observations.record_seen_again(conn, [seen_again(finding)])
    assert (only(store).decision, only(store).status) == ("approved", "approved")
    with store.mutation() as conn:
        observations.record_not_seen(conn, [fixed(finding)])
    assert (only(store).decision, only(store).status) == ("approved", "fixed")


def test_further_reports_and_moved_lines_change_no_observation(store: Store, finding: int) -> None:
    with store.mutation() as conn:
        observations.record_further(conn, [SeenFurther("CRITICAL", 2, 3, finding)])
        observations.record_relocated(conn, [Relocated("src/moved.py", 9, "c" * 40, finding)])
    found = only(store)
    assert (found.observation, found.severity, found.sightings, found.last_wave) == ("new", "CRITICAL", 3, 3)
    assert (found.file, found.line, found.anchor_commit) == ("src/moved.py", 9, "c" * 40)


def test_a_proved_claim_is_fixed_once_by_whoever_commits_first(
    store: Store, wave: Wave, agent: AgentRun, finding: int, database: Path
) -> None:
    with store.mutation() as conn:
        claim = NewFixClaim(wave.id, agent.id, finding, "Fixed.", "src/app.py", "anchor", "the line is gone")
        fix_claims.replace(conn, wave.id, [claim])

    def prove(own: Store) -> int:
        with own.mutation() as conn:
            due = fix_claims.still_claimed(conn, rows.RUN, [Proved(finding, "anchor", "the line is gone", 1, "d" * 40)])
            observations.prove(conn, rows.RUN, wave.id, due)
            return len(due)

    assert sorted(map(str, at_once(database, prove, prove))) == ["0", "1"]
    assert (only(store).status, only(store).fixed_commit) == ("fixed", "d" * 40)
    assert steps(store, "finding_moved", "claim_settled") == [
        ("finding_moved", f"finding:{finding}", "new", "fixed"),
        ("claim_settled", "claim:1", "claimed", "fixed"),
    ]


def test_a_rewind_makes_open_findings_and_fixes_of_its_waves_unverified(store: Store, agent: AgentRun) -> None:
    with store.mutation() as conn:
        ids = observations.add_all(conn, [rows.new_finding(number) for number in range(1, 5)])
        observations.record_not_seen(conn, [fixed(ids[1]), fixed(ids[2])._replace(fixed_wave=1)])
        observations.record_not_seen(conn, [fixed(ids[3])._replace(observation="unverified", evidence=None)])
        due = observations.unverified_by(conn, rows.RUN, {2})
        assert observations.unverify(conn, rows.RUN, {2}, "rewound") == due == 2
    states = {found.finding_id: found.status for found in findings.select(store.conn, rows.RUN, Selection())}
    assert states == {
        "F-00000001": "unverified",
        "F-00000002": "unverified",
        "F-00000003": "fixed",
        "F-00000004": "unverified",
    }
    assert [step[1:] for step in steps(store, "finding_moved")] == [
        ("finding:1", "new", "unverified"),
        ("finding:2", "fixed", "unverified"),
    ]


def test_very_many_findings_are_held_to_the_same_schema_as_few(store: Store, agent: AgentRun) -> None:
    many = 1500
    schema = store.conn.execute("SELECT * FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
    before = {row[1]: row[4] for row in schema}
    with store.mutation() as conn:
        added = observations.add_all(conn, [rows.new_finding(number) for number in range(many)])
    with store.mutation() as conn:
        observations.record_seen_again(conn, [seen_again(row) for row in added])
    after = store.conn.execute("SELECT * FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name")
    assert {row[1]: row[4] for row in after} == before
    assert store.conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert findings.counts_by(store.conn, rows.RUN) == {("recurring", "CRITICAL"): many}
    twice = [rows.new_finding(number) for number in (*range(many, 3 * many), many)]
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE constraint failed"), store.mutation() as conn:
        observations.add_all(conn, twice)
    # Rolled back with its indexes: few findings are refused as many are.
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE constraint failed"), store.mutation() as conn:
        rows.add_finding(conn, 1)
    assert len(added) == store.conn.execute("SELECT count(*) FROM findings").fetchone()[0]


def test_a_report_that_is_like_before_is_recorded_as_any_other(store: Store, finding: int) -> None:
    report = rows.new_finding(1).report
    assert report.anchor is not None
    moved = report._replace(anchor=report.anchor._replace(line=40), column=9, symbol="load")
    before = {"severity": only(store).severity, "analyzer": "ruff 1", "severity_note": None}
    found = []
    for is_like_before in (False, True):
        with store.mutation() as conn:
            observations.record_not_seen(conn, [fixed(finding)])
            again = seen_again(finding, report=moved, is_like_before=is_like_before, regressions=1, **before)
            observations.record_seen_again(conn, [again])
        found.append(only(store))
    assert found[1] == found[0]._replace(sightings=5, regressions=2)
    assert (found[1].line, found[1].column, found[1].symbol, found[1].observation) == (40, 9, "load", "recurring")

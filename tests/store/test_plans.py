"""The queries that run over many rows find them by their index: what SQLite plans for the statements as they are run."""

import sqlite3
from collections.abc import Callable

import pytest

from swarm.store import (
    agent_runs,
    artifacts,
    attempts,
    decisions,
    digests,
    file_claims,
    finding_aliases,
    finding_moves,
    finding_names,
    findings,
    gate_counts,
    ledger,
    merges,
    observations,
    promotions,
    runs,
    sightings,
    trends,
    verifications,
    waves,
)
from swarm.store.connection import Store
from swarm.store.findings import Selection
from swarm.store.ledger import Entry, append_all
from tests.store import rows

OTHER = "swarm-1700000001-89abcdef"
Query = Callable[[sqlite3.Connection], object]


# The tools that handed-in reports name, of which most databases hold none.
_TOOLS = [
    "SEARCH waves USING INDEX sqlite_autoindex_waves_1 (run_id=?)",
    "SEARCH sightings USING INDEX sightings_of_a_tool (wave_id=?)",
    "USE TEMP B-TREE FOR ORDER BY",
]


@pytest.fixture
def filled(store: Store) -> sqlite3.Connection:
    """Two runs with some waves, findings, sightings and events."""
    with store.mutation() as conn:
        for run_id in (rows.RUN, OTHER):
            rows.add_run(conn, run_id)
            wave = rows.add_wave(conn, run_id)
            agent = rows.add_agent(conn, wave)
            first = 1 if run_id == rows.RUN else 1000
            added = observations.add_all(conn, [rows.new_finding(n, run_id) for n in range(first, first + 200)])
            sightings.add_sightings(conn, [rows.sighting(row, wave, agent) for row in added])
            finding_aliases.add(conn, run_id, 1, [(f"alias {row}", row) for row in added])
            verifications.add_verification(conn, rows.verification(wave))
            append_all(conn, (Entry("finding_moved", f"finding:{row}", run_id, wave.id) for row in added))
    return store.conn


def _verified(conn: sqlite3.Connection) -> verifications.Verification:
    found = verifications.newest_verification(conn, rows.RUN)
    assert found is not None
    return found


def plans(conn: sqlite3.Connection, query: Query) -> list[list[str]]:
    """What SQLite plans for each statement that a call runs."""
    statements: list[str] = []
    conn.set_trace_callback(statements.append)
    try:
        found = query(conn)
        if hasattr(found, "__next__"):
            list(found)  # type: ignore[call-overload]
    finally:
        conn.set_trace_callback(None)
    return [
        [
            step.replace("COVERING ", "").removesuffix(" LEFT-JOIN")
            for *_, step in conn.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
        for statement in statements
        if statement.startswith(("SELECT", "UPDATE", "DELETE"))
    ]


@pytest.mark.parametrize(
    ("query", "planned"),
    [
        (
            lambda conn: findings.select(conn, rows.RUN, Selection()),
            [["SEARCH findings USING INDEX findings_by_status (run_id=?)", "USE TEMP B-TREE FOR ORDER BY"], _TOOLS],
        ),
        (
            lambda conn: findings.select(conn, rows.RUN, Selection(statuses=("new",), severities=("HIGH",))),
            [
                [
                    "SEARCH findings USING INDEX findings_by_status (run_id=? AND status=? AND severity=?)",
                    "USE TEMP B-TREE FOR ORDER BY",
                ],
                _TOOLS,
            ],
        ),
        (
            lambda conn: findings.counts_by(conn, rows.RUN),
            [["SEARCH findings USING INDEX findings_by_status (run_id=?)"]],
        ),
        (
            lambda conn: decisions.expired(conn, rows.RUN, "2030-01-01"),
            [
                [
                    "SEARCH findings USING INDEX findings_by_status (run_id=? AND status=?)",
                    "USE TEMP B-TREE FOR ORDER BY",
                ]
            ],
        ),
        (
            lambda conn: decisions.inline(conn, rows.RUN, 1),
            [
                [
                    "SEARCH findings USING INDEX findings_by_status (run_id=? AND status=?)",
                    "USE TEMP B-TREE FOR ORDER BY",
                ]
            ],
        ),
        (
            lambda conn: finding_names.ids_beginning(conn, rows.RUN, "F-0", 2),
            [
                ["SEARCH findings USING INDEX one_finding_per_id (finding_id=? AND run_id=?)"],
                ["SEARCH findings USING INDEX one_finding_per_id (finding_id>? AND finding_id<?)"],
            ],
        ),
        (
            lambda conn: decisions.with_alias(conn, rows.RUN, "alias 1"),
            [
                [
                    "SEARCH findings USING INTEGER PRIMARY KEY (rowid=?)",
                    "SCALAR SUBQUERY 1",
                    "SEARCH finding_aliases USING PRIMARY KEY (run_id=? AND fingerprint=?)",
                ]
            ],
        ),
        (
            lambda conn: gate_counts.counts_by_lens(conn, rows.RUN),
            [["SEARCH findings USING INDEX findings_by_status (run_id=?)"]],
        ),
        (
            lambda conn: gate_counts.promoted_wave(conn, rows.RUN),
            [
                [
                    "SEARCH promotions USING INDEX promotions_of_a_run (run_id=?)",
                    "SEARCH waves USING INTEGER PRIMARY KEY (rowid=?)",
                ]
            ],
        ),
        (
            lambda conn: file_claims.has_changes(conn, 1),
            [
                [
                    "CO-ROUTINE newest",
                    "SEARCH agent_runs USING INDEX agent_runs_of_a_wave (wave_id=?)",
                    "SCAN newest",
                    "SEARCH file_claims USING INDEX sqlite_autoindex_file_claims_1 (agent_run_id=?)",
                ]
            ],
        ),
        (
            lambda conn: finding_names.fixed_in_wave(conn, rows.RUN, 1),
            [["SEARCH findings USING INDEX findings_by_status (run_id=? AND status=?)"]],
        ),
        (
            lambda conn: sightings.sightings_of(conn, 1),
            [
                [
                    "SEARCH sightings USING INDEX sightings_of_a_finding (finding=?)",
                    "SEARCH findings USING INTEGER PRIMARY KEY (rowid=?)",
                    "SEARCH waves USING INTEGER PRIMARY KEY (rowid=?)",
                    "SEARCH agent_runs USING INTEGER PRIMARY KEY (rowid=?)",
                ]
            ],
        ),
        (
            lambda conn: sightings.tool_of_finding(conn, 1),
            [["SEARCH sightings USING INDEX sightings_of_a_finding (finding=?)"]],
        ),
        (
            lambda conn: sightings.tools_by_finding(conn, rows.RUN),
            [_TOOLS],
        ),
        (
            lambda conn: ledger.events_after(conn, 100),
            [["SEARCH events USING INTEGER PRIMARY KEY (rowid>?)"]],
        ),
        (
            lambda conn: ledger.events_after(conn, 100, rows.RUN),
            [["SEARCH events USING INDEX events_of_a_run (run_id=? AND seq>?)"]],
        ),
        (
            lambda conn: ledger.events_of(conn, "finding:3"),
            [["SEARCH events USING INDEX events_of_a_subject (subject=?)"]],
        ),
        (
            lambda conn: finding_moves.observed_since(conn, rows.RUN, 100),
            [
                [
                    "SEARCH findings USING INTEGER PRIMARY KEY (rowid=?)",
                    "LIST SUBQUERY 1",
                    "SEARCH events USING INDEX events_of_a_run (run_id=? AND seq>?)",
                ],
                ["SEARCH events USING INDEX events_of_a_run (run_id=? AND seq>?)"],
            ],
        ),
        (
            lambda conn: ledger.newest_of(conn, rows.RUN),
            [["SEARCH events USING INDEX events_of_a_run (run_id=?)"]],
        ),
        (
            lambda conn: trends.regressions_by_wave(conn, rows.RUN),
            [["SEARCH events USING INDEX events_of_a_run (run_id=?)", "USE TEMP B-TREE FOR GROUP BY"]],
        ),
        (
            lambda conn: trends.summary_of(conn, 1),
            [
                [
                    "SEARCH findings USING INTEGER PRIMARY KEY (rowid=?)",
                    "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)",
                ]
            ],
        ),
        (
            lambda conn: waves.newest(conn, rows.RUN),
            [["SEARCH waves USING INDEX sqlite_autoindex_waves_1 (run_id=?)"]],
        ),
        (
            lambda conn: runs.find(conn, rows.RUN),
            [["SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)"]],
        ),
    ],
)
def test_a_query_is_planned_by_its_index(filled: sqlite3.Connection, query: Query, planned: list[list[str]]) -> None:
    assert plans(filled, query) == planned


@pytest.mark.parametrize(
    "query",
    [
        lambda conn: findings.select(conn, rows.RUN, Selection(domains=("code",), rules=("F401",))),
        lambda conn: findings.select(conn, rows.RUN, Selection(wave_id=1)),
        lambda conn: findings.known_findings(conn, rows.RUN, today="2026-01-02"),
        lambda conn: finding_names.ids_beginning(conn, rows.RUN, "F-0000", 2),
        lambda conn: observations.record_not_seen(
            conn, [observations.NotSeen("unverified", "x", None, None, None, None, 1, 1)]
        ),
        lambda conn: agent_runs.current(conn, 1),
        lambda conn: attempts.of_wave(conn, 1),
        lambda conn: waves.in_flight(conn, rows.RUN),
        lambda conn: waves.all_of(conn, rows.RUN),
        lambda conn: agent_runs.all_of(conn, 1),
        lambda conn: trends.spans(conn, rows.RUN),
        lambda conn: file_claims.violations_after(conn, rows.RUN, 0, "the wave"),
        lambda conn: gate_counts.has_verifications(conn, rows.RUN),
        lambda conn: gate_counts.is_outdated(conn, _verified(conn), "wave:1"),
        lambda conn: verifications.newest_verification(conn, rows.RUN, wave_id=1),
        lambda conn: verifications.newest_verification(conn, rows.RUN, phase="test"),
        lambda conn: merges.merges_of(conn, 1),
        lambda conn: promotions.promotions_of(conn, rows.RUN),
        lambda conn: artifacts.output_digests(conn, 1),
        lambda conn: file_claims.file_claims_of(conn, 1),
        lambda conn: sightings.seen_in(conn, 1),
        lambda conn: sightings.tools_by_agent_run(conn, 1),
        lambda conn: ledger.fixed_in(conn, rows.RUN, 1),
        lambda conn: finding_moves.fixed_by_ledger(conn, rows.RUN),
        lambda conn: ledger.span_of(conn, rows.RUN, 1),
        lambda conn: digests.digest(conn, 1),
    ],
)
def test_no_query_of_one_run_reads_a_whole_table(filled: sqlite3.Connection, query: Query) -> None:
    steps = [step for plan in plans(filled, query) for step in plan]
    assert steps
    assert [step for step in steps if step.startswith("SCAN ")] == []


@pytest.mark.parametrize(
    "query",
    [
        lambda conn: trends.persistent(conn, None, set()),
        lambda conn: trends.links(conn, "project"),
        lambda conn: trends.tallies(conn, None, "rule"),
        lambda conn: trends.tallies(conn, None, "file"),
        lambda conn: trends.points(conn, None),
    ],
)
def test_of_all_runs_only_the_runs_are_read_whole(filled: sqlite3.Connection, query: Query) -> None:
    steps = [step for plan in plans(filled, query) for step in plan]
    assert {step for step in steps if step.startswith("SCAN ")} <= {"SCAN runs"}
    assert [step for step in steps if step.startswith("SEARCH ")]

"""Table sightings: the reports of each wave, as they were written, oldest first."""

import hashlib
import json
import sqlite3

import pytest

from swarm.rules.states import WaveStatus
from swarm.store import sightings, transitions
from swarm.store.agent_runs import AgentRun
from swarm.store.connection import Store
from swarm.store.digests import Digest
from swarm.store.sightings import Earlier, Seen
from swarm.store.waves import Wave
from tests.store import rows


def test_sightings_are_listed_by_wave_and_by_finding_in_the_order_of_their_writing(
    store: Store, wave: Wave, agent: AgentRun
) -> None:
    with store.mutation() as conn:
        first, second = rows.add_finding(conn, 1), rows.add_finding(conn, 2)
        reports = [rows.sighting(second, wave, agent), rows.sighting(first, wave, agent)]
        sightings.add_sightings(conn, reports)
        transitions.move_wave(conn, wave, WaveStatus.COLLECTED)
        later = rows.add_wave(conn)
        again = rows.sighting(first, later, rows.add_agent(conn, later, "rest"))
        sightings.add_sightings(conn, [again])
    assert list(sightings.sightings_in(store.conn, wave.id)) == reports
    assert sightings.sightings_of(store.conn, first) == [(1, "code", reports[1]), (2, "rest", again)]
    assert sightings.first_of(store.conn, first)[0] == wave.id
    assert sightings.waves_of_sightings(store.conn, None) == [(wave.id, rows.RUN, 1), (later.id, rows.RUN, 2)]
    assert sightings.waves_of_sightings(store.conn, "swarm-1-00000000") == []


WORDS = "SELECT file, quote, description, recommendation FROM sightings ORDER BY id"


def test_a_sighting_has_no_words_of_its_own_where_its_finding_has_the_same(
    store: Store, wave: Wave, agent: AgentRun
) -> None:
    with store.mutation() as conn:
        report = rows.sighting(rows.add_finding(conn, 1), wave, agent)
        others = [
            report._replace(**changed)
            for changed in ({"file": "other.py"}, {"quote": "x"}, {"description": "x"}, {"recommendation": "x"})
        ]
        sightings.add_sightings(conn, [report, *others])
    assert store.conn.execute(WORDS).fetchall() == [(None,) * 4, *((s[6], *s[8:11]) for s in others)]
    assert list(sightings.sightings_in(store.conn, wave.id)) == [report, *others]


@pytest.mark.parametrize(
    "change", ["file = 'other.py'", "quote = 'x'", "description = 'x'", "recommendation = 'x'", "file = NULL"]
)
def test_a_sighting_keeps_its_words_when_those_of_its_finding_change(
    store: Store, wave: Wave, agent: AgentRun, change: str
) -> None:
    with store.mutation() as conn:
        report = rows.sighting(rows.add_finding(conn, 1), wave, agent)
        own = report._replace(description="of its own")
        sightings.add_sightings(conn, [report, own])
        conn.execute(f"UPDATE findings SET {change}")
        conn.execute("UPDATE findings SET description = 'later'")
    assert list(sightings.sightings_in(store.conn, wave.id)) == [report, own]


def test_a_sighting_of_a_deleted_finding_is_still_read(store: Store, wave: Wave, agent: AgentRun) -> None:
    report = rows.sighting(rows.add_finding(store.conn, 1), wave, agent)
    sightings.add_sightings(store.conn, [report])
    store.conn.execute("PRAGMA foreign_keys = OFF")
    store.conn.execute("DELETE FROM findings")
    (left,) = sightings.sightings_in(store.conn, wave.id)
    assert left == report._replace(file=None, quote=None, description=None)


def test_a_wave_counts_a_finding_once_under_each_severity_that_was_reported(
    store: Store, wave: Wave, agent: AgentRun
) -> None:
    with store.mutation() as conn:
        finding = rows.add_finding(conn, 1)
        report = rows.sighting(finding, wave, agent)
        sightings.add_sightings(conn, [report, report._replace(reported_id="2"), report._replace(severity="LOW")])
    assert sightings.seen_in(store.conn, wave.id) == Seen({"HIGH": 1, "LOW": 1}, 0, None)


def test_nothing_is_recorded_of_a_wave_before_its_first_collect(store: Store, wave: Wave, agent: AgentRun) -> None:
    assert sightings.earlier(store.conn, rows.RUN, wave.id, wave.number) == Earlier()


@pytest.mark.parametrize("wrong", [{"finding": 99}, {"wave_id": 99}, {"agent_run_id": 99}, {"severity": "GRAVE"}])
def test_a_report_of_nothing_is_refused(store: Store, wave: Wave, agent: AgentRun, wrong: dict[str, object]) -> None:
    report = rows.sighting(rows.add_finding(store.conn, 1), wave, agent)
    with pytest.raises(sqlite3.IntegrityError):
        sightings.add_sightings(store.conn, [report._replace(**wrong)])


def test_the_words_that_the_same_call_gave_to_a_finding_are_not_stored_again(
    store: Store, wave: Wave, agent: AgentRun
) -> None:
    with store.mutation() as conn:
        finding = rows.add_finding(conn, 1)
        report = rows.new_finding(1).report
        file, quote, description, recommendation = report.words
        same = rows.sighting(finding, wave, agent)._replace(
            file=file, quote=quote or "", description=description, recommendation=recommendation
        )
        others = [same._replace(description="x"), same._replace(file=None)]
        sightings.add_sightings(conn, [same, *others], {finding: report.words})
    assert store.conn.execute(WORDS).fetchall() == [(None,) * 4, *((s[6], *s[8:11]) for s in others)]
    assert list(sightings.sightings_in(store.conn, wave.id)) == [same, *others]


def test_the_digest_of_sightings_is_that_of_their_compact_json_a_line(wave: Wave, agent: AgentRun) -> None:
    report = rows.sighting(7, wave, agent)
    odd = report._replace(reported_id='a"\\\n\x1f é', file=None, line=None, recommendation=None, match_note="→ \u2028")
    # As `sightings_in` reads a sighting whose finding somebody deleted.
    lost = odd._replace(quote=None, description=None)  # type: ignore[arg-type]
    digest = Digest()
    named = report._replace(tool="A tool")
    assert list(digest.over([report, odd, lost, named])) == [report, odd, lost, named]
    # Without a tool, as a version without that column wrote it.
    kept = [report[:-1], odd[:-1], lost[:-1], named]
    lines = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in kept]
    assert digest.hex() == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()

"""Table `sightings`: the reports of findings by waves."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from swarm.store import forms

if TYPE_CHECKING:
    from swarm.rules.fingerprints import Report


class Sighting(NamedTuple):
    """A report of a finding by a wave. `finding` is a row of `findings`."""

    finding: int
    wave_id: int
    agent_run_id: int
    reported_id: str
    severity: str
    category: str
    file: str | None
    line: int | None
    quote: str
    description: str
    recommendation: str | None
    matched_by: str
    match_note: str | None


# Words that a sighting has of its own only where its finding has others; the trigger `sightings_keep_their_words`
# gives them to the sightings of a finding whose words change.
_WORDS: Final = frozenset({"file", "quote", "description", "recommendation"})
_COLUMNS: Final = ", ".join(
    f"iif(sightings.description IS NULL, findings.{name}, sightings.{name})" if name in _WORDS else f"sightings.{name}"
    for name in Sighting._fields
)
# An outer join: `ledger replay` must see a sighting of a finding that somebody deleted.
_WITH_WORDS: Final = "sightings LEFT JOIN findings ON findings.id = finding"
_MARKS: Final = ", ".join("?" * len(Sighting._fields))
_INSERT: Final = f"INSERT INTO sightings ({', '.join(Sighting._fields)}) VALUES ({_MARKS})"  # noqa: S608
_HAS_WORDS: Final = (
    "SELECT EXISTS (SELECT 1 FROM findings WHERE id = ?"
    " AND file IS ? AND quote IS ? AND description IS ? AND recommendation IS ?)"
)


class Earlier(NamedTuple):
    """Records of an earlier collect of a wave: counted agent runs, sighted findings, fixed findings.

    Findings are rows of `findings`; `sighted` holds the wave that saw each finding first. `reported` are the agent runs
    whose findings were recorded, also those of a domain of which an analyzer failed.
    """

    counted: frozenset[int] = frozenset()
    sighted: Mapping[int, int] = {}
    fixed: frozenset[int] = frozenset()
    reported: frozenset[int] = frozenset()


def earlier(conn: sqlite3.Connection, run_id: str, wave_id: int, number: int) -> Earlier:
    """Return the records of earlier collects of a wave, empty before its first collect.

    A failed wave is collected again for the rest of its agents; agents counted before must not count twice.
    """
    (recorded,) = conn.execute(
        # The event is written with the findings, so the event shows whether an earlier collect came as far.
        "SELECT max(seq) FROM events WHERE subject = ? AND kind = 'findings_recorded'",
        (f"wave:{wave_id}",),
    ).fetchone()
    if recorded is None:
        return Earlier()
    # An agent can be complete without recorded findings: an earlier collect failed to write the findings alone.
    counted = conn.execute(
        "SELECT id FROM agent_runs WHERE wave_id = ? AND EXISTS (SELECT 1 FROM events"
        " WHERE subject = 'agent_run:' || agent_runs.id AND to_state = 'complete' AND seq < ?)",
        (wave_id, recorded),
    )
    sighted = conn.execute(
        "SELECT DISTINCT findings.id, first_wave FROM sightings JOIN findings ON findings.id = finding"
        " WHERE wave_id = ?",
        (wave_id,),
    )
    fixed = conn.execute(
        "SELECT id FROM findings WHERE run_id = ? AND status = 'fixed' AND fixed_wave = ?", (run_id, number)
    )
    reported = conn.execute("SELECT DISTINCT agent_run_id FROM sightings WHERE wave_id = ?", (wave_id,))
    rows = [frozenset(row for (row,) in query) for query in (counted, fixed, reported)]
    return Earlier(rows[0], dict(sighted.fetchall()), *rows[1:])


def sightings_in(conn: sqlite3.Connection, wave_id: int) -> Iterator[Sighting]:
    """Return the sightings of a wave in the order in which they were recorded."""
    cursor = conn.execute(
        f"SELECT {_COLUMNS} FROM {_WITH_WORDS} WHERE wave_id = ? ORDER BY sightings.id",  # noqa: S608
        (wave_id,),
    )
    return map(Sighting._make, cursor)


def add_sightings(
    conn: sqlite3.Connection, sightings: Iterable[Sighting], written: Mapping[int, "Report"] = {}
) -> None:
    """Record reports of a wave, after their findings: a text that the finding has is not stored again.

    `written` holds, by row, the reports from which this transaction wrote the words of findings.
    """
    conn.executemany(_INSERT, _without_words(conn, sightings, written))


def _without_words(
    conn: sqlite3.Connection, sightings: Iterable[Sighting], written: Mapping[int, "Report"]
) -> Iterator[tuple[object, ...]]:
    for sighting in sightings:
        words = (sighting.file, sighting.quote, sighting.description, sighting.recommendation)
        report = written.get(sighting.finding)
        # Nearly every report is the only one of its finding: to read the finding back would cost more than the insert.
        if report is None:
            (is_same,) = conn.execute(_HAS_WORDS, (sighting.finding, *words)).fetchone()
        else:
            is_same = words == report.words
        yield (*sighting[:6], None, sighting.line, None, None, None, *sighting[11:]) if is_same else sighting


def sightings_of(conn: sqlite3.Connection, row_id: int) -> list[tuple[int, str, Sighting]]:
    """Return the sightings of a finding, oldest first, each with the number of its wave and the domain of its agent."""
    cursor = conn.execute(
        f"SELECT waves.number, agent_runs.domain, {_COLUMNS} FROM {_WITH_WORDS}"  # noqa: S608
        " JOIN waves ON waves.id = sightings.wave_id JOIN agent_runs ON agent_runs.id = sightings.agent_run_id"
        " WHERE finding = ? ORDER BY sightings.id",
        (row_id,),
    )
    return [(number, domain, Sighting._make(rest)) for number, domain, *rest in cursor]


def first_of(conn: sqlite3.Connection, row_id: int) -> tuple[int, int]:
    """Return the wave that saw a finding first, and the place of its sighting among those of the wave, from 1 on."""
    wave_id, sighting = conn.execute(
        "SELECT wave_id, id FROM sightings WHERE finding = ? ORDER BY id LIMIT 1", (row_id,)
    ).fetchone()
    (place,) = conn.execute(
        "SELECT count(*) FROM sightings WHERE wave_id = ? AND id <= ?", (wave_id, sighting)
    ).fetchone()
    return wave_id, place


def waves_of_sightings(conn: sqlite3.Connection, run_id: str | None) -> list[tuple[int, str | None, int]]:
    """Return the waves that sightings name: id, run and number; the number is 0 where the wave is missing."""
    rows = conn.execute(
        "SELECT seen.wave_id, run_id, coalesce(number, 0) FROM (SELECT DISTINCT wave_id FROM sightings) seen"
        " LEFT JOIN waves ON waves.id = seen.wave_id WHERE (?1 IS NULL OR run_id = ?1) ORDER BY seen.wave_id",
        (run_id,),
    )
    return rows.fetchall()


class Seen(NamedTuple):
    """Findings of each severity that a wave saw, with the count and the digest of sightings that the ledger holds."""

    by_severity: dict[str, int]
    sightings: int
    digest: str | None


def seen_in(conn: sqlite3.Connection, wave_id: int) -> Seen:
    """Return the counts of the findings that a wave saw; later waves do not change them."""
    rows = conn.execute(
        "SELECT severity, count(DISTINCT finding) FROM sightings WHERE wave_id = ? GROUP BY severity", (wave_id,)
    )
    by_severity = dict(rows.fetchall())
    row = conn.execute(
        "SELECT payload FROM events WHERE subject = ? AND kind = 'findings_recorded' ORDER BY seq DESC LIMIT 1",
        (f"wave:{wave_id}",),
    ).fetchone()
    # A wave without a complete agent records no findings, so there is no event.
    recorded = forms.facts_of(row[0] if row else None)
    return Seen(by_severity, recorded.get("sightings", 0), recorded.get("digest"))

"""Table `sightings`: the reports of findings by waves."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress, count, islice
from operator import eq, not_
from typing import Final, NamedTuple

from swarm.store import forms
from swarm.store.bulk import batches, columns_of, write_all, write_columns
from swarm.store.indexes import made_last

# The file, the text of the line, the description and the recommendation of a report.
Words = tuple[str | None, str, str, str | None]


class Sighting(NamedTuple):
    """A report of a finding by a wave. `finding` is a row of `findings`.

    `tool` is what a handed-in report names as its tool, `None` for agents and for analyzers that were launched.
    """

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
    tool: str | None = None


# Words that a sighting has of its own only where its finding has others; the trigger `sightings_keep_their_words`
# gives them to the sightings of a finding whose words change.
_WORDS: Final = ("file", "quote", "description", "recommendation")
_COLUMNS: Final = ", ".join(
    f"iif(sightings.description IS NULL, findings.{name}, sightings.{name})" if name in _WORDS else f"sightings.{name}"
    for name in Sighting._fields
)
# An outer join: `ledger replay` must see a sighting of a finding that somebody deleted.
_WITH_WORDS: Final = "sightings LEFT JOIN findings ON findings.id = finding"
_WORDLESS: Final = tuple(name for name in Sighting._fields if name not in _WORDS)


def _insert(columns: Sequence[str]) -> str:
    return f"INSERT INTO sightings (id, {', '.join(columns)}) VALUES ({', '.join('?' * (len(columns) + 1))})"  # noqa: S608


_INDEXES: Final = ("sightings_of_a_finding", "sightings_of_a_wave")
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
    conn: sqlite3.Connection, sightings: Iterable[Sighting], written: Mapping[int, Words] = {}, *, number: int = 0
) -> None:
    """Record reports of a wave, after their findings: a text that the finding has is not stored again.

    `written` holds, by row, the words that this transaction wrote into findings; `number` says about how many
    sightings there are.
    """
    # Ids are chosen here: the few sightings with words of their own are written last, and keep their places.
    ids = count(int(conn.execute("SELECT coalesce(max(id), 0) + 1 FROM sightings").fetchone()[0]))
    worded: list[tuple[object, ...]] = []
    with made_last(conn, "sightings", number, *_INDEXES):
        for batch in batches(sightings):
            said = columns_of(batch)
            is_same = _have_words(conn, said["finding"], zip(*(said[name] for name in _WORDS), strict=True), written)
            rows = list(islice(ids, len(batch)))
            columns = [rows, *(said[name] for name in _WORDLESS)]
            if any(is_same):
                write_columns(conn, _insert(_WORDLESS), [list(compress(column, is_same)) for column in columns])
            worded += ((row, *each) for row, each in compress(zip(rows, batch, strict=True), map(not_, is_same)))
        write_all(conn, _insert(Sighting._fields), worded)


def _have_words(
    conn: sqlite3.Connection, findings: Sequence[int], said: Iterable[Words], written: Mapping[int, Words]
) -> list[bool]:
    """Say of each sighting whether its words are those of its finding."""
    words = list(said)
    is_same = list(map(eq, map(written.get, findings), words))
    # Nearly every finding was just written: to read a finding back costs more than its insert.
    for at, finding in enumerate(findings):
        if finding not in written:
            (found,) = conn.execute(_HAS_WORDS, (finding, *words[at])).fetchone()
            is_same[at] = bool(found)
    return is_same


def sightings_of(conn: sqlite3.Connection, row_id: int) -> list[tuple[int, str, Sighting]]:
    """Return the sightings of a finding, oldest first, each with the number of its wave and the domain of its agent."""
    cursor = conn.execute(
        f"SELECT waves.number, agent_runs.domain, {_COLUMNS} FROM {_WITH_WORDS}"  # noqa: S608
        " JOIN waves ON waves.id = sightings.wave_id JOIN agent_runs ON agent_runs.id = sightings.agent_run_id"
        " WHERE finding = ? ORDER BY sightings.id",
        (row_id,),
    )
    return [(number, domain, Sighting._make(rest)) for number, domain, *rest in cursor]


def tools_by_finding(conn: sqlite3.Connection, run_id: str) -> dict[int, str]:
    """Return the tool that the newest handed-in report of each finding (row) of a run names."""
    rows = conn.execute(
        # By its index, which is empty in most databases, wave by wave.
        "SELECT finding, tool FROM waves CROSS JOIN sightings INDEXED BY sightings_of_a_tool ON wave_id = waves.id"
        " WHERE run_id = ? AND tool IS NOT NULL ORDER BY sightings.id",
        (run_id,),
    )
    return dict(rows.fetchall())


def tool_of_finding(conn: sqlite3.Connection, row_id: int) -> str | None:
    """Return the tool that the newest handed-in report of a finding names, `None` where no report names any."""
    row = conn.execute(
        "SELECT tool FROM sightings WHERE tool IS NOT NULL AND finding = ? ORDER BY id DESC LIMIT 1", (row_id,)
    ).fetchone()
    return row[0] if row else None


def tools_by_agent_run(conn: sqlite3.Connection, wave_id: int) -> dict[int, tuple[str, ...]]:
    """Return the tools that the handed-in reports of a wave name, by agent run."""
    found: dict[int, tuple[str, ...]] = {}
    rows = conn.execute(
        "SELECT DISTINCT agent_run_id, tool FROM sightings WHERE wave_id = ? AND tool IS NOT NULL ORDER BY 1, 2",
        (wave_id,),
    )
    for agent_run_id, tool in rows:
        found[agent_run_id] = (*found.get(agent_run_id, ()), tool)
    return found


def first_of(conn: sqlite3.Connection, row_id: int) -> tuple[int, int]:
    """Return the wave that saw a finding first, and the place of its sighting among those of the wave, from 1 on."""
    wave_id, sighting = conn.execute(
        "SELECT wave_id, id FROM sightings WHERE finding = ? ORDER BY id LIMIT 1", (row_id,)
    ).fetchone()
    (place,) = conn.execute(
        "SELECT count(*) FROM sightings WHERE wave_id = ? AND id <= ?", (wave_id, sighting)
    ).fetchone()
    return wave_id, place


def number_of(conn: sqlite3.Connection) -> int:
    """Return the number of sightings of all runs."""
    return int(conn.execute("SELECT count(*) FROM sightings").fetchone()[0])


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

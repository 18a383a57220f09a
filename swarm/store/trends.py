"""Queries over all waves and runs: lifespans of findings, persistent findings, recurrence."""

import sqlite3
from collections.abc import Iterator
from typing import Final, NamedTuple

from swarm.store.wave_documents import WaveResult, result_from


class Lifespan(NamedTuple):
    """Findings of a severity with the same first wave, fixed wave and decision, counted."""

    severity: str
    first_wave: int
    fixed_wave: int | None
    is_closed: bool
    decided: str | None
    findings: int


class Persistent(NamedTuple):
    """A finding that several waves saw, that came back after a fix, or that another run knows too.

    `run` is the run's place in the order of insertion.
    """

    row_id: int
    run: int
    repo: str
    severity: str
    rule: str
    file: str | None
    is_open: bool
    is_fixed: bool
    waves: int
    regressions: int


class FindingSummary(NamedTuple):
    """Columns of a persistent finding that users see."""

    finding_id: str
    severity: str
    rule: str
    status: str
    repo: str
    file: str | None
    line: int | None
    description: str
    run_id: str
    first_wave: int
    last_wave: int


class Point(NamedTuple):
    """A wave in the history of all runs. `result` is `None` while the wave is in flight."""

    run_id: str
    repo: str
    wave_id: int
    number: int
    phase: str
    status: str
    dispatched: str
    ended: str | None
    result: WaveResult | None


class Tally(NamedTuple):
    """Findings of a rule or of a file, counted."""

    name: str
    findings: int
    open: int
    fixed: int
    regressions: int


_OPEN: Final = "status IN ('new', 'recurring', 'approved', 'unverified')"
_OF_REPO: Final = "(?1 IS NULL OR runs.repo = ?1)"
_GROUPS: Final = {"rule": "coalesce(rule_id, category)", "file": "file"}


def spans(conn: sqlite3.Connection, run_id: str) -> Iterator[Lifespan]:
    """Return the lifespans of a run's findings, equal lifespans counted together."""
    rows = conn.execute(
        "SELECT severity, first_wave, fixed_wave, decision IN ('deferred', 'rejected') AS closed,"
        # The moment of an approval would split groups that the chart shows as a single line.
        " CASE WHEN decision IN ('deferred', 'rejected') THEN decided END AS since, count(*) FROM findings"
        " WHERE run_id = ? GROUP BY severity, first_wave, fixed_wave, closed, since",
        (run_id,),
    )
    return (Lifespan(severity, first, fixed, bool(closed), *rest) for severity, first, fixed, closed, *rest in rows)


def run_count(conn: sqlite3.Connection, repo: str | None) -> int:
    """Return the number of runs, of a repository or of all repositories."""
    return int(conn.execute(f"SELECT count(*) FROM runs WHERE {_OF_REPO}", (repo,)).fetchone()[0])  # noqa: S608


def persistent(conn: sqlite3.Connection, repo: str | None, linked: set[int]) -> Iterator[Persistent]:
    """Return the findings that were seen in several waves or came back, and those of `linked`, oldest run first."""
    rows = conn.execute(
        "SELECT findings.id, runs.seq, runs.repo, severity, coalesce(rule_id, category), file,"  # noqa: S608
        f" findings.{_OPEN}, observation = 'fixed',"
        # Most findings have a single sighting, and for these the subquery is left out.
        " CASE WHEN sightings = 1 THEN 1 ELSE"
        " (SELECT count(DISTINCT wave_id) FROM sightings WHERE finding = findings.id) END AS waves, regressions"
        f" FROM runs CROSS JOIN findings ON findings.run_id = runs.id WHERE {_OF_REPO} ORDER BY runs.seq, findings.id",
        (repo,),
    )
    for row in rows:
        # Filtered here: `linked` can hold more ids than SQLite takes parameters.
        found = Persistent._make(row)
        if found.waves > 1 or found.regressions or found.row_id in linked:
            yield found._replace(is_open=bool(found.is_open), is_fixed=bool(found.is_fixed))


def links(conn: sqlite3.Connection, repo: str | None) -> Iterator[tuple[int, int]]:
    """Return pairs of findings in different runs of a repository that share a fingerprint or an alias."""
    every = (
        "SELECT runs.repo, fingerprint, runs.seq, findings.id FROM runs"  # noqa: S608
        f" CROSS JOIN findings ON findings.run_id = runs.id WHERE {_OF_REPO}"
        " UNION ALL SELECT runs.repo, fingerprint, runs.seq, finding FROM runs"
        f" CROSS JOIN finding_aliases ON finding_aliases.run_id = runs.id WHERE {_OF_REPO}"
    )
    key, run, finding = ("", ""), 0, 0
    # Neighbours in this order that share a key are a link; a join of the table with itself would be quadratic.
    for repository, fingerprint, in_run, row_id in conn.execute(f"{every} ORDER BY 1, 2, 3, 4", (repo,)):
        if (repository, fingerprint) == key and in_run != run:
            yield finding, row_id
        key, run, finding = (repository, fingerprint), in_run, row_id


def summary_of(conn: sqlite3.Connection, row_id: int) -> FindingSummary:
    """Return the summary of a finding (row)."""
    row = conn.execute(
        "SELECT finding_id, severity, coalesce(rule_id, category), findings.status, runs.repo, file, line, description,"
        " run_id, first_wave, last_wave FROM findings JOIN runs ON runs.id = run_id WHERE findings.id = ?",
        (row_id,),
    ).fetchone()
    return FindingSummary._make(row)


def points(conn: sqlite3.Connection, repo: str | None) -> Iterator[Point]:
    """Return every wave of the runs but reviews, newest first."""
    rows = conn.execute(
        "SELECT runs.id, runs.repo, waves.id, number, phase, waves.status, dispatched, ended, result"  # noqa: S608
        f" FROM runs JOIN waves ON waves.run_id = runs.id WHERE NOT review AND {_OF_REPO}"
        " ORDER BY runs.seq DESC, number DESC",
        (repo,),
    )
    return (Point._make((*facts, result_from(document))) for *facts, document in rows)


def regressions_by_wave(conn: sqlite3.Connection, run_id: str) -> dict[int, int]:
    """Return the number of fixed findings that came back, by the wave's id, from the ledger."""
    rows = conn.execute(
        "SELECT wave_id, count(*) FROM events WHERE run_id = ? AND kind = 'finding_moved'"
        " AND from_state = 'fixed' AND to_state = 'recurring' AND wave_id IS NOT NULL"
        " AND json_extract(payload, '$.unmerged') IS NULL GROUP BY wave_id",
        (run_id,),
    )
    return dict(rows.fetchall())


def tallies(conn: sqlite3.Connection, repo: str | None, by: str) -> Iterator[Tally]:
    """Return the findings counted by `rule` or by `file`."""
    rows = conn.execute(
        f"SELECT {_GROUPS[by]} AS name, count(*), sum(findings.{_OPEN}),"  # noqa: S608
        " sum(observation = 'fixed'), sum(regressions) FROM runs CROSS JOIN findings ON findings.run_id = runs.id"
        f" WHERE {_OF_REPO} AND name IS NOT NULL GROUP BY name ORDER BY name",
        (repo,),
    )
    return map(Tally._make, rows)

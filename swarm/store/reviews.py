"""Table `reviews`: verdicts of reviewers about findings."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from swarm.rules.reviews import BY_HAND, Agent
from swarm.store import forms

_COLUMNS: Final = (
    "reviews.finding, findings.finding_id, waves.number, agent_runs.domain, reviews.verdict, reviews.file,"
    " reviews.line, reviews.quote, reviews.reason, reviews.reviewer, reviews.is_independent,"
    # As ids, which people and documents know the findings by.
    " (SELECT json_group_array(others.finding_id) FROM json_each(reviews.same_cause)"
    " JOIN findings others ON others.id = value), waves.dispatch_sha,"
    " (SELECT json_extract(session, '$.modelAsked') FROM attempts WHERE attempts.agent_run_id = reviews.agent_run_id"
    " ORDER BY ordinal DESC LIMIT 1)"
)
_JOINED: Final = (
    "FROM reviews JOIN waves ON waves.id = reviews.wave_id JOIN findings ON findings.id = reviews.finding"
    " JOIN agent_runs ON agent_runs.id = reviews.agent_run_id"
)


class Review(NamedTuple):
    """A verdict about a finding, with the quote that it rests on and the commit that the reviewer looked at.

    `finding` is a row of `findings`, `same_cause` holds ids. `is_independent` is false where the reviewer reported the
    finding itself, and `None` where that is unknown.
    """

    finding: int
    finding_id: str
    wave_number: int
    domain: str
    verdict: str
    file: str | None
    line: int | None
    quote: str
    reason: str
    reviewer: str
    is_independent: bool | None
    same_cause: tuple[str, ...]
    commit: str
    reviewer_model: str | None


class NewReview(NamedTuple):
    """A verdict of an agent, before collect records the row. `finding` and `same_cause` are rows of `findings`."""

    wave_id: int
    agent_run_id: int
    finding: int
    verdict: str
    file: str | None
    line: int | None
    quote: str
    reason: str
    reviewer: str
    is_independent: bool | None
    same_cause: tuple[int, ...]


def replace(conn: sqlite3.Connection, wave_id: int, reviews: Iterable[NewReview]) -> None:
    """Record the verdicts of a wave, in place of those of an earlier collect."""
    conn.execute("DELETE FROM reviews WHERE wave_id = ?", (wave_id,))
    conn.executemany(
        "INSERT INTO reviews (wave_id, agent_run_id, finding, verdict, file, line, quote, reason, reviewer,"
        " is_independent, same_cause) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((*review[:-1], json.dumps(review.same_cause)) for review in reviews),
    )


def of_run(conn: sqlite3.Connection, run_id: str) -> list[Review]:
    """Return every verdict of a run, oldest first."""
    return _where(conn, "waves.run_id = ?", run_id)


def of_wave(conn: sqlite3.Connection, wave_id: int) -> list[Review]:
    """Return the verdicts of a wave, in the order in which they were recorded."""
    return _where(conn, "reviews.wave_id = ?", wave_id)


def reporters(conn: sqlite3.Connection, run_id: str) -> dict[int, set[Agent]]:
    """Return, by finding (row), the agents that reported it; nothing for reports that no runtime of ours made."""
    found: dict[int, set[Agent]] = {}
    rows = conn.execute(
        "SELECT DISTINCT sightings.finding, coalesce(attempts.runtime, waves.runtime),"
        " json_extract(attempts.session, '$.modelAsked')"
        " FROM sightings JOIN waves ON waves.id = sightings.wave_id"
        " LEFT JOIN attempts ON attempts.id = (SELECT id FROM attempts"
        " WHERE agent_run_id = sightings.agent_run_id ORDER BY ordinal DESC LIMIT 1) WHERE waves.run_id = ?",
        (run_id,),
    )
    for finding, runtimes, model in rows:
        # Analyzers of a wave are recorded together, with commas between their names.
        names = runtimes.split(",") if runtimes else ()
        found.setdefault(finding, set()).update(Agent(name, model) for name in names)
    return found


def _where(conn: sqlite3.Connection, condition: str, value: str | int) -> list[Review]:
    rows = conn.execute(f"SELECT {_COLUMNS} {_JOINED} WHERE {condition} ORDER BY reviews.id", (value,))
    return [forms.made("reviews", _review, row) for row in rows]


def _review(row: tuple[Any, ...]) -> Review:
    review = Review._make(row)
    return review._replace(
        reviewer_model=None if review.reviewer == BY_HAND else review.reviewer_model,
        is_independent=None if review.is_independent is None else bool(review.is_independent),
        same_cause=tuple(map(str, json.loads(str(review.same_cause)))),
    )

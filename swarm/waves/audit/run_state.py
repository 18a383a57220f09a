"""Findings that a run knew at its last promotion, or at the end of a wave."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from swarm import errors
from swarm.clock import today
from swarm.rules.known_findings import Known
from swarm.store import finding_moves, findings, promotions
from swarm.store.runs import Run


class KnownThen(NamedTuple):
    """The findings that were known and not fixed after a wave, with the number and the commit of the wave."""

    wave: int
    commit: str
    known: Sequence[Known]


def state_of(conn: sqlite3.Connection, run: Run, number: int | None) -> KnownThen:
    """Return the state of a run after a wave; without a number, at its last promotion, else after its newest audit.

    Raises BaselineEmpty where the run has no such state.
    """
    promoted = promotions.newest_at(conn, run.id) if number is None else None
    at = promoted or promotions.recorded_at(conn, run.id, number)
    if at is None:
        raise errors.BaselineEmpty(run_id=run.id, wave="any wave" if number is None else f"wave {number}")
    # From the ledger: a finding that was fixed then may have come back since. What a run knows now has no end there.
    until = None if promoted is None and number is None else at.seq
    fixed = finding_moves.fixed_by_ledger(conn, run.id, until=until)
    every = findings.known_findings(conn, run.id, today=today())
    known = [item.known for item in every if item.first_wave <= at.number and item.known.row_id not in fixed]
    return KnownThen(at.number, at.commit, known)

"""Burn-down of `report`: the open findings after each wave."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Final

from swarm.results.findings import SeverityCounts
from swarm.results.report import OpenAfter
from swarm.rules.findings import SEVERITIES
from swarm.rules.states import WaveStatus
from swarm.store import trends
from swarm.store.runs import Run
from swarm.store.wave_documents import WaveResult
from swarm.store.waves import Wave

_WITHOUT_RESULT: Final = (WaveStatus.DISPATCHED, WaveStatus.ABORTED_FOR_REWIND)


def burn_down(
    conn: sqlite3.Connection, run: Run, every: Iterable[Wave], present: SeverityCounts
) -> tuple[OpenAfter, ...]:
    """Return the open findings after each wave that ended, and at present where the counts differ."""
    ended = [(wave, wave.result) for wave in every if wave.status not in _WITHOUT_RESULT]
    # Only where a wave has no counts of its own: the query reads all findings of the run.
    lives = list(trends.spans(conn, run.id)) if any(not kept_counts(result) for _, result in ended) else []
    points = [
        OpenAfter(wave.number, wave.phase, kept_counts(result) or _derived(wave, lives), not kept_counts(result))
        for wave, result in ended
    ]
    # Decisions after the last wave change the counts, and get a point of their own.
    if points and points[-1].counts != present:
        points.append(OpenAfter(None, None, present, derived=False))
    return tuple(points)


def kept_counts(result: WaveResult | None) -> SeverityCounts | None:
    """Return the open findings as a wave recorded them, `None` for waves of older versions."""
    kept = result.open_by_severity if result else None
    return None if kept is None else severity_counts(kept.items())


def _derived(wave: Wave, lives: Iterable[trends.Lifespan]) -> SeverityCounts:
    """Return the open findings after a wave, derived from the findings as they are today.

    This misses findings that were fixed and came back in between: a finding keeps only its last fix.
    """
    ended = wave.ended or wave.dispatched
    return severity_counts(
        (life.severity, life.findings)
        for life in lives
        if life.first_wave <= wave.number
        and (life.fixed_wave is None or life.fixed_wave > wave.number)
        and not (life.is_closed and (life.decided is None or life.decided <= ended))
    )


def severity_counts(pairs: Iterable[tuple[str, int]]) -> SeverityCounts:
    """Return the counts by severity, from pairs of a severity and a count."""
    counts: Counter[str] = Counter()
    for severity, count in pairs:
        counts[severity] += count
    return SeverityCounts(*(counts[severity] for severity in SEVERITIES))

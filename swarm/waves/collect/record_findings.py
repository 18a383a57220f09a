"""Rows of an audit wave's findings: new ones, sightings, verdicts on silence, and decisions that are due."""

import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Final

from swarm.rules.anchors import no_anchor
from swarm.rules.findings import Observation
from swarm.rules.fingerprints import Report
from swarm.store import finding_aliases, finding_moves, fix_claims, ledger, observations, sightings
from swarm.store.bulk import batches, columns_of
from swarm.store.digests import Digest
from swarm.store.ledger import Entry
from swarm.store.observations import SeenFurther
from swarm.store.sightings import Sighting
from swarm.store.waves import Wave
from swarm.waves.collect import settle_decisions
from swarm.waves.collect.observed import Observed
from swarm.waves.collect.reconcile import MOVED_TOGETHER, KnownReports, Reconciled

_NOWHERE: Final = no_anchor("")


def record_findings(conn: sqlite3.Connection, observed: Observed) -> None:
    """Write the effects of a wave on the findings, and one event with a digest over all its sightings."""
    wave, found = observed.wave, observed.reconciled
    if moved := finding_moves.observed_since(conn, wave.run_id, observed.seq):
        found = yield_to_newer(found, moved)
    fix_claims.settle(conn, _refuted(conn, wave, found), "refuted")
    fix_claims.settle(conn, [silent.id for silent in found.not_seen if silent.fixed_wave is not None], "fixed")
    # New findings first: their sightings need the rows.
    rows = observations.add_all(conn, found.new)
    digest = Digest()
    # The digest covers the whole wave: sightings of an earlier collect come first.
    deque(digest.over(sightings.sightings_in(conn, wave.id)), maxlen=0)
    observations.record_further(conn, found.further)
    observations.record_seen_again(conn, found.seen)
    observations.record_not_seen(conn, found.not_seen)
    observations.record_relocated(conn, found.relocated)
    finding_aliases.add(conn, wave.run_id, wave.number, found.aliases)
    written = {row: new.report.words for row, new in zip(rows, found.new, strict=True)}
    written.update((seen.id, seen.report.words) for seen in found.seen)
    sightings.add_sightings(conn, digest.over(_sightings(wave, _seen(found, rows))), written, number=found.attempted)
    ledger.append_all(conn, _moves(wave, found), count=len(found.moved))
    finding_moves.add_recurred(conn, wave.run_id, wave.id, found.recurred)
    # After the moves: an imported decision must find the findings of this wave.
    settle_decisions.settle(conn, wave, observed.comments)
    payload: dict[str, object] = {
        "new": found.counts.new,
        "recurring": found.counts.recurring,
        "fixed": found.counts.fixed,
        "unverified": found.counts.unverified,
        "recurredWhileClosed": found.counts.recurred_while_closed,
        "sightings": digest.count,
        "digest": digest.hex(),
    }
    ledger.append(conn, Entry("findings_recorded", f"wave:{wave.id}", wave.run_id, wave.id, payload=payload))


def _seen(found: Reconciled, new: Sequence[int]) -> Iterator[tuple[int, Report, str, str | None]]:
    """Yield the reports of the new findings, by their rows, then those of the known findings."""
    for row, reports in zip(new, found.new_reports, strict=True):
        for report in reports:
            yield row, report, "new", None
    for seen in found.seen:
        for report in seen.reports:
            yield seen.id, report, seen.matched_by, seen.match_note
    for known in found.seen_further:
        for report in known.reports:
            yield known.row_id, report, known.matched_by, known.note


def _sightings(wave: Wave, seen: Iterable[tuple[int, Report, str, str | None]]) -> Iterator[Sighting]:
    for batch in batches(seen):
        findings, reports, matched_by, notes = zip(*batch, strict=True)
        said = columns_of(reports)
        places = columns_of([anchor or _NOWHERE for anchor in said["anchor"]])
        columns = {
            **said,
            "finding": findings,
            "wave_id": repeat(wave.id, len(batch)),
            "file": [path or None for path in places["path"]],
            "line": places["line"],
            "quote": places["text"],
            "matched_by": matched_by,
            "match_note": notes,
        }
        yield from map(Sighting._make, zip(*(columns[name] for name in Sighting._fields), strict=True))


def _moves(wave: Wave, found: Reconciled) -> Iterator[Entry]:
    for move in found.moved:
        where = ("finding_moved", f"finding:{move.row_id}", wave.run_id, wave.id)
        # In the order of the fields: by keyword, 100,000 of them cost a tenth of a second more.
        yield Entry._make((*where, move.before, move.after, move.reason, move.proof))


def _refuted(conn: sqlite3.Connection, wave: Wave, found: Reconciled) -> list[int]:
    """Return the findings that are claimed as fixed and that this wave reports again."""
    # Only an open claim can be refuted; most audits find none, and skip the comparison.
    claimed = {claim.finding for claim in fix_claims.standing(conn, wave.run_id)}
    return [seen.id for seen in found.seen if seen.id in claimed] if claimed else []


def yield_to_newer(found: Reconciled, now: Mapping[int, str]) -> Reconciled:
    """Re-apply decisions made between observe and commit: they are newer than what the wave saw, so they win.

    `now` is the observation, by row, of each finding that was moved since. A finding that was closed or proved stays
    fixed, and only its sightings are counted. A reopened finding recurs. The wave's silence about any of them is
    dropped. The counts stay: they are those of what the wave saw.
    """
    newer = {seen.id: seen for seen in found.seen if seen.id in now}
    fixed = [seen for seen in newer.values() if now[seen.id] == Observation.FIXED]
    return found._replace(
        seen=[
            # A person reopened the finding, so that the wave sees it again is no regression.
            seen._replace(regressions=0) if seen.id in newer else seen
            for seen in found.seen
            if now.get(seen.id) != Observation.FIXED
        ],
        further=[*found.further, *(SeenFurther(s.severity, len(s.reports), s.last_wave, s.id) for s in fixed)],
        seen_further=[*found.seen_further, *(KnownReports(s.id, s.matched_by, s.match_note, s.reports) for s in fixed)],
        not_seen=[silent for silent in found.not_seen if silent.id not in now],
        relocated=[silent for silent in found.relocated if silent.id not in now],
        # A move of a finding that moved since would start from a state that is no longer true.
        moved=[move for move in found.moved if move.row_id not in now],
        recurred={
            before: [
                *(row for row in found.recurred.get(before, ()) if row not in now),
                *(row for row in newer if now[row] == before),
            ]
            for before in MOVED_TOGETHER
        },
    )

"""Observations of waves in the table `findings`: new, seen again, not seen, relocated, proved, unverified."""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

from swarm.rules.anchors import Anchor, Anchored, no_anchor
from swarm.rules.fingerprints import Report
from swarm.store.bulk import Column, batches, columns_of, write_columns
from swarm.store.fix_claims import Proved, settle
from swarm.store.indexes import made_last
from swarm.store.ledger import Entry, append_all


class SeenFurther(NamedTuple):
    """Changes by further reports of a finding that the wave, or a decision since, has observed already."""

    severity: str
    sightings: int
    last_wave: int
    id: int


def record_further(conn: sqlite3.Connection, findings: Iterable[SeenFurther]) -> None:
    """Count further reports of findings; the observation stays."""
    conn.executemany(
        "UPDATE findings SET severity = ?, sightings = sightings + ?, last_wave = ? WHERE id = ?", findings
    )


def prove(conn: sqlite3.Connection, run_id: str, wave_id: int | None, proved: Sequence[Proved]) -> None:
    """Make claimed findings fixed, on evidence; a finding that was closed meanwhile stays as it is.

    To be called with findings that are `still_claimed`, in the same transaction.
    """
    entries = []
    for proof in proved:
        # Read inside the transaction: a coordinator may have closed the finding while the commit was judged.
        before = conn.execute("SELECT observation FROM findings WHERE id = ?", (proof.finding,)).fetchone()[0]
        if before == "fixed":
            continue
        conn.execute(
            "UPDATE findings SET observation = 'fixed', observation_reason = ?, evidence = ?, evidence_note = ?,"
            " fixed_wave = ?, fixed_commit = ? WHERE id = ?",
            (proof.note, proof.evidence, proof.note, proof.wave, proof.commit, proof.finding),
        )
        payload: dict[str, object] = {"evidence": proof.evidence, "commit": proof.commit}
        subject = f"finding:{proof.finding}"
        entries.append(
            Entry(
                kind="finding_moved",
                subject=subject,
                run_id=run_id,
                wave_id=wave_id,
                from_state=before,
                to_state="fixed",
                reason=proof.note,
                payload=payload,
            )
        )
    append_all(conn, entries)
    settle(conn, [proof.finding for proof in proved], "fixed")


class NewFinding(NamedTuple):
    """A finding seen for the first time; `report` is the gravest of its `sightings` in the wave.

    `fingerprint` differs from the report's where another finding holds the report's own.
    """

    run_id: str
    finding_id: str
    fingerprint: str
    lens: str
    report: Report
    anchor_commit: str
    analyzer: str | None
    wave: int
    sightings: int


class SeenAgain(NamedTuple):
    """Changes of a finding that a wave reports again; `report` is the gravest of its `reports` in the wave.

    With `is_like_before` its words, its severity, its owner, its analyzer and its place but for the line are those
    that its row has.
    """

    id: int
    report: Report
    reports: Sequence[Report]
    severity: str
    severity_note: str | None
    anchor_commit: str
    analyzer: str | None
    last_wave: int
    regressions: int
    recurred_while_closed: int
    matched_by: str
    match_note: str
    is_like_before: bool = False


class NotSeen(NamedTuple):
    """Changes of a finding that a wave did not report."""

    observation: str
    observation_reason: str
    evidence: str | None
    evidence_note: str | None
    fixed_wave: int | None
    fixed_commit: str | None
    misses: int
    id: int


class Relocated(NamedTuple):
    """New place of a finding that a wave did not report and whose line moved."""

    file: str
    line: int
    anchor_commit: str
    id: int


# In the order of the fields of `Anchor`, whose `path` and `text` are the columns `file` and `quote`.
_PLACE: Final = (
    *("file", "line", "scope", "quote", "text_hash"),
    *("occurrence", "occurrences", "context_hash", "anchored"),
)
_INSERTED: Final = (
    *("id", "run_id", "finding_id", "fingerprint", "kind", "lens", "severity", "category", "rule_id", "ordinal"),
    *("domain", "symbol", "description", "recommendation", *_PLACE, "anchor_commit", "analyzer"),
    *("first_wave", "last_wave", "sightings", "column", "fixable"),
)
_CHANGED: Final = (*_PLACE, "severity", "domain", "analyzer", "description", "recommendation")
_SEEN: Final = (
    *("severity_note", "symbol", "anchor_commit", "last_wave", "column", "fixable"),
    *("sightings", "regressions", "recurred_while_closed", "matched_by", "match_note", "id"),
)
_SEE: Final = (
    " severity_note = ?, symbol = ?, anchor_commit = ?, last_wave = ?, column = ?, fixable = ?,"
    " sightings = sightings + ?, regressions = regressions + ?,"
    " recurred_while_closed = recurred_while_closed + ?, matched_by = ?, match_note = ?,"
    # Evidence leaves with the fix: a CHECK of the table allows evidence on a fixed finding alone.
    " observation = 'recurring', observation_reason = NULL, evidence = NULL, fixed_wave = NULL,"
    " fixed_commit = NULL, evidence_note = NULL, verified_how = NULL WHERE id = ?"
)
_SEE_AGAIN: Final = f"UPDATE findings SET {', '.join(f'{column} = ?' for column in _CHANGED)},{_SEE}"  # noqa: S608
# SQLite checks the conditions and runs the triggers of the columns that a statement names, whether they change or not.
_SEE_LIKE_BEFORE: Final = f"UPDATE findings SET line = ?,{_SEE}"  # noqa: S608
_UNIQUE: Final = ("one_finding_per_fingerprint", "one_finding_per_id")
_BY_STATUS: Final = "findings_by_status"
_NOWHERE: Final = no_anchor("")
# As plain texts: SQLite adapts a value of any other type at ten times the cost.
_PLAIN: Final = {basis: str(basis) for basis in Anchored}


def _places(anchors: Iterable[Anchor | None]) -> list[Column]:
    """Return the columns of places; a report of no file has the empty place."""
    paths, *rest, bases = zip(*[anchor or _NOWHERE for anchor in anchors], strict=True)
    return [[path or None for path in paths], *rest, [_PLAIN[basis] for basis in bases]]


def add_all(conn: sqlite3.Connection, findings: Sequence[NewFinding]) -> list[int]:
    """Record new findings and return their rows' ids, in order."""
    # Ids are chosen here, because `executemany` returns none; the write transaction keeps other writers out.
    first = int(conn.execute("SELECT coalesce(max(id), 0) + 1 FROM findings").fetchone()[0])
    rows = range(first, first + len(findings))
    ids, marks = iter(rows), ", ".join("?" * len(_INSERTED))
    statement = f"INSERT INTO findings ({', '.join(_INSERTED)}, observation, matched_by) VALUES ({marks}, 'new', 'new')"  # noqa: S608
    with made_last(conn, "findings", len(findings), *_UNIQUE, _BY_STATUS):
        for batch in batches(findings):
            write_columns(conn, statement, _inserted(list(islice(ids, len(batch))), batch))
    return list(rows)


def _inserted(ids: Sequence[int], findings: Sequence[NewFinding]) -> list[Column]:
    new = columns_of(findings)
    said = columns_of(new["report"])
    columns = {
        **said,
        **new,
        **dict(zip(_PLACE, _places(said["anchor"]), strict=True)),
        "id": ids,
        "first_wave": new["wave"],
        "last_wave": new["wave"],
        "column": [column or None for column in said["column"]],
        "fixable": [report.is_fixable for report in new["report"]],
    }
    return [columns[name] for name in _INSERTED]


def record_seen_again(conn: sqlite3.Connection, findings: Collection[SeenAgain]) -> None:
    """Bring findings to where and how they were seen again; a finding that was fixed is open again."""
    with made_last(conn, "findings", len(findings), _BY_STATUS):
        for batch in batches(seen for seen in findings if not seen.is_like_before):
            write_columns(conn, _SEE_AGAIN, _seen(batch, _CHANGED))
        for batch in batches(seen for seen in findings if seen.is_like_before):
            write_columns(conn, _SEE_LIKE_BEFORE, _seen(batch, ("line",)))


def _seen(findings: Sequence[SeenAgain], changed: Sequence[str]) -> list[Column]:
    """Return the columns in `changed`, and those that every sighting changes."""
    seen = columns_of(findings)
    said = columns_of(seen["report"])
    columns = {
        **said,
        **seen,
        **dict(zip(_PLACE, _places(said["anchor"]), strict=True)),
        "column": [column or None for column in said["column"]],
        "fixable": [report.is_fixable for report in seen["report"]],
        "sightings": [len(reports) for reports in seen["reports"]],
    }
    return [columns[name] for name in (*changed, *_SEEN)]


def record_not_seen(conn: sqlite3.Connection, findings: Iterable[NotSeen]) -> None:
    """Record the observations of findings that a wave did not report."""
    conn.executemany(
        "UPDATE findings SET observation = ?, observation_reason = ?, evidence = ?, evidence_note = ?,"
        " verified_how = NULL, fixed_wave = ?, fixed_commit = ?, misses = misses + ? WHERE id = ?",
        findings,
    )


def record_relocated(conn: sqlite3.Connection, findings: Iterable[Relocated]) -> None:
    """Record the new places of findings whose lines moved and that no agent reported."""
    conn.executemany("UPDATE findings SET file = ?, line = ?, anchor_commit = ? WHERE id = ?", findings)


def unverify(conn: sqlite3.Connection, run_id: str, aborted: Collection[int], reason: str) -> int:
    """Make the open findings of a run unverified, and the findings that aborted waves (numbers) found fixed.

    Decisions stay. Returns the number of findings that moved.
    """
    rows = conn.execute(
        "SELECT id, observation, fixed_wave FROM findings WHERE run_id = ?"
        " AND status IN ('new', 'recurring', 'approved', 'fixed') ORDER BY id",
        (run_id,),
    )
    # A fix that a wave outside of the rewind observed stays.
    due = [
        (row_id, before)
        for row_id, before, fixed_wave in rows
        if (fixed_wave in aborted if before == "fixed" else before != "unverified")
    ]
    conn.executemany(
        "UPDATE findings SET observation = 'unverified', observation_reason = ?, evidence = NULL,"
        " evidence_note = NULL, verified_how = NULL, fixed_wave = NULL, fixed_commit = NULL WHERE id = ?",
        ((reason, row_id) for row_id, _ in due),
    )
    append_all(
        conn,
        (
            Entry(
                kind="finding_moved",
                subject=f"finding:{row_id}",
                run_id=run_id,
                wave_id=None,
                from_state=before,
                to_state="unverified",
                reason=reason,
            )
            for row_id, before in due
        ),
    )
    return len(due)


def unverified_by(conn: sqlite3.Connection, run_id: str, aborted: Collection[int]) -> int:
    """Return the number of findings that `unverify` would move."""
    rows = conn.execute(
        "SELECT observation, fixed_wave FROM findings WHERE run_id = ?"
        " AND status IN ('new', 'recurring', 'approved', 'fixed')",
        (run_id,),
    )
    return sum(wave in aborted if before == "fixed" else before != "unverified" for before, wave in rows)

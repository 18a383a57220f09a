"""Decisions in the table `findings`: decision, author and expiry; each change is an event of the ledger."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from swarm.clock import now
from swarm.rules.decisions import CLOSED
from swarm.rules.findings import Decision, EvidenceKind, Observation, status_of
from swarm.store.ledger import Entry, append_all

_COLUMNS: Final = (
    "id, finding_id, fingerprint, severity, category, rule_id, file, line, status, observation, evidence, decision,"
    " decision_reason, decision_source, decided_by, decided, decision_expires"
)
# Columns of every decision; the expiry is apart, because `close` and `reopen` always clear the expiry.
_DECIDED: Final = "decision = ?, decision_reason = ?, decision_source = ?, decided_by = ?, decided = ?"


class Decidable(NamedTuple):
    """A finding with the columns that a decision reads or writes."""

    row_id: int
    finding_id: str
    fingerprint: str
    severity: str
    category: str
    rule_id: str | None
    file: str | None
    line: int | None
    status: str
    observation: str
    evidence: str | None
    decision: str
    decision_reason: str | None
    decision_source: str | None
    decided_by: str | None
    decided: str | None
    decision_expires: str | None


class Taken(NamedTuple):
    """A decision to be written; `source` is `None` where a rule of swarm withdraws a decision."""

    decision: str
    reason: str | None
    source: str | None
    author: str | None
    expires: str | None = None
    decided: str | None = None


class OperatorEvidence(NamedTuple):
    """Evidence of an operator for a finding that is closed or reopened by hand."""

    evidence: str
    how: str | None = None
    wave: int | None = None
    commit: str | None = None


def with_ids(conn: sqlite3.Connection, run_id: str, ids: Iterable[str]) -> list[Decidable]:
    """Return the findings of known ids."""
    return [item for each in ids for item in _select(conn, "run_id = ? AND finding_id = ?", run_id, each)]


def undecided(conn: sqlite3.Connection, run_id: str) -> Iterator[Decidable]:
    """Return the open findings without a decision."""
    return _select(conn, "run_id = ? AND status IN ('new', 'recurring', 'unverified') ORDER BY id", run_id)


def with_fingerprint(conn: sqlite3.Connection, run_id: str, fingerprint: str) -> Decidable | None:
    """Return the finding that was first seen under a fingerprint."""
    return next(_select(conn, "run_id = ? AND fingerprint = ?", run_id, fingerprint), None)


def with_alias(conn: sqlite3.Connection, run_id: str, fingerprint: str) -> Decidable | None:
    """Return the finding that was seen again under a fingerprint."""
    where = "id = (SELECT finding FROM finding_aliases WHERE run_id = ? AND fingerprint = ?)"
    return next(_select(conn, where, run_id, fingerprint), None)


def decided_at(conn: sqlite3.Connection, row_id: int) -> str | None:
    """Return the moment of a finding's decision."""
    moment: str | None
    (moment,) = conn.execute("SELECT decided FROM findings WHERE id = ?", (row_id,)).fetchone()
    return moment


def take(conn: sqlite3.Connection, run_id: str, pairs: Iterable[tuple[Decidable, Taken]], wave_id: int | None) -> None:
    """Record decisions, each with its event."""
    moment = now()
    taken = list(pairs)
    conn.executemany(
        f"UPDATE findings SET {_DECIDED}, decision_expires = ? WHERE id = ?",  # noqa: S608
        (
            (new.decision, new.reason, new.source, new.author, _moment(new, moment), new.expires, item.row_id)
            for item, new in taken
        ),
    )
    append_all(conn, (_entry(run_id, wave_id, item, item.observation, new) for item, new in taken))


def reopen(
    conn: sqlite3.Connection, run_id: str, items: Sequence[Decidable], new: Taken, proof: OperatorEvidence
) -> None:
    """Withdraw decisions by hand; a fixed finding becomes unverified.

    A fix that swarm itself had observed counts as a regression, a fix that an operator had attested does not.
    """
    take_back = new._replace(decision=Decision.OPEN)
    moment = now()
    for item in items:
        conn.execute(
            f"UPDATE findings SET {_DECIDED}, decision_expires = NULL WHERE id = ?",  # noqa: S608
            (Decision.OPEN, new.reason, new.source, new.author, moment, item.row_id),
        )
        if item.observation == Observation.FIXED:
            conn.execute(
                "UPDATE findings SET observation = 'unverified', observation_reason = ?, evidence = NULL,"
                " fixed_wave = NULL, fixed_commit = NULL, verified_how = NULL, evidence_note = NULL,"
                " regressions = regressions + ? WHERE id = ?",
                # An operator's attestation was never observed, so its end is no regression that swarm measured.
                (f"reopened: {new.reason}", int(item.evidence != EvidenceKind.OPERATOR), item.row_id),
            )
    append_all(conn, (_entry(run_id, None, item, reopened_as(item), take_back, proof) for item in items))


def close(
    conn: sqlite3.Connection, run_id: str, items: Sequence[Decidable], new: Taken, proof: OperatorEvidence
) -> None:
    """Record findings as fixed on an operator's evidence; a deferral or rejection ends, an approval stays."""
    conn.executemany(
        "UPDATE findings SET observation = 'fixed', observation_reason = ?, evidence = 'operator', evidence_note = ?,"
        " verified_how = ?, fixed_wave = ?, fixed_commit = ?, misses = 0 WHERE id = ?",
        ((f"closed: {new.reason}", proof.evidence, proof.how, proof.wave, proof.commit, item.row_id) for item in items),
    )
    moment = now()
    conn.executemany(
        f"UPDATE findings SET {_DECIDED}, decision_expires = NULL WHERE id = ?",  # noqa: S608
        (
            (Decision.OPEN, new.reason, new.source, new.author, moment, item.row_id)
            for item in items
            # An approval survives the fix: should the finding come back, an amend wave may fix the finding at once.
            if item.decision != Decision.APPROVED
        ),
    )
    append_all(
        conn,
        (
            _entry(run_id, None, item, Observation.FIXED, new._replace(decision=closed_decision(item)), proof)
            for item in items
        ),
    )


def reopened_as(item: Decidable) -> str:
    """Return the observation of a finding after reopen."""
    return Observation.UNVERIFIED if item.observation == Observation.FIXED else item.observation


def closed_decision(item: Decidable) -> str:
    """Return the decision of a finding after close: only a deferral or a rejection ends."""
    return Decision.OPEN if item.decision in CLOSED else item.decision


def expired(conn: sqlite3.Connection, run_id: str, today: str) -> list[Decidable]:
    """Return the findings whose decision expired before a day."""
    # The status leads the query to its index; without the status SQLite would read all findings of the run.
    where = "run_id = ? AND status IN ('approved', 'deferred', 'rejected') AND decision_expires < ? ORDER BY id"
    return list(_select(conn, where, run_id, today))


def take_back_expired(conn: sqlite3.Connection, run_id: str, today: str, wave_id: int | None) -> list[Decidable]:
    """Withdraw expired decisions; return the findings as they were before."""
    over = expired(conn, run_id, today)
    if over:
        pairs = ((item, Taken(Decision.OPEN, f"expired on {item.decision_expires}", None, None)) for item in over)
        _forget(conn, run_id, pairs, wave_id)
    return over


def inline(conn: sqlite3.Connection, run_id: str, wave: int) -> list[Decidable]:
    """Return the findings that a comment rejects and that a wave has seen."""
    where = "run_id = ? AND status = 'rejected' AND decision_source = 'inline' AND last_wave = ? ORDER BY id"
    return list(_select(conn, where, run_id, wave))


def open_in_wave(conn: sqlite3.Connection, run_id: str, wave: int) -> Iterator[Decidable]:
    """Return the findings that a wave has seen and that have no decision, not even that of a reopen."""
    where = (
        # A reopen leaves its source on the row: a comment in the code must not override the coordinator's last word.
        "run_id = ? AND status IN ('new', 'recurring') AND last_wave = ? AND decision_source IS NULL"
        " AND line IS NOT NULL ORDER BY id"
    )
    return _select(conn, where, run_id, wave)


def take_back_inline(conn: sqlite3.Connection, run_id: str, items: Iterable[Decidable], wave_id: int) -> None:
    """Withdraw the rejections of findings whose comment was removed."""
    # The reason is part of the ledger, where `history` shows the text.
    pairs = ((item, Taken(Decision.OPEN, "its comment is gone", None, None)) for item in items)
    _forget(conn, run_id, pairs, wave_id)


def _forget(
    conn: sqlite3.Connection, run_id: str, pairs: Iterable[tuple[Decidable, Taken]], wave_id: int | None
) -> None:
    taken = list(pairs)
    conn.executemany(
        "UPDATE findings SET decision = 'open', decision_reason = NULL, decision_source = NULL, decided_by = NULL,"
        # No source either: a finding whose decision expired is as if nobody had decided, and a comment may decide
        # again.
        " decided = NULL, decision_expires = NULL WHERE id = ?",
        ((item.row_id,) for item, _ in taken),
    )
    append_all(conn, (_entry(run_id, wave_id, item, item.observation, new) for item, new in taken))


def _moment(new: Taken, moment: str) -> str:
    return new.decided or moment


def _entry(
    run_id: str,
    wave_id: int | None,
    item: Decidable,
    observation: str,
    new: Taken,
    proof: OperatorEvidence | None = None,
) -> Entry:
    payload: dict[str, object] = {"decision": new.decision}
    # Absent values are left out, so that a row of the ledger stays short; the ledger of 100,000 findings is long.
    facts = {"source": new.source, "author": new.author, "expires": new.expires}
    if proof is not None:
        facts |= {"evidence": proof.evidence, "verifiedHow": proof.how, "commit": proof.commit}
    payload |= {name: value for name, value in facts.items() if value is not None}
    after = status_of(observation, new.decision)
    subject = f"finding:{item.row_id}"
    return Entry(
        kind="finding_decided",
        subject=subject,
        run_id=run_id,
        wave_id=wave_id,
        from_state=item.status,
        to_state=after,
        reason=new.reason,
        payload=payload,
    )


def _select(conn: sqlite3.Connection, where: str, *values: object) -> Iterator[Decidable]:
    return map(Decidable._make, conn.execute(f"SELECT {_COLUMNS} FROM findings WHERE {where}", values))  # noqa: S608

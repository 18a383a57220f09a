"""`triage --import`: apply the decisions of a file now, or when their findings appear."""

import hashlib
import sqlite3
from pathlib import Path
from typing import Final, NamedTuple

from swarm.clock import now
from swarm.results.triage import DecisionSkipped, FindingDecided, ImportResult
from swarm.rules.decisions import Source, has_expired
from swarm.rules.findings import Decision, Observation, status_of
from swarm.store import decisions, ledger, pending_decisions
from swarm.store.connection import Store
from swarm.store.decisions import Decidable, Taken
from swarm.store.ledger import Entry
from swarm.store.pending_decisions import Pending
from swarm.store.runs import Run
from swarm.waves.triage.decision_files import FileDecision, read
from swarm.waves.triage.triage import finding_decided

_OURS: Final = "a coordinator has decided otherwise here since; --force takes the file's word"
_OTHER: Final = "another decision of the file stands under this finding's own fingerprint"


class _Sorted(NamedTuple):
    """The decisions of a file by their outcome."""

    due: list[tuple[Decidable, Taken]]
    unchanged: list[str]
    pending: list[FileDecision]
    expired: list[str]
    skipped: list[DecisionSkipped]


def import_decisions(store: Store, run: Run, file: Path, *, author: str, force: bool) -> ImportResult:
    """Apply the decisions of a file to findings with one of their fingerprints, and keep the others as pending.

    Expired decisions of the run are reopened first. A coordinator's decision that is not older than the file's stays,
    unless `force`. Raises DecisionsInvalid.
    """
    # Outside of the transaction: a file on a slow disk must not hold writers back.
    entries, body = read(file)
    moment = now()
    today = moment[:10]
    # A decision dated in the future would win over every local decision.
    entries = [entry._replace(decided=None) if (entry.decided or "") > moment else entry for entry in entries]
    with store.mutation() as conn:
        reopened = decisions.take_back_expired(conn, run.id, today, None)
        pending_decisions.drop_expired(conn, run.id, today)
        found = _sorted(conn, run, entries, today, force=force)
        decisions.take(conn, run.id, found.due, None)
        pending_decisions.drop(conn, run.id, (fingerprint for entry in entries for fingerprint in entry.fingerprints))
        # Under each of its fingerprints: nobody knows under which the finding will be seen.
        due_later = (_pending(entry, fingerprint) for entry in found.pending for fingerprint in entry.fingerprints)
        pending_decisions.keep(conn, run.id, due_later)
        payload: dict[str, object] = {
            "sha256": hashlib.sha256(body).hexdigest(),
            "author": author,
            "decisions": len(entries),
            "applied": len(found.due),
            "unchanged": len(found.unchanged),
            "pending": len(found.pending),
            "expired": len(found.expired),
            "skipped": len(found.skipped),
        }
        ledger.append(conn, Entry("decisions_imported", f"run:{run.id}", run.id, payload=payload))
    return ImportResult(
        run_id=run.id,
        file=str(file),
        decisions=len(entries),
        applied=tuple(finding_decided(item, status_of(item.observation, taken.decision)) for item, taken in found.due),
        reopened=tuple(_opened(item) for item in reopened),
        unchanged=tuple(found.unchanged),
        pending=tuple(entry.fingerprint for entry in found.pending),
        expired=tuple(found.expired),
        skipped=tuple(found.skipped),
        next_action=f"swarm status {run.id}",
    )


def _sorted(conn: sqlite3.Connection, run: Run, entries: list[FileDecision], today: str, *, force: bool) -> _Sorted:
    found = _Sorted([], [], [], [], [])
    own = {entry.fingerprint: decisions.with_fingerprint(conn, run.id, entry.fingerprint) for entry in entries}
    # The decision under the finding's own fingerprint wins over a decision that has it as an alias.
    taken: dict[int, str] = {item.row_id: fingerprint for fingerprint, item in own.items() if item is not None}
    for entry in entries:
        if has_expired(entry.expires, today):
            found.expired.append(entry.fingerprint)
            continue
        items = {item.row_id: item for item in _known_as(conn, run, entry)}
        for item in items.values():
            if taken.setdefault(item.row_id, entry.fingerprint) != entry.fingerprint:
                found.skipped.append(DecisionSkipped(entry.fingerprint, item.finding_id, _OTHER))
            elif item.observation != Observation.FIXED:
                _place(found, entry, item, force=force)
        # A fixed finding may come back, and then the decision is due.
        if all(item.observation == Observation.FIXED for item in items.values()):
            found.pending.append(entry)
    return found


def _known_as(conn: sqlite3.Connection, run: Run, entry: FileDecision) -> list[Decidable]:
    sides = (decisions.with_fingerprint, decisions.with_alias)
    found = (known(conn, run.id, fingerprint) for fingerprint in entry.fingerprints for known in sides)
    return [item for item in found if item is not None]


def _place(found: _Sorted, entry: FileDecision, item: Decidable, *, force: bool) -> None:
    same = (entry.decision, entry.reason, entry.expires)
    if same == (item.decision, item.decision_reason, item.decision_expires) and (
        # Importing the same file again must change no finding.
        entry.author == item.decided_by or item.decision_source == Source.COORDINATOR
    ):
        found.unchanged.append(item.finding_id)
    elif item.decision_source == Source.COORDINATOR and not force and (item.decided or "") >= (entry.decided or ""):
        found.skipped.append(DecisionSkipped(entry.fingerprint, item.finding_id, _OURS))
    else:
        taken = Taken(entry.decision, entry.reason, Source.IMPORTED, entry.author, entry.expires, entry.decided)
        found.due.append((item, taken))


def _pending(entry: FileDecision, fingerprint: str) -> Pending:
    return Pending(fingerprint, entry.decision, entry.reason or "", entry.author, entry.expires)


def _opened(item: Decidable) -> FindingDecided:
    return finding_decided(item, status_of(item.observation, Decision.OPEN))

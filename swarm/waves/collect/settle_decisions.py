"""What a collect does to decisions: over, awaited, or said by a comment in the source."""

import sqlite3
from collections.abc import Mapping, Sequence

from swarm.clock import now
from swarm.rules.decisions import Source
from swarm.rules.findings import Decision, Observation
from swarm.rules.suppressions import Suppression
from swarm.store import decisions, pending_decisions
from swarm.store.decisions import Decidable, Taken
from swarm.store.runs import Run
from swarm.store.waves import Wave

Comments = Mapping[tuple[str, int], Sequence[Suppression]]


def settle(conn: sqlite3.Connection, run: Run, wave: Wave, comments: Comments) -> None:
    """Bring the decisions of a run up to a wave whose findings have just been recorded.

    What has expired is open again; what a file decided before the finding was seen is applied; what a comment at
    its line rejects is rejected while nobody else has decided, and open again when the comment is gone.
    """
    today = now()[:10]
    decisions.take_back_expired(conn, run.id, today, wave.id)
    pending_decisions.drop_expired(conn, run.id, today)
    apply_pending(conn, run, wave.id)
    _apply_comments(conn, run, wave, comments)


def apply_pending(conn: sqlite3.Connection, run: Run, wave_id: int | None) -> None:
    """Apply decisions that waited for a finding which is there now, open and not decided here."""
    due: dict[int, tuple[Decidable, Taken]] = {}
    used: list[str] = []
    for waiting in pending_decisions.waiting(conn, run.id):
        item = awaited(conn, run.id, waiting.fingerprint)
        if item is None or item.observation == Observation.FIXED:
            continue
        used.append(waiting.fingerprint)
        if item.decision == Decision.OPEN and item.decision_source is None:
            taken = Taken(waiting.decision, waiting.reason or None, Source.IMPORTED, waiting.author, waiting.expires)
            due.setdefault(item.row_id, (item, taken))
    decisions.take(conn, run.id, due.values(), wave_id)
    pending_decisions.drop(conn, run.id, used)


def awaited(conn: sqlite3.Connection, run_id: str, fingerprint: str) -> Decidable | None:
    """Return the finding of a fingerprint, its own or an alias."""
    own = decisions.with_fingerprint(conn, run_id, fingerprint)
    return own or decisions.with_alias(conn, run_id, fingerprint)


def _apply_comments(conn: sqlite3.Connection, run: Run, wave: Wave, comments: Comments) -> None:
    gone = [item for item in decisions.inline(conn, run.id, wave.number) if _comment_on(item, comments) is None]
    decisions.take_back_inline(conn, run.id, gone, wave.id)
    if not comments:
        return
    # What has just been opened has no comment, and is passed over here.
    due = []
    for item in decisions.open_in_wave(conn, run.id, wave.number):
        if (comment := _comment_on(item, comments)) is not None:
            reason = f"{comment.reason} (inline, {item.file}:{comment.line})"
            due.append((item, Taken(Decision.REJECTED, reason, Source.INLINE, None)))
    decisions.take(conn, run.id, due, wave.id)


def _comment_on(item: Decidable, comments: Comments) -> Suppression | None:
    told = {item.rule_id, item.category}
    found = comments.get((item.file or "", item.line or 0), ())
    return next((comment for comment in found if not comment.problem and comment.rules & told), None)

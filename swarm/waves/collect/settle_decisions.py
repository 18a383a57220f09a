"""Decisions brought up to a collected wave: expired, imported before their finding, or made by a source comment."""

import sqlite3
from collections.abc import Mapping, Sequence

from swarm import clock
from swarm.rules.decisions import Source
from swarm.rules.findings import Decision, Observation
from swarm.rules.suppressions import Suppression
from swarm.store import decisions, pending_decisions
from swarm.store.decisions import Decidable, Taken
from swarm.store.waves import Wave

Comments = Mapping[tuple[str, int], Sequence[Suppression]]


def settle(conn: sqlite3.Connection, wave: Wave, comments: Comments) -> None:
    """Bring the decisions of a run up to a wave, after its findings are recorded in the same transaction.

    An expired decision is taken back. An imported decision that waited for its finding is applied. A finding with a
    rejecting comment at its line is rejected unless a person decided, and open again when the comment is removed.
    """
    today = clock.today()
    # Expired decisions first: a waiting or inline decision may then take their place in the same wave.
    decisions.take_back_expired(conn, wave.run_id, today, wave.id)
    pending_decisions.drop_expired(conn, wave.run_id, today)
    _apply_pending(conn, wave)
    _apply_comments(conn, wave, comments)


def _apply_pending(conn: sqlite3.Connection, wave: Wave) -> None:
    """Apply waiting decisions whose finding exists now, is open, and was not decided here."""
    due: dict[int, tuple[Decidable, Taken]] = {}
    used: list[str] = []
    for waiting in pending_decisions.waiting(conn, wave.run_id):
        item = _awaited(conn, wave.run_id, waiting.fingerprint)
        # A decision about a fixed finding waits: the finding may come back.
        if item is None or item.observation == Observation.FIXED:
            continue
        used.append(waiting.fingerprint)
        # A decision of a person here is newer than the imported file, even a decision to reopen.
        if item.decision == Decision.OPEN and item.decision_source is None:
            taken = Taken(waiting.decision, waiting.reason or None, Source.IMPORTED, waiting.author, waiting.expires)
            due.setdefault(item.row_id, (item, taken))
    decisions.take(conn, wave.run_id, due.values(), wave.id)
    pending_decisions.drop(conn, wave.run_id, used)


def _awaited(conn: sqlite3.Connection, run_id: str, fingerprint: str) -> Decidable | None:
    """Return the finding of a fingerprint, its own or an alias."""
    own = decisions.with_fingerprint(conn, run_id, fingerprint)
    return own or decisions.with_alias(conn, run_id, fingerprint)


def _apply_comments(conn: sqlite3.Connection, wave: Wave, comments: Comments) -> None:
    without = [item for item in decisions.inline(conn, wave.run_id, wave.number) if _comment_on(item, comments) is None]
    decisions.take_back_inline(conn, wave.run_id, without, wave.id)
    if not comments:
        return
    # A finding that `take_back_inline` opened a moment ago has no comment, so it is skipped here.
    due = []
    for item in decisions.open_in_wave(conn, wave.run_id, wave.number):
        if (comment := _comment_on(item, comments)) is not None:
            reason = f"{comment.reason} (inline, {item.file}:{comment.line})"
            due.append((item, Taken(Decision.REJECTED, reason, Source.INLINE, None)))
    decisions.take(conn, wave.run_id, due, wave.id)


def _comment_on(item: Decidable, comments: Comments) -> Suppression | None:
    names = {item.rule_id, item.category}
    found = comments.get((item.file or "", item.line or 0), ())
    return next((comment for comment in found if not comment.problem and comment.rules & names), None)

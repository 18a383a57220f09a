"""`audit-logs`: the issues in the journals of a run's attempts, in a bounded window, grouped by signature."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm.results.audit_logs import Attention, AuditLogsResult, LogIssue
from swarm.runtimes import journal
from swarm.store import agent_runs, attempts, permissions, waves
from swarm.store.attempts import Attempt
from swarm.store.runs import Run
from swarm.waves.launch.attempt_files import is_in_place_of_attempt

TRUNCATED: Final = "scan_truncated_before_since"
_VARIES: Final = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8,}\b|\d+")
_LONGEST: Final = 160
_FAILED: Final = frozenset({"error", "retry"})


class Window(NamedTuple):
    """Bounds of a scan: the earliest moment, and the most bytes and lines, from the newest attempt backward."""

    since: str | None
    most_bytes: int
    most_lines: int


class _Scan:
    def __init__(self, window: Window) -> None:
        self._window = window
        self.files = self.lines = self.bytes = 0
        self.is_cut = False

    def events(self, attempt: Attempt) -> Iterator[Mapping[str, Any]]:
        """Yield the events of an attempt within the window; nothing once the bounds are reached."""
        folder = Path(attempt.record_path).parent
        if not is_in_place_of_attempt(folder):
            return
        room = min(self._window.most_bytes - self.bytes, journal.JOURNAL_BYTES)
        tail = journal.tail(folder, max(room, 0), max(self._window.most_lines - self.lines, 0))
        self.files += 1
        self.bytes += tail.size
        self.lines += len(tail.events)
        since = self._window.since or ""
        # A cut that lies before the earliest moment cuts nothing that was asked for.
        self.is_cut |= tail.is_cut and (not tail.events or str(tail.events[0].get("ts", "")) >= since)
        yield from (event for event in tail.events if str(event.get("ts", "")) >= since)


def audit_logs(conn: sqlite3.Connection, run: Run, window: Window) -> AuditLogsResult:
    """Return the issues of a run's attempts, and the attempts that need a person."""
    scan = _Scan(window)
    found: dict[str, LogIssue] = {}
    attention = []
    for wave in waves.all_of(conn, run.id):
        by_agent = attempts.of_wave(conn, wave.id)
        domains = {agent.id: agent.domain for agent in agent_runs.current(conn, wave.id)}
        asking = {one.attempt_id for one in permissions.of_wave(conn, wave.id) if one.is_open}
        newest = [own[-1] for row, own in by_agent.items() if row in domains]
        attention += [
            Attention(domains[one.agent_run_id], one.id, *_reason(one, run, is_asking=one.id in asking))
            for one in newest
            if one.stall_reason or one.id in asking
        ]
        every = sorted((one for own in by_agent.values() for one in own), key=lambda one: one.id, reverse=True)
        for attempt in every:
            if window.since and attempt.ended and attempt.ended < window.since:
                continue
            for event in scan.events(attempt):
                _note(found, attempt, event)
    return AuditLogsResult(
        run_id=run.id,
        since=window.since,
        scanned_files=scan.files,
        scanned_lines=scan.lines,
        scanned_bytes=scan.bytes,
        warning=TRUNCATED if scan.is_cut and window.since else None,
        issues=tuple(sorted(found.values(), key=lambda issue: (-issue.times, issue.signature))),
        attention=tuple(attention),
    )


def _reason(attempt: Attempt, run: Run, *, is_asking: bool) -> tuple[str, str]:
    if is_asking:
        return "needs_decision", f"swarm permissions list {run.id}"
    return attempt.stall_reason or "", f"swarm explain attempt:{attempt.id}"


def _note(found: dict[str, LogIssue], attempt: Attempt, event: Mapping[str, Any]) -> None:
    kind = str(event.get("event"))
    if kind == "ended" and event.get("outcome") not in {"success", None}:
        detail = " ".join(filter(None, (attempt.outcome, attempt.error_code, attempt.stall_reason)))
    elif kind in _FAILED:
        detail = " ".join(str(event[key]) for key in ("fault", "status", "text") if event.get(key))
    elif kind == "tool_ended" and event.get("has_failed"):
        detail = "a tool failed"
    else:
        return
    detail = " ".join(detail.split())[:_LONGEST]
    signature = f"{kind}: {_VARIES.sub('N', detail)}"
    moment = str(event.get("ts", ""))
    known = found.get(signature) or LogIssue(
        signature=signature, kind=kind, times=0, first=moment, last=moment, example=detail, attempts=()
    )
    found[signature] = known._replace(
        times=known.times + 1,
        first=min(known.first, moment),
        last=max(known.last, moment),
        attempts=tuple(sorted({*known.attempts, attempt.id})),
    )

"""Records of `audit-logs`."""

from typing import NamedTuple


class LogIssue(NamedTuple):
    """Events of one signature: how many, when the first and the last, an example, and the attempts that had them."""

    signature: str
    kind: str
    times: int
    first: str
    last: str
    example: str
    attempts: tuple[int, ...]


class Attention(NamedTuple):
    """An attempt that needs a person: it stalled and nothing followed, or it waits for a decision."""

    domain: str
    attempt_id: int
    reason: str
    next_action: str


class AuditLogsResult(NamedTuple):
    """The issues in a bounded window of a run's logs, most frequent first.

    `warning` is `scan_truncated_before_since` where the window did not reach back to `since`.
    """

    run_id: str
    since: str | None
    scanned_files: int
    scanned_lines: int
    scanned_bytes: int
    warning: str | None
    issues: tuple[LogIssue, ...]
    attention: tuple[Attention, ...]

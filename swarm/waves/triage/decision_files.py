"""Files of decisions, which `findings --export` writes and `triage --import` reads."""

import re
import sqlite3
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.results.triage import DecisionExported
from swarm.rules.decisions import Source
from swarm.store import decisions, finding_aliases
from swarm.store.runs import Run
from swarm.waves.look.findings import Filters, selected

DECIDED: Final = ("approved", "deferred", "rejected")
MOST_BYTES: Final = 8 * 1024 * 1024
DEEPEST: Final = 8
# The work of tomllib grows with the square of the dots of a key, so only text may be long or have many dots.
_LONG_LINE: Final = re.compile(
    r'(?m)^(?![^\S\n]*+#)(?![\w-]++ *+= *+"(?:[^"\\\n]|\\.)*+" *\r?$)(?:.{400}|(?:[^.\n]*+\.){16})'
)


class FileDecision(NamedTuple):
    """A decision of a file. `decided` and `expires` are as in the database; `aliases` leave `fingerprint` out."""

    fingerprint: str
    decision: str
    reason: str | None
    author: str
    decided: str | None
    expires: str | None
    aliases: tuple[str, ...]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprint and its aliases."""
        return (self.fingerprint, *self.aliases)


def exported(conn: sqlite3.Connection, run: Run, filters: Filters) -> Iterator[DecisionExported]:
    """Yield the decisions of a run that the filters keep; decisions by a comment in the source stay there."""
    # An alias that is another finding's own fingerprint would decide about both on import.
    aliases = finding_aliases.unambiguous(conn, run.id)
    for finding in selected(conn, run, filters._replace(statuses=filters.statuses or DECIDED)):
        if finding.status == finding.decision and finding.decision_source != Source.INLINE:
            yield DecisionExported(
                fingerprint=finding.fingerprint,
                decision=finding.decision,
                reason=finding.decision_reason,
                author=finding.decided_by or "unknown",
                decided=decisions.decided_at(conn, finding.row_id),
                expires=finding.decision_expires,
                aliases=tuple(aliases.get(finding.row_id, ())),
                rule=finding.rule_id or finding.category,
                file=finding.file,
                quote=finding.quote,
                severity=finding.severity,
                description=finding.description,
            )


def read(file: Path) -> tuple[list[FileDecision], bytes]:
    """Return the decisions of a file, ordered by fingerprint, and its bytes. Raises DecisionsInvalid."""
    from swarm.documents import check, read_bounded

    try:
        body = read_bounded(file, MOST_BYTES)
        document = _parsed(body)
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit) as error:
        raise errors.DecisionsInvalid(path=str(file), problem=error.problem) from error
    except (ValueError, RecursionError, OverflowError) as error:
        # The error can quote the file, and a half surrogate in the quote could not be printed.
        problem = errors.shortened(str(error).encode("utf-8", "backslashreplace").decode())
        raise errors.DecisionsInvalid(path=str(file), problem=problem) from error
    # The schema first: the later checks rely on its types.
    wrong = check(document, "decisions-file")
    entries = [] if wrong else [_entry(key, table) for key, table in sorted(document.get("decisions", {}).items())]
    if wrong := wrong or _twice(entries) or _no_day(entries):
        raise errors.DecisionsInvalid(path=str(file), problem=wrong)
    return entries, body


def _parsed(body: bytes) -> dict[str, Any]:
    text = body.decode("utf-8-sig")
    if (long := _LONG_LINE.search(text)) is not None:
        number = text.count("\n", 0, long.start()) + 1
        raise ValueError(f"line {number} is no text, and has more than 400 characters or 15 dots")
    document: dict[str, Any] = _plain(tomllib.loads(text), DEEPEST)
    return document


def _plain(value: Any, deepest: int) -> Any:
    """Return a TOML value as its JSON value."""
    if not deepest:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels")
    match value:
        case dict():
            return {key: _plain(item, deepest - 1) for key, item in value.items()}
        case list():
            return [_plain(item, deepest - 1) for item in value]
        case datetime() if value.tzinfo is not None:
            # In the form of the database, where moments are compared as text.
            moment = value.astimezone(UTC)
            return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return value


def _entry(fingerprint: str, table: dict[str, Any]) -> FileDecision:
    aliases = tuple(alias for alias in dict.fromkeys(table.get("aliases", ())) if alias != fingerprint)
    words = (table["decision"], table.get("reason"), " ".join(table["author"].split()))
    return FileDecision(fingerprint, *words, table.get("decided"), table.get("expires"), aliases)


def _twice(entries: list[FileDecision]) -> str | None:
    seen: dict[str, str] = {}
    for entry in entries:
        for fingerprint in entry.fingerprints:
            if fingerprint in seen:
                return f"$.decisions: {fingerprint} stands under both {seen[fingerprint]} and {entry.fingerprint}"
            seen[fingerprint] = entry.fingerprint
    return None


def _no_day(entries: list[FileDecision]) -> str | None:
    for entry in entries:
        try:
            date.fromisoformat(entry.expires or "2000-01-01")
        except ValueError as error:
            return f"$.decisions['{entry.fingerprint}'].expires: {error}"
    return None

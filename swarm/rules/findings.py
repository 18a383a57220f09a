"""Vocabulary of findings: observation, decision, evidence, severity, and the status that users see."""

from enum import StrEnum
from typing import Final

_SHORTEST_BARE: Final = 4
_HEX: Final = frozenset("0123456789abcdef")


class Observation(StrEnum):
    """Observations of a finding by waves."""

    NEW = "new"
    RECURRING = "recurring"
    FIXED = "fixed"
    UNVERIFIED = "unverified"


class Decision(StrEnum):
    """Decisions of a coordinator about a finding."""

    OPEN = "open"
    APPROVED = "approved"
    DEFERRED = "deferred"
    REJECTED = "rejected"


class EvidenceKind(StrEnum):
    """Evidence that a finding is fixed."""

    ANALYZER_RESCAN = "analyzer_rescan"
    ANCHOR = "anchor"
    CONFIRMED = "confirmed"
    OPERATOR = "operator"


STATUSES: Final = ("new", "recurring", "fixed", "unverified", "approved", "deferred", "rejected")
UNFIXED: Final = tuple(status for status in STATUSES if status != "fixed")
OPEN_STATUSES: Final = ("new", "recurring", "approved", "unverified")
SEVERITIES: Final = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
SEVERITY_RANK: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class Fate(StrEnum):
    """Fates of an anchored line in another commit."""

    STANDS = "stands"
    MOVED = "moved"
    MOVED_FILE = "moved_file"
    REWRITTEN = "rewritten"
    REFORMATTED = "reformatted"
    REMOVED = "gone"
    FILE_REMOVED = "file_gone"
    UNKNOWN = "unknown"


# Forms of a line whose code still stands, as users read them before its place.
CHANGED_FORM: Final = {
    Fate.REWRITTEN: "rewritten: nothing but names, comments or layout changed at",
    Fate.REFORMATTED: "reformatted: nothing but comments, brackets or layout changed at",
    Fate.MOVED: "moved: the same code stands at",
    Fate.MOVED_FILE: "moved_file: the same code stands at",
}
STANDING: Final = (Fate.STANDS, *CHANGED_FORM)
REMOVED_WORDS: Final = {
    Fate.REMOVED: "the line is gone or was rewritten",
    Fate.FILE_REMOVED: "the file is gone",
}


def status_of(observation: str, decision: str) -> str:
    """Return the status of a finding; the generated column `findings.status` computes the same."""
    # A rejected finding that a wave reports again stays rejected, and an approved finding that is fixed is fixed.
    if decision in {Decision.DEFERRED, Decision.REJECTED}:
        return decision
    if observation == Observation.FIXED:
        return observation
    return decision if decision == Decision.APPROVED else observation


def highest(*severities: str) -> str:
    """Return the gravest of some severities."""
    return min(severities, key=SEVERITY_RANK.__getitem__)


def id_prefix(word: str) -> str | None:
    """Return a word as the beginning of a finding's id, `None` where it cannot be: `F-1a2b` of `f-1A2B` or `1a2b`."""
    begun = word.strip().lower()
    digits = begun.removeprefix("f-")
    # Without its `F-` an id needs some length, as a commit of git does: `f` or `add` is a word before it is a prefix.
    shortest = 1 if begun != digits else _SHORTEST_BARE
    return f"F-{digits}" if len(digits) >= shortest and _HEX.issuperset(digits) else None

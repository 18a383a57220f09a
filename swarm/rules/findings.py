"""What a wave's silence about a known finding means, and what a finding's two facts are shown as."""

from enum import StrEnum
from typing import Final


class Observation(StrEnum):
    """What was observed of a finding."""

    NEW = "new"
    RECURRING = "recurring"
    FIXED = "fixed"
    UNVERIFIED = "unverified"


class Decision(StrEnum):
    """What the coordinator decided."""

    OPEN = "open"
    APPROVED = "approved"
    DEFERRED = "deferred"
    REJECTED = "rejected"


class EvidenceKind(StrEnum):
    """What proves that a finding is gone."""

    ANALYZER_RESCAN = "analyzer_rescan"
    ANCHOR = "anchor"
    CONFIRMED = "confirmed"
    OPERATOR = "operator"


STATUSES: Final = ("new", "recurring", "fixed", "unverified", "approved", "deferred", "rejected")
OPEN_STATUSES: Final = ("new", "recurring", "approved", "unverified")
SEVERITIES: Final = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
SEVERITY_RANK: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class Fate(StrEnum):
    """What became of the anchored line in the commit that the wave looked at."""

    STANDS = "stands"
    MOVED = "moved"
    GONE = "gone"
    FILE_GONE = "file_gone"
    UNKNOWN = "unknown"


def status_of(observation: str, decision: str) -> str:
    """Return the one word that a finding is shown with."""
    if decision in {Decision.DEFERRED, Decision.REJECTED}:
        return decision
    if observation == Observation.FIXED:
        return observation
    return decision if decision == Decision.APPROVED else observation


def highest(*severities: str) -> str:
    """Return the gravest of some severities."""
    return min(severities, key=SEVERITY_RANK.__getitem__)

"""Records of `show`."""

from typing import NamedTuple

from swarm.results.events import EventShown
from swarm.results.findings import FindingShown


class SightingShown(NamedTuple):
    """One wave's report of a finding."""

    wave: int
    domain: str
    reported_id: str
    severity: str
    category: str
    file: str | None
    line: int | None
    quote: str
    description: str
    recommendation: str | None
    matched_by: str
    match: str | None


class CodeLine(NamedTuple):
    """One line of the code around a finding."""

    number: int
    text: str
    anchored: bool


class ClaimShown(NamedTuple):
    """What an agent said that it mended, what its tree showed of it, and what came of it."""

    wave: int
    domain: str
    description: str
    verified_via: str
    evidence: str
    outcome: str


class ShowResult(NamedTuple):
    """One finding with everything that is known of it. `sightings` is a list here."""

    run_id: str
    finding: FindingShown
    severity_note: str | None
    scope: str
    anchor_commit: str
    match: str | None
    misses: int
    regressions: int
    code: tuple[CodeLine, ...]
    sightings: tuple[SightingShown, ...]
    claims: tuple[ClaimShown, ...]
    events: tuple[EventShown, ...]
    next_action: str

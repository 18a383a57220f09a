"""Records of `show`."""

from typing import NamedTuple

from swarm.results.events import EventShown
from swarm.results.findings import FindingShown


class SightingShown(NamedTuple):
    """The report of a finding by a wave. `tool` is what a handed-in report names as its tool."""

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
    tool: str | None = None


class CodeLine(NamedTuple):
    """A line of the code around a finding."""

    number: int
    text: str
    anchored: bool


class ClaimShown(NamedTuple):
    """A fix that an agent claimed, what its worktree showed, and the outcome."""

    wave: int
    domain: str
    description: str
    verified_via: str
    evidence: str
    outcome: str


class ShowResult(NamedTuple):
    """A finding with its code, sightings, claims and events."""

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

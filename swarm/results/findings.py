"""Records of `findings`."""

from typing import Final, NamedTuple

# Stands in reports of other tools' form for the findings of agents.
OWN_TOOL: Final = "swarm"


class ReviewShown(NamedTuple):
    """A verdict of a reviewer about a finding, and the line of the commit that it rests on.

    `independent` is false where the reviewer reported the finding itself, and `None` where that is unknown.
    `reviewer_model` is the model that the runtime was asked to use, `None` where it chose itself.
    """

    finding_id: str
    domain: str
    wave: int
    commit: str
    reviewer: str
    independent: bool | None
    verdict: str
    file: str | None
    line: int | None
    quote: str
    reason: str
    same_cause: tuple[str, ...]
    reviewer_model: str | None = None


class FindingShown(NamedTuple):
    """A finding of a digest. `analyzer` is tool, version and configuration, `None` where swarm launched no analyzer.

    `tool` is what the newest handed-in report of it names as its tool, `None` for an agent or a launched analyzer.

    `is_new` is whether it was unknown before the first audit of the digest's commit: a second audit of the commit makes
    it `recurring`, and it stays new. `None` outside of a digest. `review` is the result of its `reviews`: confirmed,
    refuted, unknown or disputed. `same_cause` are the other findings that reviewers trace to the same cause.
    """

    finding_id: str
    fingerprint: str
    severity: str
    category: str
    rule_id: str | None
    status: str
    file: str | None
    line: int | None
    symbol: str | None
    quote: str
    description: str
    recommendation: str | None
    domain: str
    first_seen_wave: int
    last_seen_wave: int
    anchored: str
    matched_by: str
    sightings: int
    reason: str | None
    evidence: str | None
    match: str | None
    decision_source: str | None = None
    decided_by: str | None = None
    expires: str | None = None
    verified_how: str | None = None
    evidence_note: str | None = None
    fixed_commit: str | None = None
    analyzer: str | None = None
    column: int | None = None
    fixable: bool = False
    is_new: bool | None = None
    review: str | None = None
    reviews: tuple[ReviewShown, ...] = ()
    same_cause: tuple[str, ...] = ()
    tool: str | None = None

    @property
    def reporter(self) -> str:
        """The tool that reports the finding; `swarm` stands for agents."""
        return self.analyzer.partition(" ")[0] if self.analyzer else self.tool or OWN_TOOL


class SeverityCounts(NamedTuple):
    """Counts by severity. The keys are upper-case in the document, too."""

    CRITICAL: int
    HIGH: int
    MEDIUM: int
    LOW: int


class Broken(NamedTuple):
    """A domain whose agent did not complete."""

    domain: str
    error: str


class FindingsResult(NamedTuple):
    """The digest of a run.

    `new` counts findings that were unknown before the first audit of the wave's commit, `fixable` those of them that
    the tool that reports them can fix; `fixable_rules` are the rules of those, the most frequent first. `suppressed`
    counts findings that are deferred or rejected, `refused` reports that could not be taken; `refused_items` are the
    first of these, with their reasons.
    """

    run_id: str
    wave_number: int | None
    state: str
    counts: SeverityCounts
    total: int
    unaudited: int
    broken: tuple[Broken, ...]
    fixed: int
    suppressed: int
    groups: dict[str, int] | None
    findings: tuple[FindingShown, ...]
    refused: int = 0
    refused_items: tuple[str, ...] = ()
    new: int = 0
    fixable: int = 0
    fixable_rules: tuple[str, ...] = ()

"""Records of `collect`."""

from typing import Final, NamedTuple

from swarm.results.findings import ReviewShown

# Stands in place of an owner where no merge is possible: a repository in the tree, an unreadable file.
UNTAKABLE: Final = "cannot be taken"
# The same for an uncommitted file whose content a filter of the user's changes on its way into git.
UNFILTERED: Final = "uncommitted, and its filter has not run"
# The same for a file, or for all files of an agent together, above the limit.
TOO_LARGE: Final = "too large"

# The same for a file of the agent's own domain, or a shared file, that chooses how work is verified.
STEERS: Final = "steers the proof"


class Problem(NamedTuple):
    """An error in an output, and its place."""

    code: str
    path: str
    message: str


class AgentCollected(NamedTuple):
    """An agent of a collected wave."""

    domain: str
    agent_run_id: int
    status: str
    findings_count: int
    errors: tuple[Problem, ...]
    violations: tuple[str, ...]
    divergence: "Divergence | None"
    fixes: int
    shared_edits: tuple[str, ...]
    ignored: tuple[str, ...]


class Divergence(NamedTuple):
    """Files that an agent's report and git do not agree on."""

    missing_from_report: tuple[str, ...]
    extra_in_report: tuple[str, ...]


class SkippedFix(NamedTuple):
    """A fix that was not accepted, or that the agent itself left out, and why.

    `reason` is unknown_id, already_closed, not_approved, unowned, skipped_by_agent or unanswered; or silenced, for a
    comment that would reject findings, which stands in place of the id.
    """

    finding_id: str
    domain: str
    reason: str
    told: str


class ClaimedFix(NamedTuple):
    """A fix that was accepted as a claim, and what the agent's worktree shows of it."""

    finding_id: str
    domain: str
    verified_via: str
    evidence: str


class LeaseRequest(NamedTuple):
    """A file that an agent asks for."""

    domain: str
    file: str
    reason: str


class ViolationShown(NamedTuple):
    """A file that an agent touched and does not own."""

    file: str
    agent_domain: str
    actual_owner: str
    detail: str | None = None


class FindingCounts(NamedTuple):
    """Findings of a run after a wave, counted."""

    new: int
    recurring: int
    fixed: int
    unverified: int
    recurred_while_closed: int


class CollectResult(NamedTuple):
    """The outcome of `collect`. `refused` counts items of outputs; `refused_items` are the first, with reasons.

    `reviews` are the verdicts that a review brought, `unanswered` the ids of findings that it was asked about in vain.
    """

    run_id: str
    wave_id: int
    wave_number: int
    phase: str
    wave_status: str
    agents: tuple[AgentCollected, ...]
    findings: FindingCounts
    by_severity: dict[str, int]
    violations: tuple[ViolationShown, ...]
    ownership_probe_degraded: bool
    fixes: tuple[ClaimedFix, ...]
    skipped_fixes: tuple[SkippedFix, ...]
    requests: tuple[LeaseRequest, ...]
    summary: str
    next_action: str
    notes: tuple[str, ...] = ()
    refused: int = 0
    refused_items: tuple[str, ...] = ()
    review: bool = False
    reviews: tuple[ReviewShown, ...] = ()
    unanswered: tuple[str, ...] = ()

"""What `collect` returns: what each agent came to, and what was recorded of it."""

from typing import Final, NamedTuple

# Stands in the place of an owner for what no merge could take: a repository in the tree, a file nobody can read.
UNTAKABLE: Final = "cannot be taken"
# The same for an uncommitted file whose content a filter of the user's changes on its way into git.
UNFILTERED: Final = "uncommitted, and its filter has not run"


class Problem(NamedTuple):
    """What is wrong with an output, and where."""

    code: str
    path: str
    message: str


class AgentCollected(NamedTuple):
    """One agent of a collected wave."""

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
    """Where an agent's word about the files it changed and git's differ."""

    missing_from_report: tuple[str, ...]
    extra_in_report: tuple[str, ...]


class SkippedFix(NamedTuple):
    """A fix that was not taken, and why; or one that the agent itself left out, `skipped_by_agent`.

    `reason` is unknown_id, already_closed, not_approved, unowned, skipped_by_agent or unanswered; or silenced, for a
    comment that would reject findings, which then stands in the place of the id.
    """

    finding_id: str
    domain: str
    reason: str
    told: str


class ClaimedFix(NamedTuple):
    """A fix that was taken as a claim, and what the agent's own tree shows of it."""

    finding_id: str
    domain: str
    verified_via: str
    evidence: str


class LeaseRequest(NamedTuple):
    """A file that an agent would have needed."""

    domain: str
    file: str
    reason: str


class ViolationShown(NamedTuple):
    """A file that an agent touched and should not have."""

    file: str
    agent_domain: str
    actual_owner: str
    detail: str | None = None


class FindingCounts(NamedTuple):
    """How a wave left the run's findings."""

    new: int
    recurring: int
    fixed: int
    unverified: int
    recurred_while_closed: int


class CollectResult(NamedTuple):
    """What `collect` recorded."""

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

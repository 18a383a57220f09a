"""Records of `report`: a run as its page shows it."""

from typing import NamedTuple

from swarm.results.advance import PromotionShown
from swarm.results.collect import FindingCounts
from swarm.results.findings import SeverityCounts
from swarm.results.verify import StepShown


class ReportResult(NamedTuple):
    """The page that `report` wrote."""

    run_id: str
    path: str
    bytes: int
    waves: int
    findings: int


class ReportServed(NamedTuple):
    """The address of a page that `report --serve` serves now."""

    run_id: str
    url: str
    port: int


class AttemptBar(NamedTuple):
    """A process of an agent, as a bar on the timeline. `outcome` is `None` while it runs."""

    ordinal: int
    runtime: str
    outcome: str | None
    began: str
    ended: str | None
    duration_ms: int | None
    exit_code: int | None
    problem: str | None


class AgentLane(NamedTuple):
    """An agent run of a wave. `redispatched` says that a newer agent run replaced it; `violations` are files."""

    domain: str
    status: str
    redispatched: bool
    files: int
    findings: int | None
    error: str | None
    began: str | None
    ended: str | None
    attempts: tuple[AttemptBar, ...]
    violations: tuple[str, ...]


class VerificationShown(NamedTuple):
    """A verification of a commit: the verdict of its build, and the claims by class."""

    wave: int | None
    purpose: str
    verdict: str
    passed: bool
    phase: str
    commit: str
    adapter: str | None
    test_count: int | None
    steps: tuple[StepShown, ...]
    claims: tuple[tuple[str, int], ...]
    threshold: int | None
    accepted: str | None
    reason: str | None
    created: str


class MergeShown(NamedTuple):
    """A published merge of a wave."""

    wave: int
    ref: str
    base: str
    commit: str
    domains: tuple[str, ...]
    dropped: tuple[str, ...]
    created: str


class WaveLease(NamedTuple):
    """A lease of a wave: a file that was requested, granted or denied."""

    wave: int
    domain: str
    file: str
    status: str
    request_reason: str | None
    reason: str | None


class WaveLane(NamedTuple):
    """A wave with its agents. `violations` are the files that were touched by no known agent."""

    number: int
    phase: str
    status: str
    runtime: str | None
    commit: str
    dispatched: str
    ended: str | None
    counts: FindingCounts | None
    agents: tuple[AgentLane, ...]
    violations: tuple[str, ...]


class OpenAfter(NamedTuple):
    """The open findings after a wave; `wave` is `None` for the present.

    `derived` says that the counts were computed from the findings' first and last waves.
    """

    wave: int | None
    phase: str | None
    counts: SeverityCounts
    derived: bool


class LookShown(NamedTuple):
    """Somebody who was to look at files in a wave: an analyzer, or the agent of a domain.

    `files` are those that it was to read. `outcome` says how its look ended; only `complete` looks count.
    """

    who: str
    files: int
    outcome: str
    is_complete: bool
    problem: str | None


class CoverageShown(NamedTuple):
    """The analyzers and agents that looked at a wave's commit, and the number of files that nobody looked at."""

    wave: int
    phase: str
    commit: str
    files: int
    unaudited: int
    looks: tuple[LookShown, ...]


class ReportFacts(NamedTuple):
    """Everything about a run that its page shows, except the findings.

    `coverage` is that of the newest audit that has ended, `None` before the first.
    """

    run_id: str
    repo: str
    branch: str | None
    commit: str
    save_point_tag: str
    phase: str
    created: str
    state: str
    blockers: tuple[str, ...]
    total: int
    open: SeverityCounts
    by_status: dict[str, int]
    coverage: CoverageShown | None
    waves: tuple[WaveLane, ...]
    burn_down: tuple[OpenAfter, ...]
    promotions: tuple[PromotionShown, ...]
    verifications: tuple[VerificationShown, ...]
    merges: tuple[MergeShown, ...]
    leases: tuple[WaveLease, ...]
    ledger_seq: int
    ledger_hash: str
    ledger_ts: str

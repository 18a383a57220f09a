"""What `report` and `trends` return: a run as one page shows it, and what comes back across runs."""

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


class AttemptBar(NamedTuple):
    """One process of an agent, as a bar: when it began and ended, and how. Open while `outcome` is `None`."""

    ordinal: int
    runtime: str
    outcome: str | None
    began: str
    ended: str | None
    duration_ms: int | None
    exit_code: int | None
    problem: str | None


class AgentLane(NamedTuple):
    """One agent run of a wave. `redispatched` says that a newer one took its place; `violations` are files."""

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
    """A look at a commit: what the build said, and what the claims came to."""

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
    """What was published of a wave."""

    wave: int
    ref: str
    base: str
    commit: str
    domains: tuple[str, ...]
    dropped: tuple[str, ...]
    created: str


class WaveLease(NamedTuple):
    """A file that was asked for, granted or denied."""

    wave: int
    domain: str
    file: str
    status: str
    request_reason: str | None
    reason: str | None


class WaveLane(NamedTuple):
    """One wave with its agents, and what touched the tree that belongs to none of them."""

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
    """The open findings after a wave, `None` for the present; `derived` from where findings began and ended."""

    wave: int | None
    phase: str | None
    counts: SeverityCounts
    derived: bool


class ReportFacts(NamedTuple):
    """Everything of a run that its page shows, but the findings themselves."""

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
    waves: tuple[WaveLane, ...]
    burn_down: tuple[OpenAfter, ...]
    promotions: tuple[PromotionShown, ...]
    verifications: tuple[VerificationShown, ...]
    merges: tuple[MergeShown, ...]
    leases: tuple[WaveLease, ...]
    ledger_seq: int
    ledger_hash: str
    ledger_ts: str

"""What `advance` and `receipt` return: frozen records, from which both the text and the JSON document are made."""

from typing import NamedTuple

from swarm.results.advance import GateShown


class ReceiptDomain(NamedTuple):
    """A domain as the wave froze it."""

    name: str
    ownership: str
    globs: tuple[str, ...]
    description: str


class ReceiptClaim(NamedTuple):
    """A file that an agent touched: as git shows it, as the agent says, or both."""

    path: str
    kind: str
    owner: str | None
    observed: bool
    reported: bool
    violation: bool


class ReceiptAgent(NamedTuple):
    """An agent of the wave."""

    domain: str
    agent_run_id: int
    status: str
    findings: int | None
    prompt_sha256: str
    output_sha256: str | None
    claims: tuple[ReceiptClaim, ...]


class ReceiptViolation(NamedTuple):
    """A file that was touched and should not have been; `agent_domain` is `the wave` where nobody knows by whom."""

    file: str
    agent_domain: str
    actual_owner: str


class ReceiptLease(NamedTuple):
    """A file that was asked for, granted or denied."""

    domain: str
    file: str
    status: str
    request_reason: str | None
    reason: str | None


class ReceiptFindings(NamedTuple):
    """What the wave said of findings. `digest` is over its sightings, in the order in which they were written."""

    new: int
    recurring: int
    fixed: int
    unverified: int
    recurred_while_closed: int
    by_severity: dict[str, int]
    sightings: int
    digest: str | None
    fixed_ids: tuple[str, ...]


class ReceiptFix(NamedTuple):
    """A fix that an agent claims, and what came of it."""

    finding_id: str
    domain: str
    description: str
    file: str | None
    verified_via: str
    evidence: str
    outcome: str


class ReceiptSkip(NamedTuple):
    """A fix that was not taken, or that an agent left out, and why."""

    finding_id: str
    domain: str
    reason: str
    told: str


class ReceiptMerge(NamedTuple):
    """What was published of the wave, where, and on top of what."""

    ref: str
    base: str
    commit_sha: str
    domains: tuple[str, ...]
    dropped: tuple[str, ...]
    verification_id: int | None


class ReceiptStep(NamedTuple):
    """A step of a build."""

    name: str
    passed: bool
    exit_code: int | None


class ReceiptVerification(NamedTuple):
    """A look at a commit that was recorded for the wave."""

    id: int
    purpose: str
    phase: str
    commit_sha: str
    verdict: str
    adapter: str | None
    steps: tuple[ReceiptStep, ...]
    test_count: int | None
    offending: int | None
    threshold: int | None
    exit_code: int
    accepted: str | None
    reason: str | None


class ReceiptPromotion(NamedTuple):
    """The step that the wave was promoted by."""

    from_phase: str
    to_phase: str
    gates: tuple[GateShown, ...]
    overrides: tuple[str, ...]
    reason: str | None


class ReceiptLedger(NamedTuple):
    """Where the wave stands in the ledger."""

    events: int
    first: int | None
    last: int | None
    hash: str | None


class WaveReceipt(NamedTuple):
    """The record of a wave: made from the control plane alone, the same for the same state, wherever it is read."""

    run_id: str
    repo: str
    wave_number: int
    phase: str
    status: str
    dispatched: str
    ended: str | None
    dispatch_sha: str
    isolated: bool
    ownership_probe_degraded: bool
    snapshot_sha256: str
    map: tuple[ReceiptDomain, ...]
    runtime: str | None
    runtime_version: str | None
    runtime_config: str | None
    agents: tuple[ReceiptAgent, ...]
    violations: tuple[ReceiptViolation, ...]
    leases: tuple[ReceiptLease, ...]
    findings: ReceiptFindings
    dropped: tuple[str, ...]
    skipped_fixes: tuple[ReceiptSkip, ...]
    fixes: tuple[ReceiptFix, ...]
    merges: tuple[ReceiptMerge, ...]
    verifications: tuple[ReceiptVerification, ...]
    promotion: ReceiptPromotion | None
    ledger: ReceiptLedger

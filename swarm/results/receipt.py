"""Records of `receipt`."""

from typing import NamedTuple

from swarm.results.advance import GateShown


class ReceiptDomain(NamedTuple):
    """A domain as the wave froze it."""

    name: str
    ownership: str
    globs: tuple[str, ...]
    description: str


class ReceiptClaim(NamedTuple):
    """A file that an agent touched: seen by git, reported by the agent, or both."""

    path: str
    kind: str
    owner: str | None
    observed: bool
    reported: bool
    violation: bool


class ReceiptAgent(NamedTuple):
    """An agent of the wave; `isolation` names the backend of the sandbox of each of its attempts, oldest first.

    `tools` are the tools that handed-in reports of the domain name.
    """

    domain: str
    agent_run_id: int
    status: str
    findings: int | None
    prompt_sha256: str
    output_sha256: str | None
    claims: tuple[ReceiptClaim, ...]
    isolation: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


class ReceiptViolation(NamedTuple):
    """A file that was touched against the map; `agent_domain` is `the wave` where no agent is known."""

    file: str
    agent_domain: str
    actual_owner: str


class ReceiptLease(NamedTuple):
    """A file that was requested, granted or denied."""

    domain: str
    file: str
    status: str
    request_reason: str | None
    reason: str | None


class ReceiptFindings(NamedTuple):
    """Findings of the wave. `digest` is a hash over its sightings, in the order of writing."""

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
    """A fix that an agent claims, and its outcome."""

    finding_id: str
    domain: str
    description: str
    file: str | None
    verified_via: str
    evidence: str
    outcome: str


class ReceiptReview(NamedTuple):
    """A verdict of a reviewer about a finding."""

    finding_id: str
    domain: str
    reviewer: str
    independent: bool | None
    verdict: str
    file: str | None
    line: int | None
    quote: str
    reason: str
    same_cause: tuple[str, ...]


class ReceiptSkip(NamedTuple):
    """A fix that was not accepted, or that an agent left out, and why."""

    finding_id: str
    domain: str
    reason: str
    told: str


class ReceiptMerge(NamedTuple):
    """A published merge of the wave: its ref, base and commit."""

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
    """A verification that was recorded for the wave; `isolation` names the backend of the sandbox of its steps."""

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
    isolation: str | None = None
    isolation_reason: str | None = None
    policy: str | None = None


class ReceiptPromotion(NamedTuple):
    """The promotion of the wave."""

    from_phase: str
    to_phase: str
    gates: tuple[GateShown, ...]
    overrides: tuple[str, ...]
    reason: str | None


class ReceiptLedger(NamedTuple):
    """The events of the wave in the ledger: how many, first, last, and the hash of the last."""

    events: int
    first: int | None
    last: int | None
    hash: str | None


class WaveReceipt(NamedTuple):
    """The record of a wave, made from the control plane alone: the same state gives the same record anywhere."""

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
    review: bool = False
    reviews: tuple[ReceiptReview, ...] = ()
    advice: tuple[str, ...] = ()


class SignedReceipt(NamedTuple):
    """A signed receipt: the files of the receipt and of its attestation, and what was signed."""

    run_id: str
    wave_number: int
    commit_sha: str
    verdict: str | None
    verification: str | None
    receipt_sha256: str
    ledger_length: int
    ledger_head: str
    key_name: str
    key_id: str
    path: str
    receipt_path: str
    next_action: str


class CheckedPart(NamedTuple):
    """A part of an attestation: signature, subject, ledger or record; its state holds, broken or not_checked; why."""

    part: str
    name: str
    state: str
    detail: str


class ReceiptCheck(NamedTuple):
    """An attestation after its check. `state` is broken where a part is; it holds only where the signature holds."""

    file: str
    state: str
    key_id: str | None
    run_id: str | None
    wave_number: int | None
    commit_sha: str | None
    verdict: str | None
    parts: tuple[CheckedPart, ...]

"""What the verbs return: frozen records, from which both the text and the JSON document are made."""

from typing import NamedTuple

from swarm.results.collect import CollectResult, FindingCounts  # noqa: F401 - the record of `collect`
from swarm.results.status import RunShown, StatusResult  # noqa: F401 - here is the record of every verb


class DomainFiles(NamedTuple):
    """A domain and how many files it owns."""

    name: str
    ownership: str
    globs: tuple[str, ...]
    matched_files: int


class InitResult(NamedTuple):
    """What `init` made."""

    run_id: str
    repo: str
    local_path: str
    commit_sha: str
    branch: str | None
    save_point_tag: str
    domains: tuple[DomainFiles, ...]
    unmatched: tuple[str, ...]
    next_action: str


class DomainShown(NamedTuple):
    """One domain of a run's map."""

    name: str
    ownership: str
    globs: tuple[str, ...]
    description: str
    frozen: bool
    matched_files: int


class OverlapShown(NamedTuple):
    """A file that several domains match, and who wins."""

    file: str
    domains: tuple[str, ...]
    owner: str


class EventShown(NamedTuple):
    """One event of the ledger."""

    seq: int
    ts: str
    kind: str
    run_id: str | None
    wave_id: int | None
    subject: str
    from_: str | None
    to: str | None
    actor: str
    reason: str | None
    payload: dict[str, object] | None
    hash: str


class DomainsResult(NamedTuple):
    """A run's map; what was asked of it beside the map is filled in, and else empty."""

    run_id: str
    frozen: bool
    domains: tuple[DomainShown, ...]
    changed: str | None = None
    unowned: tuple[str, ...] | None = None
    overlaps: tuple[OverlapShown, ...] | None = None
    events: tuple[EventShown, ...] | None = None
    path: str | None = None
    owner: str | None = None
    ownership: str | None = None
    glob: str | None = None
    warnings: tuple[str, ...] = ()


class AgentPlan(NamedTuple):
    """One agent of a dispatched wave. `findings` is how many known findings its prompt tells.

    `checked_out` is how many files its worktree holds where that is sparse, and else `None`.
    """

    agent_run_id: int | None
    domain: str
    prompt_path: str
    output_path: str
    worktree_path: str | None
    worktree_branch: str | None
    files: int
    findings: int
    checked_out: int | None


class Unrouted(NamedTuple):
    """An approved finding that no agent of an amend wave can mend, and why."""

    finding_id: str
    file: str | None
    reason: str


class DispatchResult(NamedTuple):
    """What `dispatch` made, or would make."""

    run_id: str
    wave_id: int | None
    wave_number: int
    phase: str
    isolated: bool
    sparse: bool
    dry_run: bool
    dispatch_sha: str
    snapshot_id: int | None
    runtime: str | None
    prompt_dir: str
    agents: tuple[AgentPlan, ...]
    unrouted: tuple[Unrouted, ...]
    edited_files_not_seen: int
    warnings: tuple[str, ...]
    next_action: str


class AttemptShown(NamedTuple):
    """One process that was launched for an agent."""

    id: int
    ordinal: int
    runtime: str
    outcome: str | None
    exit_class: int | None
    exit_code: int | None
    duration_ms: int | None
    stall_reason: str | None
    error_code: str | None
    error_fragment: str | None
    record_path: str


class AgentLaunched(NamedTuple):
    """One agent after a launch."""

    domain: str
    agent_run_id: int
    status: str
    attempts: tuple[AttemptShown, ...]
    last_progress_at: str | None


class LaunchResult(NamedTuple):
    """What `launch` ran. `exit_class` is the gravest of the newest attempts."""

    run_id: str
    wave_id: int
    wave_number: int
    launched: int
    exit_class: int
    agents: tuple[AgentLaunched, ...]
    next_action: str


class FindingShown(NamedTuple):
    """One finding of a digest."""

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


class SeverityCounts(NamedTuple):
    """How many of each severity. The keys are upper-case in the document, too."""

    CRITICAL: int
    HIGH: int
    MEDIUM: int
    LOW: int


class Broken(NamedTuple):
    """A domain whose agent did not complete."""

    domain: str
    error: str


class FindingsResult(NamedTuple):
    """The digest of a run. Counts stand before the list; `suppressed` counts all that is deferred or rejected."""

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


class EventsResult(NamedTuple):
    """Events of the ledger, and the cursor to go on from."""

    events: tuple[EventShown, ...]
    after: int


class Check(NamedTuple):
    """One check of the doctor."""

    id: str
    status: str
    message: str
    hint: str | None


class Repair(NamedTuple):
    """A safe repair: `status` is planned, done, or not_done where it was needed no more or did not succeed."""

    id: str
    what: str
    status: str


class LeftAlone(NamedTuple):
    """What the doctor does not touch, because work may hang on it, and what handles it."""

    id: str
    what: str
    hint: str


class DoctorResult(NamedTuple):
    """Every check, and the worst of them; with `--fix` the repairs, and what is left to other verbs."""

    checks: tuple[Check, ...]
    overall: str
    fix: bool = False
    applied: bool = False
    repairs: tuple[Repair, ...] = ()
    left: tuple[LeftAlone, ...] = ()


class RuntimeShown(NamedTuple):
    """A runtime on this machine."""

    name: str
    kind: str
    installed: bool
    version: str | None
    path: str | None
    argv: tuple[str, ...]
    phases: tuple[str, ...]
    is_default: bool
    why_not: str | None


class RuntimesResult(NamedTuple):
    """What can be launched here, and which `swarm.toml` added to it."""

    config: str | None
    runtimes: tuple[RuntimeShown, ...]


class Explanation(NamedTuple):
    """What a thing means and what to do about it."""

    subject: str
    kind: str
    title: str
    meaning: tuple[str, ...]
    next_action: str


class Completion(NamedTuple):
    """A shell's completion script."""

    shell: str
    script: str


class AuditResult(NamedTuple):
    """A whole audit: the run, its new wave, and the digest."""

    run_id: str
    wave_id: int
    wave_number: int
    phase: str
    runtime: str
    since: str | None
    wave_status: str
    exit_class: int
    changed: FindingCounts
    digest: FindingsResult
    new_ids: tuple[str, ...]
    fixed: tuple[FindingShown, ...]
    next_action: str

"""Errors of `dispatch` and the worktrees of its agents."""

from swarm.errors.catalogue import Severity, SwarmError


class DispatchPreconditionError(SwarmError):
    run_id: str | None
    phase: str


class DispatchInvalidPhase(DispatchPreconditionError):
    code = "DISPATCH_INVALID_PHASE"
    severity = Severity.HIGH
    text = "Unknown phase: {phase}"
    advice = "valid phases: {phases}"
    when = "the phase is none of the ten; checked before anything else"
    phases: str


class DispatchRunNotFound(DispatchPreconditionError):
    code = "DISPATCH_RUN_NOT_FOUND"
    severity = Severity.HIGH
    text = "Run not found: {run_id}"
    advice = "check `swarm runs` for the correct run id, or `swarm init <repo-path>` to create a fresh run"
    when = "`dispatch` of a run that is not in the control plane"


class DispatchNoDomains(DispatchPreconditionError):
    code = "DISPATCH_NO_DOMAINS"
    severity = Severity.HIGH
    text = "No domains defined for this run"
    advice = 'run `swarm domains {run_id} --add <name> --globs "[…]"` then --freeze'
    when = "the run has no domain; checked before the map is"


class DispatchDomainsNotFrozen(DispatchPreconditionError):
    code = "DISPATCH_DOMAINS_NOT_FROZEN"
    severity = Severity.HIGH
    text = "Domains are not frozen. Review and freeze before dispatching, or pass --auto-freeze."
    advice = "run `swarm domains {run_id} --freeze` after reviewing, or re-run dispatch with --auto-freeze"
    when = "the map is a draft, and `--auto-freeze` was not given"


class DispatchNoAgentDomains(DispatchPreconditionError):
    code = "DISPATCH_NO_AGENT_DOMAINS"
    severity = Severity.HIGH
    text = "No domain of this run has an agent: all are shared or coordinator"
    advice = "make one owned: `swarm domains {run_id} --edit <name> --ownership owned`"
    when = "every domain is of a class without an agent"


class DispatchWaveInFlight(DispatchPreconditionError):
    code = "DISPATCH_WAVE_IN_FLIGHT"
    severity = Severity.HIGH
    text = "Wave {number} ({wave_phase}) is still in flight"
    advice = "run `swarm launch {run_id}` if its agents have not run, then `swarm collect {run_id}`"
    when = "the run has a wave that is dispatched and not collected"
    number: int
    wave_phase: str
    wave_id: int


class DispatchNothingApproved(DispatchPreconditionError):
    code = "DISPATCH_NOTHING_APPROVED"
    severity = Severity.HIGH
    text = "There is nothing to amend in {phase}: {problem}"
    advice = "`swarm findings {run_id}` lists what is open; approve some with `swarm approve {run_id} --ids <id>,<id>`"
    when = "an amend phase without an approved finding of its lens that an agent could fix"
    problem: str


class DispatchNothingToReview(DispatchPreconditionError):
    code = "DISPATCH_NOTHING_TO_REVIEW"
    severity = Severity.MEDIUM
    text = "There is nothing to review in {phase}: {problem}"
    advice = (
        "`swarm findings {run_id}` lists what is open; `--runtime NAME` asks another reviewer about findings that "
        "have a verdict"
    )
    when = "`dispatch --review`, and each open finding of the phase's lens has a verdict, or no agent owns its file"
    problem: str


class DispatchReviewTooEarly(DispatchPreconditionError):
    code = "DISPATCH_REVIEW_TOO_EARLY"
    severity = Severity.MEDIUM
    text = "Wave {number} ({wave_phase}) failed, and a review would stand in the way of its recovery"
    advice = "`swarm status {run_id}` names the command that goes on with it; review its findings then"
    when = "`dispatch --review` while the run's latest audit or amend wave is failed"
    number: int
    wave_phase: str


class DispatchAnchorsBroken(DispatchPreconditionError):
    code = "DISPATCH_ANCHORS_BROKEN"
    severity = Severity.HIGH
    text = "The place of {counted} is gone at HEAD: {findings}"
    noun = "approved finding"
    advice = (
        "`swarm show {first}` shows more; commit the files that `swarm audit --worktree` looked at, re-audit with "
        "`swarm audit`, or reopen them; "
        "`--skip-anchor-check --reason '…'` dispatches anyway"
    )
    when = "an amend phase, and the file or the line of an approved finding is no longer there"
    findings: str
    count: int
    first: str


class IsolationError(SwarmError):
    code = "ISOLATION_FAILED"
    severity = Severity.HIGH
    text = "--isolate requested but worktree creation failed for domain={domain}: {problem}"
    advice = "run `git worktree list` to inspect existing worktrees, or re-dispatch without --isolate"
    when = "`--isolate`, and a worktree could not be made; there is no fallback"
    domain: str
    problem: str


class IsolationInTheWay(IsolationError):
    """Isolation failed because a worktree or branch of that name exists and differs from the one to be made."""

    advice = f"{IsolationError.advice}; `swarm clean {{run_id}} --force` removes what is in the way, and saves it first"
    run_id: str


class IsolationBlocked(IsolationError):
    """Isolation failed for a reason that a single command removes."""

    advice = "{remedy}, then repeat the command"
    remedy: str


class SharedTreeBlocked(IsolationBlocked):
    """The tree that the analyzers of an audit share cannot be made; nobody asked for `--isolate`."""

    text = "the files of the commit could not be written for the analyzers: {problem}"

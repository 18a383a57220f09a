"""Errors of `merge` and `verify`."""

from swarm.errors.catalogue import Severity, SwarmError


class CliInvalidThreshold(SwarmError):
    code = "CLI_INVALID_THRESHOLD"
    severity = Severity.MEDIUM
    text = "--threshold expects a non-negative integer; got '{received}'"
    advice = "pass an integer >= 0, e.g. `--threshold 0` or `--threshold=3`"
    exit_code = 2
    when = "`--threshold` is not digits alone, on `verify` and every `verify-*`, before anything runs"
    received: str


class BuildAdapterUnknown(SwarmError):
    code = "BUILD_ADAPTER_UNKNOWN"
    severity = Severity.MEDIUM
    text = "There is no adapter '{received}'; there are {choices}"
    advice = "leave `--adapter` out to use the adapter that fits best; `swarm verify --probe-only` names it"
    when = "`--adapter` names an adapter that does not exist"
    received: str
    choices: str


class MergeNotReady(SwarmError):
    code = "MERGE_NOT_READY"
    severity = Severity.HIGH
    text = "Wave {number} ({phase}) is {status}, and only a collected wave is merged"
    advice = "{remedy}"
    when = "the newest wave is an amend wave in flight or failed"
    number: int
    phase: str
    status: str
    remedy: str
    run_id: str


class MergeConflict(SwarmError):
    code = "MERGE_CONFLICT"
    severity = Severity.HIGH
    text = "Wave {number} does not merge: {files} (domains {domains}){note}"
    advice = (
        "nothing was published; {remedy}merge branch {branch} into the target by hand, and call `swarm merge` again"
    )
    when = (
        "two agents changed a file or a folder in different ways, the target moved over what an agent changed, or a "
        "file has a configured merge driver"
    )
    number: int
    files: tuple[str, ...]
    domains: tuple[str, ...]
    branch: str
    note: str
    remedy: str
    run_id: str


class MergeGateFailed(SwarmError):
    code = "MERGE_GATE_FAILED"
    severity = Severity.HIGH
    text = "The merge of wave {number} is not proved in commit {commit}: {verdict}{told}"
    advice = "{remedy}"
    when = "the merged commit's lint, types, tests or build do not pass, also when tried again"
    number: int
    verdict: str
    told: str
    culprits: tuple[str, ...]
    path: str
    remedy: str
    run_id: str
    commit: str
    last_lines: tuple[str, ...] = ()


class IntegrationMoved(SwarmError):
    code = "INTEGRATION_MOVED"
    severity = Severity.CRITICAL
    text = "Branch {branch} is at {found}, where swarm did not put it"
    advice = (
        "inspect it with `git log {branch}`; `swarm merge {run_id}` continues an interrupted merge, and "
        "`git {remedy}` returns the branch to where the last merge left it"
    )
    when = "the branch on which a run's waves come together was moved by somebody else"
    branch: str
    found: str
    remedy: str
    run_id: str


class ProofDisturbed(SwarmError):
    code = "PROOF_DISTURBED"
    severity = Severity.HIGH
    text = "While {commit} was proved, something outside of its worktree changed: {files}"
    advice = "if you changed it, repeat the command; else find out what the commit's tests do, and repair your checkout"
    when = "a build in a scratch worktree, or somebody at the same time, wrote into your checkout or its git folder"
    commit: str
    files: tuple[str, ...]
    path: str


class PublishRaced(SwarmError):
    code = "PUBLISH_RACED"
    severity = Severity.MEDIUM
    text = "Branch {ref} moved while it was published to: expected {expected}, found {found}"
    advice = "run `swarm merge` again, which begins from where the branch is now"
    when = "somebody else moved the target between the merge and its publication"
    ref: str
    expected: str
    found: str


class PublishUnverified(SwarmError):
    code = "PUBLISH_UNVERIFIED"
    severity = Severity.HIGH
    text = "Verification {verification} of {commit}, the newest of the merged files, failed (its build: {verdict})"
    advice = "`swarm verify {run_id} --commit {commit}` verifies them again; `swarm receipt {run_id}` shows what failed"
    when = "`merge --publish` of files whose newest `verify` failed, by its build, its claims or its number of tests"
    verification: int
    verdict: str
    commit: str
    run_id: str


class PublishTargetDirty(SwarmError):
    code = "PUBLISH_TARGET_DIRTY"
    severity = Severity.HIGH
    text = "Branch {branch} is checked out at {path} with changes that publishing would run into"
    advice = "commit or stash them there, or publish without `--publish` to the integration branch"
    when = "`merge --publish` to a branch whose checkout is not clean, or has an untracked file in the way"
    path: str
    branch: str

"""Records of `fix`."""

from typing import NamedTuple

from swarm.results.verify import BuildShown


class FindingToFix(NamedTuple):
    """A finding that a fix takes or leaves out.

    `state` is planned, fixed, claimed, not_fixed or left_out; `reason` is the evidence, or why there is none. `domain`
    and `runtime` name who fixes the finding, `wave` the wave that was given it. `is_named` says that the command named
    the finding; the others were approved before.
    """

    finding_id: str
    severity: str
    rule: str
    file: str | None
    line: int | None
    description: str
    is_named: bool
    state: str
    reason: str
    domain: str | None
    runtime: str | None
    wave: int | None


class FixWave(NamedTuple):
    """An amend wave of a fix: dispatched by it, or found unfinished. `branches` hold the work that was asked for."""

    number: int
    phase: str
    runtime: str | None
    status: str
    branches: tuple[str, ...]


class FixProof(NamedTuple):
    """The verification of the fixed commit: its build, and the second look at every fixed and claimed finding."""

    commit: str
    build: BuildShown
    claims_held: int
    claims: int
    is_proved: bool
    receipt_id: int | None
    note: str | None


class PushedBranch(NamedTuple):
    """A branch that was pushed: the remote, and the pull request's address, or the command that opens one."""

    remote: str
    branch: str
    pull_request: str | None
    command: str | None


class FixResult(NamedTuple):
    """The whole loop from findings to a verified branch.

    `commit` is HEAD, `audited` the commit of the newest audit. `branch` has the fixed commit `fixed_commit`; both are
    null where nothing was merged. `stopped_at` names the step that said no (launch, collect, verify), and is null where
    none did; a merge that says no is an error of its own. `exit_code` is 0 where every named finding is fixed and the
    branch is verified.
    """

    run_id: str
    dry_run: bool
    commit: str
    audited: str
    findings: tuple[FindingToFix, ...]
    waves: tuple[FixWave, ...]
    branch: str | None
    fixed_commit: str | None
    published: bool
    proof: FixProof | None
    stopped_at: str | None
    notes: tuple[str, ...]
    exit_code: int
    next_action: str
    pushed: PushedBranch | None = None

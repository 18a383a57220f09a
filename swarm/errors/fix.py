"""Errors of `fix`."""

from swarm.errors.catalogue import Severity, SwarmError


class FixNotAudited(SwarmError):
    code = "FIX_NOT_AUDITED"
    severity = Severity.MEDIUM
    exit_code = 2
    text = "No audit of run {run_id} was collected, so there is no finding to fix"
    advice = "`swarm audit` finds what is wrong; then `swarm fix` again"
    when = "`fix` before the first audit of a run"
    run_id: str


class FixNothingNamed(SwarmError):
    code = "FIX_NOTHING_NAMED"
    severity = Severity.MEDIUM
    exit_code = 2
    text = "No finding is named, and none is approved. {counted} to choose from: {choices}"
    noun = "open finding"
    advice = "`{example}` fixes some of them; `swarm findings {run_id}` lists them"
    when = "`fix` without findings, a rule, a severity or --all, where nothing is approved either"
    count: int
    choices: str
    example: str
    run_id: str


class FixNothingToFix(SwarmError):
    code = "FIX_NOTHING_TO_FIX"
    severity = Severity.MEDIUM
    exit_code = 2
    text = "There is nothing to fix: {problem}"
    advice = "{remedy}"
    when = "no open finding fits what `fix` was asked for, and no work of an earlier call waits"
    problem: str
    remedy: str
    run_id: str


class FixNobody(SwarmError):
    code = "FIX_NOBODY"
    severity = Severity.HIGH
    exit_code = 2
    text = "Nobody can fix {findings}"
    advice = "{remedy}"
    when = (
        "no named finding has a tool that fixes it, and no agent is named or configured, or an agent cannot help either"
    )
    findings: str
    words: str
    remedy: str
    run_id: str


class FixNoRemote(SwarmError):
    code = "FIX_NO_REMOTE"
    severity = Severity.HIGH
    exit_code = 2
    text = "{path} has no remote to push a branch to: {problem}"
    advice = "`git remote add origin <url>`, or leave --pr out: the fix then stands on a branch here"
    when = "`fix --pr` in a repository without a remote, or with several of which none is the branch's"
    path: str
    problem: str


class FixNotPushed(SwarmError):
    code = "FIX_NOT_PUSHED"
    severity = Severity.HIGH
    text = "The fix is verified on {branch}, and {step} failed: {problem}"
    advice = "`{remedy}`; or the same `swarm fix {run_id} --pr` again"
    when = "`fix --pr` could not push the branch, or `gh` could not open the pull request"
    branch: str
    step: str
    problem: str
    remedy: str
    run_id: str


class FixBranchTaken(SwarmError):
    code = "FIX_BRANCH_TAKEN"
    severity = Severity.HIGH
    exit_code = 2
    text = "Branch {received} cannot take the fix: {problem}"
    advice = "name another with --branch; without it the fix stands on {branch}"
    when = "the branch of `fix --branch` is no name of a branch, is checked out, or holds other work"
    received: str
    problem: str
    branch: str

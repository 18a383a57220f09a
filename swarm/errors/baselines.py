"""Errors of baselines of an audit, and of the commit of `--since`."""

from swarm.errors.catalogue import Severity, SwarmError


class BaselineNotFound(SwarmError):
    code = "BASELINE_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "--baseline: '{received}' names no commit of {path} and no run"
    advice = "name a commit that is here ({remedy}), a run of `swarm runs`, or a file by its path, as in ./{received}"
    exit_code = 2
    when = "the baseline of an audit is no commit of this clone and no run; a CI job often fetches a single branch"
    received: str
    path: str
    remedy: str


class SinceNotFound(SwarmError):
    code = "SINCE_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "--since: '{received}' names no commit of {path}"
    advice = "name a commit that is here ({remedy})"
    exit_code = 2
    when = "the revision of `audit --since` is no commit of this clone; a CI job often fetches the newest commit alone"
    received: str
    path: str
    remedy: str


class BaselineAmbiguous(SwarmError):
    code = "BASELINE_AMBIGUOUS"
    severity = Severity.MEDIUM
    text = "--baseline: '{received}' can mean several commits: {matches}"
    advice = "name a ref in full, as in `--baseline {full}`"
    exit_code = 2
    when = "a tag, a branch and a branch of a remote have the name of the baseline, and different commits"
    received: str
    matches: str
    full: str


class BaselineNoMergeBase(SwarmError):
    code = "BASELINE_NO_MERGE_BASE"
    severity = Severity.MEDIUM
    text = "HEAD and '{received}' have no common commit in {path}"
    advice = "{remedy}"
    exit_code = 2
    when = "a shallow clone lacks the history between HEAD and the baseline or --since, or the two are unrelated"
    received: str
    path: str
    remedy: str


class BaselineEmpty(SwarmError):
    code = "BASELINE_EMPTY"
    severity = Severity.MEDIUM
    text = "--baseline: run {run_id} recorded no findings in {wave}"
    advice = "`swarm runs` names the runs, and `swarm receipt {run_id}` its newest wave; `swarm audit .` looks at HEAD"
    exit_code = 2
    when = "the baseline of an audit is a run without a collected audit, or without a wave of this number"
    run_id: str
    wave: str


class BaselineFileInvalid(SwarmError):
    code = "BASELINE_FILE_INVALID"
    severity = Severity.MEDIUM
    text = "--baseline: {path} is no baseline file: {problem}"
    advice = "`swarm findings --format baseline -o FILE` writes a file; `swarm schema baseline` prints what it must be"
    exit_code = 2
    when = "the baseline file of an audit is missing, too large, no JSON, or not what its schema says"
    path: str
    problem: str


class BaselineVersionUnknown(SwarmError):
    code = "BASELINE_VERSION_UNKNOWN"
    severity = Severity.MEDIUM
    text = "--baseline: {path} is written as {received}, and this version of swarm reads {known}"
    advice = "write it anew from a run: `swarm findings --format baseline -o {quoted}`"
    exit_code = 2
    when = "the form or the fingerprints of a baseline file are of another version of swarm"
    path: str
    received: str
    known: str
    quoted: str


class BaselineNeedsAnalyzer(SwarmError):
    code = "BASELINE_NEEDS_ANALYZER"
    severity = Severity.MEDIUM
    text = "--baseline: {runtime} is an agent and no analyzer, so that a second look at an old commit would not compare"
    advice = "repeat the command with `--runtime ruff`, or leave out --baseline to compare with the previous audit"
    exit_code = 2
    when = "the runtime of an audit with a baseline is of kind `command`"
    runtime: str


class BaselineNotAudited(SwarmError):
    code = "BASELINE_NOT_AUDITED"
    severity = Severity.HIGH
    text = "the analyzer failed in the baseline commit {commit}: {problem}"
    advice = "correct the cause, or gate by severity: `swarm audit . --fail-on HIGH`"
    exit_code = 3
    when = "the analyzer of an audit fails in the commit of its baseline; nothing can be compared"
    commit: str
    problem: str

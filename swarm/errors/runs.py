"""Errors of runs and waves, findings and decisions about them."""

from swarm.errors.catalogue import Severity, SwarmError


class RunNotFound(SwarmError):
    code = "RUN_NOT_FOUND"
    severity = Severity.HIGH
    text = "Run not found: {run_id}"
    advice = "check `swarm runs` for the correct run id, or `swarm init <repo-path>` to create a fresh run"
    when = "RUN names no run of this control plane"
    run_id: str


class RunIsFinding(RunNotFound):
    """The id of a finding stands where a run is named."""

    advice = "{run_id} is the id of a finding: `swarm show {run_id}` shows it"


class RunOpen(SwarmError):
    code = "RUN_OPEN"
    severity = Severity.MEDIUM
    text = "{path} has the open run {run_id} in {phase}; nothing was made"
    advice = (
        "`swarm status {run_id}` shows it, `swarm audit` goes on with it, and `swarm init --new` makes a second run"
    )
    when = (
        "`init` with options for a new run, without `--new`, and the repository has a run that is not complete; or two "
        "first audits at once"
    )
    path: str
    run_id: str
    phase: str


class ConfigExists(SwarmError):
    code = "CONFIG_EXISTS"
    severity = Severity.MEDIUM
    text = "{path} is there already, and was not changed"
    advice = "edit that file; `swarm trust` shows and trusts the programs that it names"
    when = "`init --config` of a repository that has a `swarm.toml`"
    path: str


class InstructionsUnwritable(SwarmError):
    code = "INSTRUCTIONS_UNWRITABLE"
    severity = Severity.MEDIUM
    text = "{path} cannot take instructions for agents: {problem}; nothing was changed"
    advice = (
        "make it a file of the repository that you can write (where it is a link, turn the link round: the other "
        "name can link to it), then `swarm init --agents`"
    )
    when = (
        "`init --agents`: `AGENTS.md` or the skill is a link, no regular file, read-only, no UTF-8 text or larger than "
        "1 MB, or its folder cannot be written"
    )
    path: str
    problem: str


class InstructionsEdited(SwarmError):
    code = "INSTRUCTIONS_EDITED"
    severity = Severity.MEDIUM
    text = "{part} has text that swarm did not write, and was not changed"
    advice = (
        "keep your text elsewhere (in AGENTS.md outside of the two marker lines), remove {part}, then "
        "`swarm init --agents`"
    )
    when = "`init --agents`: somebody edited swarm's block of `AGENTS.md` or its skill, or has a skill of that name"
    path: str
    part: str


class InstructionsBroken(SwarmError):
    code = "INSTRUCTIONS_BROKEN"
    severity = Severity.MEDIUM
    text = (
        "{path} has no single block of swarm: {begins} lines `<!-- swarm:begin`, {ends} lines `<!-- swarm:end`; "
        "nothing was changed"
    )
    advice = "remove the block with all of its marker lines from {path}, then `swarm init --agents`"
    when = "`init --agents`: a marker line of swarm's block in `AGENTS.md` is missing, doubled or in the wrong place"
    path: str
    begins: int
    ends: int


class RunAmbiguous(SwarmError):
    code = "RUN_AMBIGUOUS"
    severity = Severity.MEDIUM
    text = "'{received}' is the beginning of {count} runs: {matches}"
    advice = "give more of the id; `swarm runs` lists them"
    when = "RUN is a prefix of more than one run"
    received: str
    count: int
    matches: str


class WaveNotFound(SwarmError):
    code = "WAVE_NOT_FOUND"
    severity = Severity.HIGH
    text = "Run {run_id} has no wave{number_shown}"
    advice = "`swarm status {run_id}` shows the current wave"
    when = "WAVE is a number that the run does not have, or the run has no wave yet"
    run_id: str
    number: int | None = None

    def _shown(self) -> dict[str, object]:
        number_shown = " to tell of yet" if self.number is None else f" {self.number}"
        return super()._shown() | {"number_shown": number_shown}


class FindingNotFound(SwarmError):
    code = "FINDING_NOT_FOUND"
    severity = Severity.HIGH
    text = "Run {run_id} has no finding {finding_id}"
    advice = "`swarm findings {run_id} --status all` lists every id"
    when = "a finding's id, or a prefix of it, fits no finding"
    run_id: str
    finding_id: str


class FindingAmbiguous(SwarmError):
    code = "FINDING_AMBIGUOUS"
    severity = Severity.MEDIUM
    text = "'{received}' is the beginning of several findings of run {run_id}: {matches}"
    advice = "give more of the id; `swarm show {first}` shows the first of them"
    when = "a finding's id is given by a prefix of more than one id"
    run_id: str
    received: str
    matches: str
    first: str


class TriageNotApplicable(SwarmError):
    code = "TRIAGE_NOT_APPLICABLE"
    severity = Severity.MEDIUM
    text = "These cannot be {action}: {findings}"
    advice = "{remedy}"
    when = (
        "a fixed finding is to be approved, deferred, rejected or closed, or an open one reopened; nothing is decided"
    )
    action: str
    findings: str
    remedy: str
    run_id: str


class DecisionsInvalid(SwarmError):
    code = "DECISIONS_INVALID"
    severity = Severity.HIGH
    text = "{path} is not a valid file of decisions: {problem}"
    advice = (
        "correct the file; `swarm schema decisions-file` prints its form, `swarm findings --export FILE` writes one"
    )
    when = "`triage --import` of a file that is too large, does not parse, fails its schema or decides a finding twice"
    path: str
    problem: str


class SuppressionInvalid(SwarmError):
    code = "SUPPRESSION_INVALID"
    severity = Severity.LOW
    text = "{path}: the comment does not count: {problem}"
    advice = "write `swarm: ignore RULE[,RULE] reason` in a comment at the end of the line, or alone above it"
    when = "a `swarm: ignore` comment at a reported line names no rule or gives no reason; the finding stays as it is"
    path: str
    problem: str


class LeaseNotApplicable(SwarmError):
    code = "LEASE_NOT_APPLICABLE"
    severity = Severity.MEDIUM
    text = "'{file}' cannot be leased to {domain}: {problem}"
    advice = "{remedy}"
    when = "`lease grant` or `deny` of a file that the domain may edit anyway, or to a domain without an agent"
    file: str
    domain: str
    problem: str
    remedy: str


class FilterUnknown(SwarmError):
    code = "CLI_FILTER_UNKNOWN"
    severity = Severity.MEDIUM
    text = "{option}: '{received}' is no {kind} of run {run_id}"
    advice = "{remedy}"
    exit_code = 2
    when = "a filter of `findings` names a domain or a rule that the run does not know"
    option: str
    kind: str
    received: str
    run_id: str
    nearest: str | None
    remedy: str

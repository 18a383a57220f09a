"""The catalogue of errors: each class states one fact; its text, severity, exit code and hint live with it.

`swarm explain CODE`, `docs/errors.md`, the renderer and the tests are made from `CATALOGUE`. A class without
a code only gathers its children (`DispatchPreconditionError`).
"""

import inspect
from enum import StrEnum
from typing import ClassVar, dataclass_transform

RECEIVED_LIMIT = 120


class Severity(StrEnum):
    """Gravity of an error: CRITICAL and HIGH need a person before work goes on."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


ICONS = {Severity.CRITICAL: "⊘", Severity.HIGH: "⚠", Severity.MEDIUM: "ℹ", Severity.LOW: "✓"}  # noqa: RUF001
CATALOGUE: dict[str, type["SwarmError"]] = {}


def shortened(value: str) -> str:
    """Cut a received value to 117 characters and `...` when it is longer than 120."""
    return value if len(value) <= RECEIVED_LIMIT else value[: RECEIVED_LIMIT - 3] + "..."


def _shown(name: str, value: object) -> object:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return shortened(value) if name == "received" and isinstance(value, str) else value


@dataclass_transform(kw_only_default=True, eq_default=False)
class SwarmError(Exception):
    """A failure with a code. Subclasses annotate the fields that they carry; all are keyword arguments."""

    code: ClassVar[str] = ""
    severity: ClassVar[Severity]
    text: ClassVar[str]
    advice: ClassVar[str]
    exit_code: ClassVar[int] = 1
    when: ClassVar[str] = ""
    # What the field `count` counts; the text shows both as `{counted}`.
    noun: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Enter the class in the catalogue."""
        if "code" in cls.__dict__:
            CATALOGUE[cls.code] = cls

    def __init__(self, **fields: object) -> None:
        self.fields = {name: self._default(name) for name in self._field_names()} | fields
        for name, value in self.fields.items():
            setattr(self, name, value)
        super().__init__(self.message)

    @classmethod
    def _field_names(cls) -> list[str]:
        return [
            name
            for parent in reversed(cls.__mro__)
            for name, kind in inspect.get_annotations(parent).items()
            if "ClassVar" not in str(kind)
        ]

    @classmethod
    def _default(cls, name: str) -> object:
        return getattr(cls, name, None)

    @property
    def message(self) -> str:
        """Return the text with its fields filled in."""
        return self.text.format(**self._shown())

    @property
    def hint(self) -> str:
        """Return the next step with its fields filled in."""
        return self.advice.format(**self._shown())

    def _shown(self) -> dict[str, object]:
        shown = {name: _shown(name, value) for name, value in self.fields.items()}
        if self.noun and isinstance(count := self.fields["count"], int):
            shown["counted"] = f"{count:,} {self.noun}{'' if count == 1 else 's'}"
        return shown


class ExtraMissing(SwarmError):
    """A failure for want of an extra of swarm. Its hint is the command that installs the extra for this swarm."""

    extra: ClassVar[str]

    @property
    def hint(self) -> str:
        """Return the command of the installer that installed swarm."""
        from swarm.installed import install_command

        return install_command(f"[{self.extra}]")


# --- the command line -------------------------------------------------------------------------------------


class CliUsage(SwarmError):
    code = "CLI_USAGE"
    severity = Severity.MEDIUM
    text = "{problem}"
    advice = "run `{command} --help` to see what it takes"
    exit_code = 2
    when = "an unknown verb or option, a missing or malformed argument"
    problem: str
    command: str = "swarm"


class CliInvalidFormat(SwarmError):
    code = "CLI_INVALID_FORMAT"
    severity = Severity.MEDIUM
    text = "--format expects one of {choices}; got '{received}'"
    advice = "pass `--format json` for scripts, or leave it out"
    exit_code = 2
    when = "`--format` names a form that the verb does not have"
    received: str
    choices: str


class CliInvalidGlobsError(SwarmError):
    code = "CLI_INVALID_GLOBS_JSON"
    severity = Severity.MEDIUM
    text = "--globs requires a JSON array of glob strings; {problem}"
    advice = (
        "pass `--globs '[\"packages/foo/**\"]'` — wrap the JSON in single quotes so the shell preserves it, "
        "and use double quotes for each glob string"
    )
    exit_code = 2
    when = "`domains --add/--edit --globs`: empty, unparsable, not an array, an empty array, a non-string element"
    problem: str
    received: str


class ReasonRequired(SwarmError):
    code = "REASON_REQUIRED"
    severity = Severity.MEDIUM
    text = "{action} needs a reason, which is recorded"
    advice = "add `--reason '…'`"
    when = "an action that overrides something was asked for without saying why"
    action: str


class ConfigInvalid(SwarmError):
    code = "CONFIG_INVALID"
    severity = Severity.HIGH
    text = "{path} is not a valid configuration: {problem}"
    advice = "correct the file; docs/configuration.md lists its keys, `swarm schema swarm-toml` prints their schema"
    when = "`swarm.toml`, or a file of domains, does not parse or fails its schema"
    path: str
    problem: str


class ConfigUntrusted(SwarmError):
    code = "CONFIG_UNTRUSTED"
    severity = Severity.HIGH
    text = "{part} of {path} names a program, and this user has not trusted that file"
    advice = (
        "read the file, then trust it: `swarm trust {word}`; in a script or CI job: "
        "`SWARM_TRUST={digest}`, or `swarm --trust {digest} …`"
    )
    exit_code = 2
    when = "a runtime, build step or other executable part of a `swarm.toml` is asked for that nobody has trusted"
    path: str
    part: str
    digest: str
    word: str


class WaveFromElsewhere(SwarmError):
    code = "WAVE_FROM_ELSEWHERE"
    severity = Severity.HIGH
    text = "Wave {number} ({phase}) goes on only for who dispatched it, and this user did not on this machine"
    advice = (
        "look at it with `swarm status {run_id}`; `swarm trust --wave {run_id}` makes it yours (in a script: "
        "SWARM_TRUST=1); `swarm init --new` begins a run of your own and leaves it alone"
    )
    exit_code = 2
    when = (
        "a wave in flight, a failed wave or unmerged work came with a control plane, or was dispatched before its "
        "user's home or machine moved"
    )
    number: int
    phase: str
    run_id: str
    wave_id: int


class TrustRecordUnusable(SwarmError):
    code = "TRUST_RECORD_UNUSABLE"
    severity = Severity.HIGH
    text = "The record of trust {path} cannot be used: {problem}"
    advice = "{remedy}"
    exit_code = 2
    when = "a record of `swarm trust` is damaged, or would lie in the repository that it is about"
    path: str
    problem: str
    remedy: str


class OwnedByAnotherUser(SwarmError):
    code = "OWNED_BY_ANOTHER_USER"
    severity = Severity.HIGH
    text = "{path}, which is {what}, belongs to the user {owner}, who could run programs as you through it"
    advice = "to trust that user: `git config --global --add safe.directory {word}`; else work in a copy of your own"
    exit_code = 2
    when = "a repository, workspace, configuration or record of trust has another owner than the user who runs swarm"
    path: str
    owner: int
    what: str
    word: str


class LedOutside(SwarmError):
    code = "LED_OUTSIDE"
    severity = Severity.HIGH
    text = "{path} leads out of the repository, to {target}, where swarm would write; nothing was written"
    advice = (
        "if the link is not yours, remove it, or clone the repository in place of unpacking it; "
        "for a workspace of your own elsewhere, name it: `swarm --db PATH …`"
    )
    exit_code = 2
    when = "`.git`, a file or folder in it, or the folder `swarms` is a link to a place outside of the repository"
    path: str
    target: str


class CodeownersInvalid(SwarmError):
    code = "CODEOWNERS_INVALID"
    severity = Severity.HIGH
    text = "{path} gives no map: {problem}"
    advice = "correct and commit it, or use another map: `--domains-from auto`, or a file of domains"
    when = (
        "`init --domains-from codeowners`: the commit has no such file, or one that is empty, too long or not readable"
    )
    path: str
    problem: str


class SchemaUnknown(SwarmError):
    code = "SCHEMA_UNKNOWN"
    severity = Severity.MEDIUM
    text = "No schema is named '{received}'"
    advice = "run `swarm schema` for the list"
    when = "`swarm schema NAME` with a name that has no schema"
    received: str


class SubjectUnknown(SwarmError):
    code = "SUBJECT_UNKNOWN"
    severity = Severity.MEDIUM
    text = "Nothing here is called '{received}'"
    advice = "pass an error code, `exit:2`, `attempt:1`, a rule such as `B006`, a match, or a finding's id"
    when = "`swarm explain THING` with something that is no code, exit code, attempt, rule, match, status or finding"
    received: str


# --- the control plane ------------------------------------------------------------------------------------


class ControlPlaneMissing(SwarmError):
    code = "CONTROL_PLANE_MISSING"
    severity = Severity.HIGH
    text = "No control plane at {path}"
    advice = "{remedy}"
    when = "a verb needs the database, and there is none (or it is empty)"
    path: str
    remedy: str


class ControlPlaneSchemaTooNew(SwarmError):
    code = "CONTROL_PLANE_SCHEMA_TOO_NEW"
    severity = Severity.HIGH
    text = (
        "control-plane.db at {db_path} is schema v{on_disk_version} but this swarm build only understands "
        "v{build_version}. Pull the latest swarm before opening this DB."
    )
    advice = "upgrade swarm; do not edit or delete the database"
    when = "the file's schema_version is above this build's; not a byte of it changes"
    db_path: str
    on_disk_version: int
    build_version: int


class ControlPlaneSchemaCorrupt(SwarmError):
    code = "CONTROL_PLANE_SCHEMA_CORRUPT"
    severity = Severity.CRITICAL
    text = "{path} has no usable schema_version: {received}"
    advice = "do not edit it by hand; {remedy}"
    when = "schema_version is missing or not a whole number; nothing is guessed"
    path: str
    received: str
    remedy: str


class ControlPlaneCorrupt(SwarmError):
    code = "CONTROL_PLANE_CORRUPT"
    severity = Severity.CRITICAL
    text = "SQLite cannot read {path}: {problem}"
    advice = "{remedy}"
    when = "SQLite reports that the file is damaged or is not a database"
    path: str
    problem: str
    remedy: str


class ControlPlaneForeign(SwarmError):
    code = "CONTROL_PLANE_FOREIGN"
    severity = Severity.CRITICAL
    text = "{path} was not written by swarm: {problem}"
    advice = "{remedy}"
    when = (
        "the file has a table, view, trigger, index or column that its version does not have, or lies beside a file "
        "that would lead SQLite elsewhere; nothing of it is read"
    )
    path: str
    problem: str
    remedy: str


class ControlPlaneRowRefused(SwarmError):
    code = "CONTROL_PLANE_ROW_REFUSED"
    severity = Severity.CRITICAL
    text = "A row of {table} in the control plane has no usable {column}: {received}"
    advice = (
        "if you wrote this control plane, put a backup of it in its place; else move its folder aside and begin anew "
        "with `swarm init <repo-path>`"
    )
    when = (
        "an id, a name, a path, a commit or a JSON text of a row has another form than swarm writes, and is not used; "
        "or a command failed, and a row breaks a constraint of its own table"
    )
    table: str
    column: str
    received: str


class ControlPlaneTooSlow(SwarmError):
    code = "CONTROL_PLANE_TOO_SLOW"
    severity = Severity.HIGH
    text = "SQLite did not come to an end with {path}, and was stopped"
    advice = "{remedy}"
    when = "a command needs more than 10,000 million steps of SQLite, as on a file that was made to be endless"
    path: str
    remedy: str


class ControlPlaneBusy(SwarmError):
    code = "CONTROL_PLANE_BUSY"
    severity = Severity.MEDIUM
    text = "The control plane stayed locked for {waited:.0f} s{holder}"
    advice = "wait for that process to end, then repeat the command"
    when = "another process held the database for longer than the time-out"
    path: str
    waited: float
    holder: str = ""


class ControlPlaneReadOnly(SwarmError):
    code = "CONTROL_PLANE_READ_ONLY"
    severity = Severity.HIGH
    text = "The control plane at {path} cannot be written: {problem}"
    advice = "make the file and its folder writable for this user; verbs that only read work meanwhile"
    when = "a verb must write, and the file, the folder or the disk is read-only"
    path: str
    problem: str


class ControlPlaneWriteFailed(SwarmError):
    code = "CONTROL_PLANE_WRITE_FAILED"
    severity = Severity.HIGH
    text = "SQLite could not write {path}: {problem}"
    advice = "free space on that disk, then repeat the command; nothing was recorded"
    when = "the disk is full or fails while a mutation is written; SQLite rolled it back"
    path: str
    problem: str


class LedgerBroken(SwarmError):
    code = "LEDGER_BROKEN"
    severity = Severity.CRITICAL
    text = "The ledger is broken at event {seq}: {problem}"
    advice = (
        "swarm repairs nothing: find out who edited the database, or restore an earlier copy; `swarm doctor` names "
        "the newest backup"
    )
    when = "an event was edited, removed or inserted, or a hash kept elsewhere is no longer in the chain"
    seq: int
    what: str
    problem: str
    kind: str | None = None


class WorkspaceNotWritable(SwarmError):
    code = "WORKSPACE_NOT_WRITABLE"
    severity = Severity.HIGH
    text = "Cannot write in the workspace: {problem}"
    advice = "make {path} writable and check the free space of its disk, then repeat the command"
    when = "a run's folder, a prompt, an output or a record cannot be written"
    path: str
    problem: str


class WorkspaceMoved(SwarmError):
    code = "WORKSPACE_MOVED"
    severity = Severity.HIGH
    text = "The files of run {run_id} were made at {path}, and now are at {now}"
    advice = (
        "move the folder back, or link its previous place to the new one: `ln -s '{new}' '{old}'`; "
        "then repeat the command"
    )
    when = "`launch`, `collect` or `undo` of a wave whose prompts and worktrees name another place than the workspace's"
    path: str
    now: str
    old: str
    new: str
    run_id: str


class RunElsewhere(SwarmError):
    code = "RUN_ELSEWHERE"
    severity = Severity.HIGH
    text = "This is {here}, and {path} {why} of run {run_id}; nothing was changed"
    advice = "repeat the command in {path}; to work in this folder instead, begin a run of its own: `swarm init {here}`"
    when = (
        "a copied project, another clone or another worktree, while a wave of the run has its work in the first, "
        "or both share a git folder"
    )
    run_id: str
    here: str
    path: str
    why: str


class OutputNotWritable(SwarmError):
    code = "OUTPUT_NOT_WRITABLE"
    severity = Severity.MEDIUM
    text = "{path} is not written: {problem}"
    advice = "name another file, in a folder that exists"
    when = "a file that a verb was asked to write would take the place of something else"
    path: str
    problem: str


class StateConflict(SwarmError):
    code = "STATE_CONFLICT"
    severity = Severity.MEDIUM
    text = "{subject} is no longer {expected}: someone else moved it first"
    advice = "look at `swarm status {run_id}`, then repeat the command if it still applies"
    when = "a row was not in the state that the mutation expected; nothing was written"
    subject: str
    expected: str
    run_id: str


class StateMachineRejectionError(SwarmError):
    text = "Illegal transition {from_state} → {to_state}: {reason}"
    kind: str
    from_: str
    to: str
    reason: str
    agent_run_id: int | None = None
    wave_id: int | None = None
    allowed_transitions: tuple[str, ...] = ()
    remedy: str = ""

    def _shown(self) -> dict[str, object]:
        return super()._shown() | {"from_state": self.from_, "to_state": self.to}


class StateMachineBlocked(StateMachineRejectionError):
    code = "STATE_MACHINE_BLOCKED"
    severity = Severity.LOW
    advice = "{remedy}"
    when = "a transition out of invalid_output or ownership_violation without a lawful override"


class StateMachineTerminal(StateMachineRejectionError):
    code = "STATE_MACHINE_TERMINAL"
    severity = Severity.LOW
    advice = "this agent is already complete, check why the caller tried to re-advance it"
    when = "a transition out of a terminal state"


class StateMachineInvalid(StateMachineRejectionError):
    code = "STATE_MACHINE_INVALID"
    severity = Severity.LOW
    advice = "{remedy}"
    when = "a transition that is not in the table"


# --- runs, repositories, domains --------------------------------------------------------------------------


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
    when = "`init` with options for a new run, without `--new`, and the repository has a run that is not complete"
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


class RepoNotFound(SwarmError):
    code = "REPO_NOT_FOUND"
    severity = Severity.HIGH
    text = "No repository at {path}"
    advice = "check the path; a run whose repository has moved is found inside its checkout, or with --repo-path"
    when = "a path does not exist, or a run's repository is not on this machine"
    path: str


class FolderNotFound(RepoNotFound):
    """REPO of a command line is no folder."""

    advice = "check the path; REPO is a folder of a git checkout, by default the one that you are in"


class RepoNotGit(SwarmError):
    code = "REPO_NOT_GIT"
    severity = Severity.HIGH
    text = "{path} is not inside a git work tree"
    advice = "pass a folder of a git checkout, or make one: `git init && git add -A && git commit -m start`"
    when = "REPO is a folder without git, or a bare repository"
    path: str


class WorkTreeElsewhere(RepoNotGit):
    """Git takes another folder for the work tree, so that it would read and write there."""

    text = "git takes {found} for the work tree of {path}, because core.worktree is set; nothing was written"
    advice = "if {path} is meant, run `{remedy}`, then repeat the command"
    found: str
    remedy: str


class RepoUnborn(SwarmError):
    code = "REPO_UNBORN"
    severity = Severity.HIGH
    text = "{path} has no commit yet"
    advice = "commit something first: `git add -A && git commit -m start`"
    when = "HEAD is an unborn branch; there is no commit to audit"
    path: str


class RepoNotClean(SwarmError):
    code = "REPO_NOT_CLEAN"
    severity = Severity.HIGH
    text = "{path} has {counted} with uncommitted changes: {files}"
    noun = "tracked file"
    advice = "commit or stash them, then repeat the command; untracked files do not matter"
    when = "`init` on a work tree with tracked changes"
    path: str
    count: int
    files: str


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
    when = "a shallow clone lacks the history between HEAD and the baseline, or the two are unrelated"
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


class GitFailed(SwarmError):
    code = "GIT_FAILED"
    severity = Severity.HIGH
    text = "git {verb} failed: {problem}"
    advice = "run the same git command in {path} to see more; `swarm doctor` checks git and the repository"
    when = "a git call ended unexpectedly"
    verb: str
    problem: str
    path: str


class GitBlocked(GitFailed):
    """A git call would fail for a reason that a single command removes."""

    advice = "{remedy}, then repeat the command"
    remedy: str


class GitLocked(SwarmError):
    code = "GIT_LOCKED"
    severity = Severity.MEDIUM
    text = "git {verb} was kept out by a lock: {path}"
    advice = (
        "wait for the git process that works there; if none does, a git was killed: `swarm doctor --fix` removes the "
        "lock if swarm had started that git, else remove the file by hand; then repeat the command"
    )
    when = "a lock file of git lies in the way: another git is at work in the repository, or one was killed"
    verb: str
    path: str


class GitMissing(SwarmError):
    code = "GIT_MISSING"
    severity = Severity.HIGH
    text = "git was not found on PATH"
    advice = "install git 2.38 or newer"
    when = "there is no git program"


class InsideAgentWorktree(SwarmError):
    code = "INSIDE_AGENT_WORKTREE"
    severity = Severity.HIGH
    text = "An agent cannot use the control plane that watches it ({path})"
    advice = (
        "write your answer to the output file that your prompt names; a coordinator runs swarm outside of the worktree"
    )
    when = "swarm is called from an agent's worktree or by a process that `launch` started"
    path: str


class DomainsEmpty(SwarmError):
    code = "DOMAINS_EMPTY"
    severity = Severity.HIGH
    text = "There is no domain to freeze"
    advice = 'run `swarm domains {run_id} --add <name> --globs "[…]"` first'
    when = "`domains --freeze` of an empty map"
    run_id: str


class DomainsFrozen(SwarmError):
    code = "DOMAINS_FROZEN"
    severity = Severity.HIGH
    text = "The domain map is frozen"
    advice = "run `swarm domains {run_id} --unfreeze --reason '…'` before changing it"
    when = "`domains --add/--edit/--remove` on a frozen map"
    run_id: str


class DomainsWaveUnfinished(SwarmError):
    code = "DOMAINS_WAVE_UNFINISHED"
    severity = Severity.HIGH
    text = "Wave {number} ({phase}) is {status}; its map stays frozen"
    advice = "{remedy}"
    when = "`domains --unfreeze` while a wave is in flight, or after a failed one without `--force`"
    number: int
    phase: str
    status: str
    remedy: str
    run_id: str


class DomainsInvalidName(SwarmError):
    code = "DOMAINS_INVALID_NAME"
    severity = Severity.MEDIUM
    text = "'{received}' cannot be the name of a domain"
    advice = "use letters, digits, `_` and `-`, at most 64 characters"
    when = "a domain's name does not match `^[A-Za-z0-9_-]{1,64}$`"
    received: str


class DomainsInvalidOwnershipClass(SwarmError):
    code = "DOMAINS_INVALID_OWNERSHIP_CLASS"
    severity = Severity.MEDIUM
    text = "'{received}' is not an ownership class"
    advice = "use one of: owned, bridge, shared, coordinator"
    when = "`--ownership`, or a file of domains, names another class"
    received: str


class DomainsInvalidGlob(SwarmError):
    code = "DOMAINS_INVALID_GLOB"
    severity = Severity.MEDIUM
    text = "The glob '{received}' is refused: {problem}"
    advice = (
        "write a repository-relative pattern such as `src/**/*.py`; several plain globs are better than a clever glob"
    )
    when = "a glob does not compile, explodes into too many, or could run away"
    received: str
    problem: str


class DomainExists(SwarmError):
    code = "DOMAIN_EXISTS"
    severity = Severity.MEDIUM
    text = "The map already has a domain '{name}'"
    advice = "change it with `swarm domains {run_id} --edit {name} …`"
    when = "`domains --add` with a name that is taken"
    name: str
    run_id: str


class DomainNotFound(SwarmError):
    code = "DOMAIN_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "The map has no domain '{name}'"
    advice = "it has: {names}"
    when = "`--edit`, `--remove`, `--before` or a filter names a domain that is not in the map"
    name: str
    names: str


# --- lessons ----------------------------------------------------------------------------------------------


class LessonSchemaInvalid(SwarmError):
    severity = Severity.CRITICAL
    errors: tuple[dict[str, str], ...] = ()
    problem: str
    path: str | None = None


class FindingSchemaInvalid(LessonSchemaInvalid):
    code = "FINDING_SCHEMA_INVALID"
    text = "finding failed schema validation ({finding_id}): {problem}"
    advice = (
        "inspect each path against schemas/finding.schema.json and fix the upstream emitter; the schema is a contract"
    )
    when = "a finding of lessons, in a file or to be written, does not fit its schema; the disk is not touched"
    finding_id: str


class PatternSchemaInvalid(LessonSchemaInvalid):
    code = "PATTERN_SCHEMA_INVALID"
    text = "pattern failed schema validation ({pattern_id}): {problem}"
    advice = (
        "inspect each path against schemas/pattern.schema.json and fix the upstream emitter; the schema is a contract"
    )
    when = "a pattern of lessons, in a file or to be written, does not fit its schema; the disk is not touched"
    pattern_id: str


class RecommendationSchemaInvalid(LessonSchemaInvalid):
    code = "RECOMMENDATION_SCHEMA_INVALID"
    text = "recommendation failed schema validation ({recommendation_id}): {problem}"
    advice = (
        "inspect each path against schemas/recommendation.schema.json and fix the upstream emitter; "
        "the schema is a contract"
    )
    when = "a recommendation, in a file or to be written, does not fit its schema; the disk is not touched"
    recommendation_id: str


class DoctrineSchemaInvalid(LessonSchemaInvalid):
    code = "DOCTRINE_SCHEMA_INVALID"
    text = "doctrine failed schema validation ({doctrine_id}): {problem}"
    advice = (
        "inspect each path against schemas/doctrine.schema.json and fix the upstream emitter; the schema is a contract"
    )
    when = "a doctrine, in a file or to be written, does not fit its schema; the disk is not touched"
    doctrine_id: str


class LessonIdCollision(SwarmError):
    severity = Severity.HIGH
    advice = "rename or skip the colliding item before deriving again with --write"
    batch: str = ""
    problem: str


class FindingIdCollision(LessonIdCollision):
    code = "FINDING_ID_COLLISION"
    text = "{batch}finding_id collision: '{finding_id}' {problem}"
    when = "two findings claim one id in a batch or in a process, or another finding has the id on disk"
    finding_id: str


class PatternIdCollision(LessonIdCollision):
    code = "PATTERN_ID_COLLISION"
    text = "{batch}pattern_id collision: '{pattern_id}' {problem}"
    when = "two patterns claim one id in a batch or in a process, or another pattern has the id on disk"
    pattern_id: str


class RecommendationIdCollision(LessonIdCollision):
    code = "RECOMMENDATION_ID_COLLISION"
    text = "{batch}recommendation_id collision: '{recommendation_id}' {problem}"
    when = "two recommendations claim one id in a batch or in a process, or another has the id on disk"
    recommendation_id: str


class DoctrineIdCollision(LessonIdCollision):
    code = "DOCTRINE_ID_COLLISION"
    text = "{batch}doctrine_id collision: '{doctrine_id}' {problem}"
    when = "two doctrines claim one id in a batch or in a process, or another doctrine has the id on disk"
    doctrine_id: str


class LessonFileInvalid(SwarmError):
    code = "LESSON_FILE_INVALID"
    severity = Severity.HIGH
    text = "{path} is no file of lessons: {problem}"
    advice = "correct the file, or move it out of the folder of lessons; nothing was changed"
    when = "a file below `lessons` is a link, too large, no plain YAML, or has another name than its id"
    path: str
    problem: str


class LessonNotFound(SwarmError):
    code = "LESSON_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "{problem}: '{received}'"
    advice = "run `swarm lessons review` for the ids"
    when = "`lessons review` names an id that no lesson has, or the beginning of several"
    received: str
    problem: str


class LessonStateRefused(SwarmError):
    code = "LESSON_STATE_REFUSED"
    severity = Severity.MEDIUM
    text = "{lesson_id} is {status}: {problem}"
    advice = "what {status} allows: {allowed}"
    when = "`lessons review` with an action that the state of a lesson does not allow"
    lesson_id: str
    status: str
    problem: str
    allowed: tuple[str, ...]


class LessonsBusy(SwarmError):
    code = "LESSONS_BUSY"
    severity = Severity.MEDIUM
    text = "The lessons in {path} stayed locked for {waited:.0f} s{holder}"
    advice = "wait for that process to end, then repeat the command"
    when = "another process reviewed, derived or synthesized lessons for longer than the time-out"
    path: str
    waited: float
    holder: str = ""


# --- dispatch, launch, collect ----------------------------------------------------------------------------


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
        "`swarm show {first}` shows more; re-audit with `swarm audit`, or reopen them; "
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


class NoWaveToLaunch(SwarmError):
    code = "LAUNCH_NO_WAVE"
    severity = Severity.MEDIUM
    text = "Run {run_id} has no dispatched wave to launch"
    advice = "run `swarm dispatch {run_id} <phase>` first, or after a wave that failed `swarm resume {run_id}`"
    when = "`launch` without a wave in flight, or `wait` without a wave"
    run_id: str


class IsolationUnavailable(SwarmError):
    code = "ISOLATION_UNAVAILABLE"
    severity = Severity.HIGH
    text = "No sandbox of this machine holds the policy that swarm.toml demands: {problem}"
    advice = (
        "install bubblewrap (`apt-get install bubblewrap`), or run without a sandbox: agents by `swarm launch"
        " --unsafe-no-isolation --reason '…'`, builds by `backend = \"none\"` and a reason in [sandbox] of swarm.toml"
    )
    exit_code = 2
    when = (
        "`swarm.toml` closes the network, names hosts, hides paths or names a backend, and no backend here can do that"
    )
    problem: str


class PermissionUnknown(SwarmError):
    code = "PERMISSION_UNKNOWN"
    severity = Severity.MEDIUM
    text = "No attempt of wave {number} asked for permission {received}"
    advice = "run `swarm permissions list {run_id}` to see the requests"
    when = "`permissions reply` with the id of no request, or of another wave's"
    received: str
    number: int
    run_id: str


class PermissionClosed(SwarmError):
    code = "PERMISSION_CLOSED"
    severity = Severity.MEDIUM
    text = "Nobody waits for a reply to permission {permission}: it has one, or its attempt has ended"
    advice = "run `swarm permissions list {run_id}` to see the open requests"
    when = "`permissions reply` to a request that is answered, or whose attempt has ended"
    permission: int
    run_id: str


class LaunchInProgress(SwarmError):
    code = "LAUNCH_IN_PROGRESS"
    severity = Severity.MEDIUM
    text = "Wave {number} is already being launched or collected{holder}"
    advice = "wait for it to end; `swarm status {run_id}` shows how far it is"
    when = "another process launches or collects the agents of this wave"
    number: int
    holder: str
    run_id: str


class LaunchNeedsIsolation(SwarmError):
    code = "LAUNCH_NEEDS_ISOLATION"
    severity = Severity.HIGH
    text = "Wave {number} ({phase}) has no worktrees, and {runtime} would edit your own checkout"
    advice = (
        "answer wave {number} by hand and collect it, then dispatch again: `swarm dispatch {run_id} {phase} --isolate`"
    )
    when = "an analyzer is to fix findings of a wave that was dispatched without `--isolate`"
    number: int
    phase: str
    runtime: str
    run_id: str


class RuntimeUnknown(SwarmError):
    code = "RUNTIME_UNKNOWN"
    severity = Severity.MEDIUM
    text = "No runtime is called '{received}'"
    advice = "`swarm runtimes` lists what can be launched here; swarm.toml can add more"
    when = "`--runtime` names a runtime that is neither built in nor in swarm.toml"
    received: str


class RuntimeNotFound(SwarmError):
    code = "RUNTIME_NOT_FOUND"
    severity = Severity.HIGH
    exit_code = 127
    text = "The program of runtime '{runtime}' was not found: {program}"
    advice = "{remedy}"
    when = "a runtime's program is not installed; checked before anything is dispatched or spawned"
    runtime: str
    program: str
    remedy: str


class FileNotFound(SwarmError):
    code = "FILE_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "Cannot read {path}: {problem}"
    advice = "check the path, which is taken from the working folder"
    when = "a file that the command line or swarm.toml names for an agent is not there or cannot be read"
    path: str
    problem: str


class InvalidManifest(SwarmError):
    code = "INVALID_MANIFEST"
    severity = Severity.MEDIUM
    text = "{path} is no agent manifest: {problem}"
    advice = "correct each field; `swarm schema agent-manifest` prints the form"
    when = "an agent manifest does not parse, or does not fit its schema"
    path: str
    problem: str


class AmbiguousAgentPath(SwarmError):
    code = "AMBIGUOUS_AGENT_PATH"
    severity = Severity.MEDIUM
    text = "{path} is no manifest by its name: it does not end in .agent, and is no folder with a manifest.agent"
    advice = "rename the file, or name the folder that holds the manifest.agent"
    when = "the path of an agent manifest is neither NAME.agent nor a folder with a `manifest.agent`"
    path: str


class NoModelResolved(SwarmError):
    code = "NO_MODEL_RESOLVED"
    severity = Severity.HIGH
    text = "Nothing of the chain of {domain} can be launched here: {reasons}"
    advice = "`swarm runtimes --resolve` shows every chain; install a runtime of it, or set the variable that it names"
    when = "no entry of the chain of an agent is installed, has a credential and may run under the policy"
    domain: str
    reasons: str
    run_id: str


class CostBudgetExceeded(SwarmError):
    code = "COST_BUDGET_EXCEEDED"
    severity = Severity.HIGH
    exit_code = 2
    text = "The agents of run {run_id} have cost {spent} USD; a launch would cost {estimate} more, and the cap is {cap}"
    advice = "raise the cap with `--max-cost`, or launch fewer agents: `swarm attempts {run_id}` shows what each cost"
    when = "what a run's agents have cost, with an estimate of the launch, passes `--max-cost`"
    spent: str
    estimate: str
    cap: str
    run_id: str


class CostUnmetered(SwarmError):
    code = "COST_UNMETERED"
    severity = Severity.MEDIUM
    exit_code = 2
    text = "{runtime} does not report what it costs, so that a cap on costs could not be held"
    advice = "repeat with `--allow-unmetered`, or without `--max-cost`"
    when = "a launch with `--max-cost` of a runtime that reports no cost"
    runtime: str
    run_id: str


class QuotaUsedUp(SwarmError):
    code = "QUOTA_USED_UP"
    severity = Severity.MEDIUM
    exit_code = 3
    text = "The quota of {runtime} is used up until {moment}, so launches of run {run_id} are paused"
    advice = (
        "launch after that time, or wait for it: `swarm launch {run_id} --park 6h`; `--runtime NAME --relock --reason "
        "'…'` takes another runtime"
    )
    when = "a launch before the time at which a provider said that its quota is there again"
    runtime: str
    moment: str
    run_id: str


class RuntimeAdded(SwarmError):
    code = "RUNTIME_ADDED"
    severity = Severity.LOW
    text = "{path} has a table [runtimes.{runtime}] already, and was not changed"
    advice = "edit the table in that file; `swarm runtimes {runtime}` shows what results"
    when = "`runtimes --add` of a runtime that the user's configuration has"
    path: str
    runtime: str


class AnalyzerUntrusted(SwarmError):
    code = "ANALYZER_UNTRUSTED"
    severity = Severity.HIGH
    exit_code = 2
    text = "{runtime} runs code of the repository, and this user has not trusted it to do so"
    advice = (
        'write `[analyzers]` with `use = ["{runtime}"]` to swarm.toml, then `swarm trust`; '
        "in a script or CI job: `SWARM_TRUST=1`"
    )
    when = "an analyzer is named whose configuration, plugins or build are code, and nobody has trusted the repository"
    runtime: str


class AuditNothingToLookAt(SwarmError):
    code = "AUDIT_NOTHING_TO_LOOK_AT"
    severity = Severity.HIGH
    exit_code = 2
    text = "{problem} of {repo}: {kinds}"
    advice = "{remedy}"
    when = "an audit has no file that its analyzer reads, or the configuration excludes them all"
    runtime: str
    problem: str
    repo: str
    kinds: str
    remedy: str


class FilesNotRead(SwarmError):
    code = "FILES_NOT_READ"
    severity = Severity.HIGH
    exit_code = 3
    text = "{count} of the files to be analyzed could not be read: {files}"
    advice = "correct their syntax or encoding, or exclude them in the analyzer's configuration"
    when = "an audit is over, and an analyzer could not read files that it should have read; the findings are shown"
    count: str
    files: str


class RuntimePhaseUnsupported(SwarmError):
    code = "RUNTIME_PHASE_UNSUPPORTED"
    severity = Severity.HIGH
    exit_code = 2
    text = "Runtime '{runtime}' has nothing to say in phase {phase}"
    advice = (
        "name another with --runtime (`swarm runtimes` lists them), or let a person write the outputs and collect them"
    )
    when = "an analyzer is asked for a phase whose lens none of its rules serves, or to review findings"
    runtime: str
    phase: str


class CollectNoWave(SwarmError):
    code = "COLLECT_NO_WAVE"
    severity = Severity.MEDIUM
    text = "Run {run_id} has no dispatched wave to collect"
    advice = "run `swarm dispatch {run_id} <phase>` first, or after a wave that failed `swarm resume {run_id}`"
    when = "`collect` without a wave in flight"
    run_id: str


class CollectedAlready(CollectNoWave):
    """No wave is left to collect: an earlier call collected it, for example a call that was killed after its commit."""

    advice = "wave {number} is collected already; `swarm status {run_id}` shows what is next"
    number: int


class CollectUnknownDomain(SwarmError):
    code = "COLLECT_UNKNOWN_DOMAIN"
    severity = Severity.MEDIUM
    text = "Wave {number} has no agent for a domain '{name}'"
    advice = "its agents are: {names}"
    when = "`collect --domain NAME:PATH` names a domain without an agent in the wave"
    name: str
    number: int
    names: str


class BundleRefused(SwarmError):
    code = "BUNDLE_REFUSED"
    severity = Severity.HIGH
    text = "The bundle of {domain} is refused ({reason}): {problem}"
    advice = "make it of a single commit on the wave's: `git bundle create FILE {base}..{branch}`; nothing was taken"
    when = "a git bundle that an agent's work came in does not hold a single, harmless commit on the wave's commit"
    domain: str
    reason: str
    problem: str
    path: str
    base: str
    branch: str


class CollectUpsertError(SwarmError):
    code = "COLLECT_UPSERT_FAILED"
    severity = Severity.CRITICAL
    text = "upsertFindings failed for wave={number} ({findings_attempted} findings attempted): {problem}"
    advice = (
        "wave {wave_id} has artifacts persisted but findings missing — inspect with `swarm status`, then re-run "
        "`swarm collect` once the underlying SQLite issue is resolved (busy_timeout or fingerprint UNIQUE collision)"
    )
    when = "the findings part of collect failed; the evidence is kept, the wave is not collected"
    number: int
    wave_id: int
    findings_attempted: int
    problem: str


class RecoveryNotApplicable(SwarmError):
    code = "RECOVERY_NOT_APPLICABLE"
    severity = Severity.MEDIUM
    text = "{action}: {problem}"
    advice = "{remedy}"
    when = "`redrive` of a wave that is in flight or not the latest; `revalidate` of an agent that is not blocked"
    action: str
    problem: str
    remedy: str


class WaveGitFolderChanged(SwarmError):
    code = "WAVE_GIT_FOLDER_CHANGED"
    severity = Severity.HIGH
    text = "The git folder was changed since wave {number} began, and not by swarm: {files}"
    advice = "check each of them, revert what you did not change, and repeat; or abandon the wave: `{behind}`"
    when = (
        "`resume`, `redrive` or `revalidate` of a wave whose git folder was changed: git is no longer run in its trees"
    )
    number: int
    phase: str
    files: str
    behind: str
    run_id: str


class WorkAtRisk(SwarmError):
    code = "WORK_AT_RISK"
    severity = Severity.HIGH
    text = "{name} holds what would be lost: {problem}"
    advice = "`swarm clean {run_id} --force --apply --reason '…'` saves it below refs/swarm/salvage/ before it goes"
    when = "`clean` leaves a worktree or a branch: the state of its report, and exit 1 with `--apply`"
    name: str
    problem: str
    run_id: str


class SavePointUnknown(SwarmError):
    code = "SAVE_POINT_UNKNOWN"
    severity = Severity.HIGH
    text = "No save point is called '{received}'{told}"
    advice = "`swarm status --format json` shows a run's save point; another ref needs `--force-arbitrary-ref`"
    when = "`rewind` to a word that names no save point, no run and no commit of the repository"
    received: str
    told: str = ""


class RewindRefused(SwarmError):
    code = "REWIND_REFUSED"
    severity = Severity.HIGH
    text = "The checkout cannot be rewound: {problem}"
    advice = "{remedy}"
    when = (
        "`rewind` on a detached HEAD, another branch or repository than the run's, in the middle of a merge, where a "
        "branch is checked out twice, or where the control plane itself is a tracked file"
    )
    problem: str
    remedy: str
    run_id: str


class RewindNotClean(SwarmError):
    code = "REWIND_NOT_CLEAN"
    severity = Severity.HIGH
    text = "{path} has {counted} that rewinding would overwrite: {files}"
    noun = "file"
    advice = "commit or stash them, or add `--force`, which saves them below refs/swarm/salvage/ first"
    when = "`rewind` without `--force`, and uncommitted changes, or untracked files at places of the save point's files"
    path: str
    count: int
    files: str


class RewindStateSplit(SwarmError):
    code = "REWIND_STATE_SPLIT"
    severity = Severity.CRITICAL
    text = "Branch {branch} is at {save_point}, and run {run_id} does not know it: {problem}"
    advice = "resolve what SQLite reports, then repeat the same `swarm rewind` command, which finishes it"
    when = "`rewind` moved the branch, and its transaction failed; the run's state is unchanged"
    branch: str
    save_point: str
    problem: str
    run_id: str
    state_split: bool = True


class UndoRefused(SwarmError):
    code = "UNDO_REFUSED"
    severity = Severity.HIGH
    text = "The last {verb} cannot be undone: {problem}"
    advice = "{remedy}; nothing was changed"
    when = "`undo`, and a branch, a folder or the checkout is no longer as the verb left it, or a commit is gone"
    verb: str
    problem: str
    remedy: str
    run_id: str


# --- agent output -----------------------------------------------------------------------------------------


class AgentOutputSchemaInvalid(SwarmError):
    code = "AGENT_OUTPUT_SCHEMA_INVALID"
    severity = Severity.HIGH
    text = "{path} {problem}"
    advice = "correct the output; `swarm schema agent-output` prints what it must be"
    when = "an agent's output parses but is not what its prompt asked for; the agent run is invalid_output"
    path: str
    problem: str


class AgentItemInvalid(SwarmError):
    code = "AGENT_ITEM_INVALID"
    severity = Severity.MEDIUM
    text = "{path} {problem}"
    advice = "`swarm schema agent-output` prints what an item must be; the rest of the output was taken"
    when = "an item of an agent's output does not fit its schema; it is refused alone, counted, and kept in the output"
    path: str
    problem: str


class BoundedJsonSizeLimit(SwarmError):
    code = "BOUNDED_JSON_SIZE_LIMIT"
    severity = Severity.HIGH
    text = "{path} is larger or deeper than we read: {problem}"
    advice = "write fewer findings a file, or a flatter one; the limits are 50 MiB and 64 levels"
    when = "an output is above 50 MiB or 64 levels of nesting"
    path: str
    problem: str


class BoundedJsonReadFailed(SwarmError):
    code = "BOUNDED_JSON_READ_FAILED"
    severity = Severity.HIGH
    text = "{path} cannot be read: {problem}"
    advice = "put a regular, readable file there"
    when = "an output is missing, or a link, folder, pipe or device, or changes while it is read"
    path: str
    problem: str


class BoundedJsonParseFailed(SwarmError):
    code = "BOUNDED_JSON_PARSE_FAILED"
    severity = Severity.HIGH
    text = "{path} is not acceptable JSON: {problem}"
    advice = "write one JSON object in UTF-8, with no duplicate keys, NaN or Infinity"
    when = "an output is not UTF-8, not JSON, or uses what JSON readers disagree on"
    path: str
    problem: str


class PathUnsafe(SwarmError):
    code = "PATH_UNSAFE"
    severity = Severity.HIGH
    text = "'{received}' is no safe path of the repository: {problem}"
    advice = "name files relative to the root of the repository, with forward slashes"
    when = "a finding names a path that is absolute, climbs out, or leads into .git; that finding alone is refused"
    received: str
    problem: str


class SarifResultRefused(SwarmError):
    code = "SARIF_RESULT_REFUSED"
    severity = Severity.HIGH
    text = "{path}: {problem}"
    advice = "report it to the authors of the tool; the other results of the log count"
    when = "a result of a SARIF log, or a part of it, is not as the standard has it; the rest of the log is kept"
    path: str
    problem: str


class ToolReportedFailure(SwarmError):
    code = "TOOL_REPORTED_FAILURE"
    severity = Severity.HIGH
    text = "{path}: {problem}"
    advice = "correct what the tool names, and run it again; its silence about the rest proves nothing"
    when = "a SARIF log says that its tool failed, holds notifications of errors, or has no results"
    path: str
    problem: str


# --- records ----------------------------------------------------------------------------------------------


class RecordValidationError(SwarmError):
    code = "RECORD_SCHEMA_INVALID"
    severity = Severity.CRITICAL
    text = "persisted record failed schema validation: {told}"
    advice = (
        "inspect the failing record against schemas/dogfood-record.schema.json and fix the invalid fields before "
        "re-ingesting"
    )
    when = "a record to be persisted fails its schema; nothing is written"
    told: str
    errors: tuple[object, ...]


class DuplicateRunIdError(SwarmError):
    code = "DUPLICATE_RUN_ID"
    severity = Severity.MEDIUM
    text = "duplicate run_id: {run_id} — another writer won the race for {path}"
    advice = "a run with this id already exists — use a fresh run id or `swarm runs` to inspect the existing one"
    when = "a second writer lost the race for a record; nothing is overwritten"
    run_id: str
    path: str


class IngestFailed(SwarmError):
    code = "INGEST_FAILED"
    severity = Severity.HIGH
    text = "dogfood ingest did not complete — {problem}"
    advice = "run the Reproduce line"
    when = "`persist --ingest` or `verify --ingest` did not end in an accepted record"
    problem: str
    submission: str
    reproduce: str
    ingest_exit_code: int


class ValidatorFault(SwarmError):
    """A validator crashed. Nothing raises it: its text stands among the reasons of a record, named by its code."""

    severity = Severity.HIGH
    exit_code = 2
    advice = "the verifier crashed: treat as a system incident; the submission is the reproduction"
    thrown: str


class ValidatorFaultSchema(ValidatorFault):
    code = "VALIDATOR_FAULT_SCHEMA"
    text = "VALIDATOR_FAULT_SCHEMA: {thrown}"
    when = "the check of a submission's form crashed; a reason of its record"


class ValidatorFaultPolicy(ValidatorFault):
    code = "VALIDATOR_FAULT_POLICY"
    text = "VALIDATOR_FAULT_POLICY: {thrown}"
    when = "the check of a submission against its policy crashed; a reason of its record"


class ValidatorFaultSteps(ValidatorFault):
    code = "VALIDATOR_FAULT_STEPS"
    text = "VALIDATOR_FAULT_STEPS: {thrown}"
    when = "the check of a submission's scenarios and steps crashed; a reason of its record"


class ProvenanceStubRefused(SwarmError):
    code = "PROVENANCE_STUB_REFUSED"
    severity = Severity.HIGH
    exit_code = 2
    text = "Provenance stub confirms every submission, and is refused in CI: {variable} is set"
    advice = "pass `--provenance github`; to judge a submission by hand, ingest it where {variable} is not set"
    when = "`ingest --provenance stub` where CI or GITHUB_ACTIONS is set"
    variable: str


class ProvenanceUnreachable(SwarmError):
    code = "PROVENANCE_UNREACHABLE"
    severity = Severity.HIGH
    exit_code = 2
    text = "{url} did not say where the submission comes from: {problem}"
    advice = "{remedy}; nothing was recorded, so the same command can be repeated"
    when = "the API cannot be asked, does not answer within 30 s, or answers with no document"
    url: str
    problem: str
    remedy: str


class SubmissionUnreadable(SwarmError):
    code = "SUBMISSION_UNREADABLE"
    severity = Severity.MEDIUM
    exit_code = 2
    text = "The submission {path} cannot be read: {problem}"
    advice = "check the path and the size; a submission is a regular file of at most 4 MiB, or comes by stdin"
    when = "the file of `ingest --file` is not there, is no regular file, or is too large"
    path: str
    problem: str


class RecordsBusy(SwarmError):
    code = "RECORDS_BUSY"
    severity = Severity.MEDIUM
    exit_code = 2
    text = "The records at {path} stayed locked for {waited:.0f} s{holder}"
    advice = "wait for that process to end, then repeat the command"
    when = "another process held the lock of the records for longer than the time-out"
    path: str
    waited: float
    holder: str = ""


class RecordCorrupt(SwarmError):
    code = "RECORD_CORRUPT"
    severity = Severity.HIGH
    exit_code = 2
    text = "The record {path} is corrupt: {problem}"
    advice = "restore the file, or move it out of the records; then repeat the command"
    when = "a record that is asked for, or that has the run id of a submission, cannot be read"
    path: str
    problem: str


class RecordNotFound(SwarmError):
    code = "RECORD_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "No single record is called '{received}'{among}"
    advice = "run `swarm records list --status all` for the records that are there"
    when = "`records show` names no record, or several"
    received: str
    among: str = ""


# --- proof ------------------------------------------------------------------------------------------------


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
    advice = (
        "`swarm fix {run_id} {words} --runtime NAME` gives them to an agent, and so does [defaults] runtime of"
        " swarm.toml; `swarm runtimes` lists the runtimes"
    )
    when = "no named finding has a tool that fixes it, and no agent is named or configured"
    findings: str
    words: str
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


# --- the engine ---------------------------------------------------------------------------------------------


class ScaleUnavailable(ExtraMissing):
    code = "SCALE_UNAVAILABLE"
    severity = Severity.MEDIUM
    text = "An engine needs `{package}`, which is not installed"
    advice = "install the extra `scale` by the installer of swarm; the hint is its command"
    exit_code = 2
    when = "an engine was asked for without the extra `scale`, or without `nats-server`"
    extra: ClassVar[str] = "scale"
    package: str


class EngineUnknown(SwarmError):
    code = "ENGINE_UNKNOWN"
    severity = Severity.MEDIUM
    text = "There is no engine: {problem}"
    advice = "`swarm engine up` makes one and starts it"
    when = "an engine is asked for where none was made, or where its record cannot be read"
    problem: str


class EngineUnreachable(SwarmError):
    code = "ENGINE_UNREACHABLE"
    severity = Severity.HIGH
    text = "The engine at {url} does not answer: {problem}"
    advice = "`swarm engine status` shows whether it runs, `swarm engine up` starts it on its own machine"
    when = "an engine does not start, does not run, or cannot be reached"
    url: str
    problem: str


class EngineRefused(SwarmError):
    code = "ENGINE_REFUSED"
    severity = Severity.HIGH
    text = "The engine does not do that: {problem}"
    advice = "`swarm engine status` lists its workers; `swarm engine invite NAME --tag TAG` gives out credentials"
    when = "a name of a worker that is taken or unknown, credentials that were revoked or are none"
    problem: str


class EngineNoWorker(SwarmError):
    code = "ENGINE_NO_WORKER"
    severity = Severity.HIGH
    text = "No worker of the engine takes orders for {tag}"
    advice = "`swarm engine invite NAME --tag {tag}` opens the engine to a worker that has this runtime"
    when = "`launch --on` with a runtime that is the tag of no worker"
    tag: str


class ResultForged(SwarmError):
    code = "RESULT_FORGED"
    severity = Severity.HIGH
    text = "A message is not what its sender should send: {problem}"
    advice = "nothing of it was used; `swarm engine revoke NAME` closes the engine to a worker"
    when = (
        "an order without the coordinator's signature, or a result of another form, another attempt or another worker"
    )
    problem: str


class ObjectCorrupt(SwarmError):
    code = "BASE_CORRUPT"
    severity = Severity.HIGH
    text = "The object {digest} cannot be used: {problem}"
    advice = "repeat `swarm launch --on ENGINE`, which sends what is missing again"
    when = "an object that the engine should keep is missing, too large, or another than its digest says"
    digest: str
    problem: str


# --- tools of coding agents ---------------------------------------------------------------------------------


class McpUnavailable(ExtraMissing):
    code = "MCP_UNAVAILABLE"
    severity = Severity.MEDIUM
    text = "The Model Context Protocol needs the package `mcp`, which is not installed"
    advice = "install the extra `mcp` by the installer of swarm; the hint is its command"
    exit_code = 2
    when = "`swarm mcp` was called without the extra `mcp`"
    extra: ClassVar[str] = "mcp"


# --- signatures ---------------------------------------------------------------------------------------------


class SigningUnavailable(ExtraMissing):
    code = "SIGNING_UNAVAILABLE"
    severity = Severity.MEDIUM
    text = "Signatures need the package `cryptography`, which is not installed"
    advice = "install the extra `signing` by the installer of swarm; the hint is its command"
    exit_code = 2
    when = "a key, a signature or its check was asked for without the extra `signing`"
    extra: ClassVar[str] = "signing"


class KeyExists(SwarmError):
    code = "KEY_EXISTS"
    severity = Severity.MEDIUM
    text = "There is a key of the name {name}, and no key is ever replaced"
    advice = "choose another name; `swarm keys list` lists those that are there"
    when = "`keys new` with the name of a key that is there"
    name: str
    path: str


class KeyNotFound(SwarmError):
    code = "KEY_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "No key to sign with: {problem}"
    advice = "`swarm keys list` lists your keys; `swarm keys new` makes one"
    when = "a signing key was named that this user does not have, or none where there are several or none"
    received: str
    problem: str


class KeyUnusable(SwarmError):
    code = "KEY_UNUSABLE"
    severity = Severity.HIGH
    text = "{path} cannot be used as a signing key: {problem}"
    advice = "{remedy}"
    exit_code = 2
    when = "a file that is to hold a signing key is damaged, open to other users, or no private key of ed25519"
    path: str
    problem: str
    remedy: str


class KeyInsideRepository(SwarmError):
    code = "KEY_INSIDE_REPOSITORY"
    severity = Severity.HIGH
    text = "Signing keys would lie inside of the repository {root}, and go along with its commits and copies"
    advice = "set XDG_CONFIG_HOME to a folder of yours outside of any repository"
    exit_code = 2
    when = "the user's configuration folder lies in a checkout of git"
    path: str
    root: str


class PubkeyMalformed(SwarmError):
    code = "PUBKEY_MALFORMED"
    severity = Severity.HIGH
    text = "'{received}' is no public key: {problem}"
    advice = "give 64 hexadecimal digits or a PEM file; `swarm keys show` prints both"
    exit_code = 2
    when = "a public key is neither 64 hexadecimal digits nor a file with an ed25519 key as PEM"
    received: str
    problem: str


class ManifestLockMismatch(SwarmError):
    code = "MANIFEST_LOCK_MISMATCH"
    severity = Severity.HIGH
    text = "Wave {number} is not launched: its plan is not the one that its dispatch locked. {shown}"
    advice = (
        "if the change is yours, lock the plan anew: `swarm launch {run_id} --relock --reason '…'`; else find out who "
        "made it"
    )
    exit_code = 2
    when = (
        "the runtime, its version, model, command line or settings, its sandbox, a chain or a prompt is not as it was "
        "when the wave was dispatched"
    )
    number: int
    shown: str
    changes: tuple[object, ...]
    run_id: str


class LockNotSigned(SwarmError):
    code = "LOCK_NOT_SIGNED"
    severity = Severity.HIGH
    text = (
        "Wave {number} is not launched: its plan is not signed, and `[launch] require_signed` demands the key {key_id}"
    )
    advice = (
        "who has that key signs the plan: `swarm launch {run_id} --relock --sign KEY --reason '…'`, or `swarm dispatch "
        "--sign KEY` the next time"
    )
    exit_code = 2
    when = "`[launch] require_signed` names a key, and the plan of the wave has no signature"
    number: int
    key_id: str
    run_id: str


class LockSigInvalid(SwarmError):
    code = "LOCK_SIG_INVALID"
    severity = Severity.HIGH
    text = "Wave {number} is not launched: the signature of its plan does not count: {problem}"
    advice = (
        "see who dispatched it: `swarm history {number} --run {run_id}`; who has the key signs it by `swarm launch "
        "{run_id} --relock --sign KEY --reason '…'`"
    )
    exit_code = 2
    when = "the plan of a wave was signed with another key than `[launch] require_signed` names, or changed since"
    number: int
    problem: str
    run_id: str


# --- export -------------------------------------------------------------------------------------------------


class ExportUnreachable(SwarmError):
    code = "EXPORT_UNREACHABLE"
    severity = Severity.MEDIUM
    text = "{url} could not be reached: {problem}"
    advice = "check that an endpoint of OTLP over HTTP listens there; `--otel FILE` writes the spans to a file"
    when = "no connection to an OTLP endpoint came about, or no answer came in time"
    url: str
    problem: str


class ExportRefused(SwarmError):
    code = "EXPORT_REFUSED"
    severity = Severity.MEDIUM
    text = "{url} answered with status {status}, and took no span"
    advice = "check its path and the headers of OTEL_EXPORTER_OTLP_HEADERS; a second export brings the same spans again"
    when = "an OTLP endpoint did not take a request"
    url: str
    status: int

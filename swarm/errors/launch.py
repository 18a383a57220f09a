"""Errors of `launch`, and the runtimes and sandboxes of agents."""

from swarm.errors.catalogue import Severity, SwarmError


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
    text = "{count} of the files to be analyzed could not be read: {files}{because}"
    advice = "{remedy}, or exclude them in the analyzer's configuration"
    when = "an audit is over, and an analyzer could not read files that it should have read; the findings are shown"
    count: str
    files: str
    because: str
    remedy: str


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

"""Errors of the control plane and its workspace."""

from swarm.errors.catalogue import Severity, SwarmError


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


class ReportPortTaken(SwarmError):
    code = "REPORT_PORT_TAKEN"
    severity = Severity.MEDIUM
    text = "The report cannot be served at port {port} of this machine: {problem}"
    advice = "leave out --port, and a free port is taken: `swarm report --serve`"
    when = "another program listens at the port that `swarm report --serve --port N` names, or only root may use it"
    port: int
    problem: str

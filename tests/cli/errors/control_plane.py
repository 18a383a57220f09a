"""Refusals of the database, the workspace and the state machine."""

import resource
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from swarm.store import connection, writers
from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene, end, holder_of_the_lock

# --- the control plane -----------------------------------------------------------------------------------


@refused
def control_plane_missing(scene: Scene) -> Refusal:
    return Refusal(
        ("status",),
        f"""[CONTROL_PLANE_MISSING]: No control plane at {scene.db}
  Path: {scene.db}
  Next: run `swarm init .` or `swarm audit .` in a checkout to create one, or name one with `swarm --db PATH …`""",
        {
            "path": str(scene.db),
            "remedy": "run `swarm init .` or `swarm audit .` in a checkout to create one, or name one with "
            "`swarm --db PATH …`",
        },
    )


@refused
def control_plane_schema_too_new(scene: Scene) -> Refusal:
    run = scene.workspace.run
    scene.sql("UPDATE kv SET value = '999' WHERE key = 'schema_version'")
    current = _version()
    return Refusal(
        ("dispatch", run, "health-audit-a"),
        f"""[CONTROL_PLANE_SCHEMA_TOO_NEW]: control-plane.db at {scene.db} is schema v999 but this swarm build only \
understands v{current}. Pull the latest swarm before opening this DB.
  Path: {scene.db}
  Next: upgrade swarm; do not edit or delete the database""",
        {"dbPath": str(scene.db), "onDiskVersion": 999, "buildVersion": current},
    )


@refused
def control_plane_schema_corrupt(scene: Scene) -> Refusal:
    run = scene.workspace.run
    scene.sql("UPDATE kv SET value = '1O' WHERE key = 'schema_version'")
    remedy = f"move '{scene.db}' aside and start anew with `swarm init .`; there is no backup"
    return Refusal(
        ("dispatch", run, "health-audit-a"),
        f"""[CONTROL_PLANE_SCHEMA_CORRUPT]: {scene.db} has no usable schema_version: it reads '1O'
  Path: {scene.db}
  Next: do not edit it by hand; {remedy}""",
        {"path": str(scene.db), "received": "it reads '1O'", "remedy": remedy},
    )


@refused
def control_plane_corrupt(scene: Scene) -> Refusal:
    scene.workspace  # noqa: B018
    backup = scene.db.parent / "backups/control-plane-v0-2026.db"
    backup.parent.mkdir(exist_ok=True)
    shutil.copy2(scene.db, backup)
    scene.db.write_bytes(b"no database at all; " * 1000)
    aside = f"mv {scene.db} {scene.db}.damaged"
    remedy = f"keep it, and put the newest backup in its place: `{aside} && cp {backup} {scene.db}`"
    return Refusal(
        ("status",),
        f"""[CONTROL_PLANE_CORRUPT]: SQLite cannot read {scene.db}: file is not a database
  Path: {scene.db}
  Next: {remedy}""",
        {
            "path": str(scene.db),
            "problem": "file is not a database",
            "remedy": remedy,
            "cause": "file is not a database",
        },
    )


@refused
def control_plane_busy(scene: Scene) -> Refusal:
    run = scene.workspace.run
    holder = holder_of_the_lock(scene.db.with_name("control-plane.db.lock"), "4711 collect")
    scene.monkeypatch.setattr(writers, "WAIT_SECONDS", 0.05)
    scene.finally_(lambda: end(holder))
    return Refusal(
        ("domains", run, "--unfreeze", "--reason", "a look"),
        """[CONTROL_PLANE_BUSY]: The control plane stayed locked for 0 s by process 4711 (collect)
  Path: {db}
  Next: wait for that process to end, then repeat the command""".replace("{db}", str(scene.db)),
        {"path": str(scene.db), "waited": 0.05, "holder": " by process 4711 (collect)", "cause": "4711 collect"},
    )


@refused
def control_plane_read_only(scene: Scene) -> Refusal:
    run = scene.workspace.run
    lock = scene.db.with_name("control-plane.db.lock")
    lock.unlink()
    # A lock that cannot be opened for writing, for root as well.
    lock.mkdir()
    return Refusal(
        ("domains", run, "--unfreeze", "--reason", "a look"),
        f"""[CONTROL_PLANE_READ_ONLY]: The control plane at {scene.db} cannot be written: Is a directory
  Path: {scene.db}
  Next: make the file and its folder writable for this user; verbs that only read work meanwhile
  Caused by: [Errno 21] Is a directory: '{lock}'""",
        {
            "path": str(scene.db),
            "problem": "Is a directory",
            "cause": f"[Errno 21] Is a directory: '{lock}'",
        },
    )


@refused
def control_plane_write_failed(scene: Scene) -> Refusal:
    run = scene.workspace.run
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    scene.finally_(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)))
    scene.swarm("domains", run, "--unfreeze", "--reason", "to edit")
    # Pages that migrations freed are used without a journal, so a rollback does not bring their bytes back.
    with closing(sqlite3.connect(scene.db)) as conn:
        conn.execute("VACUUM")
    resource.setrlimit(resource.RLIMIT_FSIZE, (scene.db.stat().st_size, hard))
    return Refusal(
        ("domains", run, "--edit", "code", "--desc", "long " * 20_000),
        f"""[CONTROL_PLANE_WRITE_FAILED]: SQLite could not write {scene.db}: disk I/O error
  Path: {scene.db}
  Next: free space on that disk, then repeat the command; nothing was recorded""",
        {"path": str(scene.db), "problem": "disk I/O error", "cause": "disk I/O error"},
    )


@refused
def workspace_not_writable(scene: Scene) -> Refusal:
    run = scene.workspace.run
    in_the_way = scene.db.parent / run
    in_the_way.write_text("a file where the run's folder goes")
    problem = "File exists"
    return Refusal(
        ("dispatch", run, "health-audit-a"),
        f"""[WORKSPACE_NOT_WRITABLE]: Cannot write in the workspace: {problem}
  Path: {in_the_way}
  Next: make {in_the_way} writable and check the free space of its disk, then repeat the command""",
        {
            "path": str(in_the_way),
            "problem": problem,
            "cause": f"[Errno 17] File exists: '{in_the_way}'",
        },
    )


@refused
def state_machine_terminal(scene: Scene) -> Refusal:
    return _moved_again(
        scene,
        "complete",
        "TERMINAL",
        "complete is an end",
        "this agent is already complete, check why the caller tried to re-advance it",
        "from complete it may go to: nothing",
        [],
    )


@refused
def state_machine_blocked(scene: Scene) -> Refusal:
    named = "--domain code:<corrected-output.json> --apply --reason '…'"
    remedy = f"swarm revalidate {scene.dispatched.run} {named}"
    reason = "invalid_output can only be left by a lawful override"
    return _moved_again(scene, "invalid_output", "BLOCKED", reason, remedy, remedy, ["aborted_for_rewind"])


@refused
def state_machine_invalid(scene: Scene) -> Refusal:
    remedy = "from failed it may go to: aborted_for_rewind, dispatched"
    allowed = ["aborted_for_rewind", "dispatched"]
    return _moved_again(scene, "failed", "INVALID", "there is no such step", remedy, remedy, allowed)


def _moved_again(
    scene: Scene, source: str, kind: str, reason: str, hint: str, remedy: str, allowed: list[str]
) -> Refusal:
    """Collect an agent that has ended before, from a new output that somebody names."""
    wave = scene.dispatched
    scene.sql("UPDATE agent_runs SET status = ? WHERE domain = 'code'", source)
    wave.answer("code")
    wave.answer("rest")
    mended = scene.tmp / "mended.json"
    wave.output("code").rename(mended)
    return Refusal(
        ("collect", wave.run, "--domain", f"code:{mended}"),
        f"""[STATE_MACHINE_{kind}]: Illegal transition {source} → complete: {reason}
  Next: {hint}
  Wave: 1
  Agent run: 1""",
        {
            "kind": kind,
            "from": source,
            "to": "complete",
            "reason": reason,
            "agentRunId": 1,
            "waveId": 1,
            "allowedTransitions": allowed,
            "remedy": remedy,
        },
    )


# --- what the cases are made with ------------------------------------------------------------------------


def _version() -> int:
    folder = Path(__file__).parents[3] / "migrations"
    return max(int(file.name[:4]) for file in folder.glob("[0-9][0-9][0-9][0-9]_*.py"))


@refused
def control_plane_foreign(scene: Scene) -> Refusal:
    scene.workspace  # noqa: B018
    scene.sql("CREATE VIEW notes AS SELECT 1")
    remedy = f"move '{scene.db}' aside and start anew with `swarm init .`; there is no backup"
    problem = f"version {_version()} has no view notes of notes: CREATE VIEW notes AS SELECT 1"
    return Refusal(
        ("status",),
        f"""[CONTROL_PLANE_FOREIGN]: {scene.db} was not written by swarm: {problem}
  Path: {scene.db}
  Next: {remedy}""",
        {"path": str(scene.db), "problem": problem, "remedy": remedy},
    )


@refused
def control_plane_row_refused(scene: Scene) -> Refusal:
    scene.workspace  # noqa: B018
    scene.sql("UPDATE runs SET commit_sha = '--output=x' || substr(commit_sha, 11)")
    ((commit,),) = scene.sql("SELECT commit_sha FROM runs")
    return Refusal(
        ("status",),
        f"""[CONTROL_PLANE_ROW_REFUSED]: A row of runs in the control plane has no usable commit_sha: '{commit}'
  Next: if you wrote this control plane, put a backup of it in its place; else move its folder aside and begin anew \
with `swarm init <repo-path>`""",
        {"table": "runs", "column": "commit_sha", "received": f"'{commit}'"},
    )


@refused
def control_plane_too_slow(scene: Scene) -> Refusal:
    scene.workspace  # noqa: B018
    # The bound is no time: with no step left, the first look at a large enough table passes it.
    scene.monkeypatch.setattr(connection, "MOST_STEPS", 0)
    scene.monkeypatch.setattr(connection, "_STEPS", 10)
    remedy = f"move '{scene.db}' aside and start anew with `swarm init .`; there is no backup"
    return Refusal(
        ("status",),
        f"""[CONTROL_PLANE_TOO_SLOW]: SQLite did not come to an end with {scene.db}, and was stopped
  Path: {scene.db}
  Next: {remedy}
  Caused by: interrupted""",
        {"path": str(scene.db), "remedy": remedy, "cause": "interrupted"},
    )

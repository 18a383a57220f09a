"""Every error of the catalogue, raised through the command line by what a user could do or meet."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from swarm.errors import CATALOGUE
from swarm.git import runner
from swarm.store import writers
from swarm.waves.prove import merge
from tests.cli.scenes.merge_team import STEP, Team
from tests.cli.scenes.scene import Scene, end, holder_of_the_lock
from tests.cli.scenes.snapshots import block_of, nothing_changes
from tests.conftest import Repo, Swarm, Workspace

PHASES = (
    "health-audit-a, health-audit-b, health-audit-c, stage-d-audit, feature-audit, health-amend-a, health-amend-b, "
    "health-amend-c, stage-d-amend, feature-execute"
)


class Refusal(NamedTuple):
    """A command that is refused: the block on stderr without its first word, and the fields of the document."""

    command: tuple[str, ...]
    block: str
    fields: Mapping[str, Any]
    exit: int = 1
    cwd: Path | None = None


Case = Callable[[Scene], Refusal]
REFUSED: dict[str, Case] = {}
# Codes that are told, or that leave something behind: each has a test of its own below.
TOLD: set[str] = set()


def refused(case: Case) -> Case:
    """Enter a case; its name is the code in small letters."""
    REFUSED[case.__name__.upper()] = case
    return case


def raises(code: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Mark a test that shows a code by itself."""
    TOLD.add(code)
    return lambda test: test


# --- the command line -------------------------------------------------------------------------------------


@refused
def cli_usage(scene: Scene) -> Refusal:
    problem = "No such command 'stauts'. Did you mean 'status'?"
    return Refusal(
        ("stauts",),
        f"""[CLI_USAGE]: {problem}
  Next: run `swarm --help` to see what it takes""",
        {"problem": problem, "command": "swarm"},
    )


@refused
def cli_invalid_format(scene: Scene) -> Refusal:
    return Refusal(
        ("status", "--format=yaml"),
        """[CLI_INVALID_FORMAT]: --format expects one of text, json; got 'yaml'
  Next: pass `--format json` for scripts, or leave it out""",
        {"received": "yaml", "choices": "text, json"},
    )


@refused
def cli_invalid_threshold(scene: Scene) -> Refusal:
    del scene
    return Refusal(
        ("verify", "--threshold=3abc"),
        """[CLI_INVALID_THRESHOLD]: --threshold expects a non-negative integer; got '3abc'
  Next: pass an integer >= 0, e.g. `--threshold 0` or `--threshold=3`""",
        {"received": "3abc"},
    )


@refused
def build_adapter_unknown(scene: Scene) -> Refusal:
    choices = "configured, python, rust, go, node"
    cause = f"no adapter is called 'cobol'; there are {choices}"
    return Refusal(
        ("verify", scene.workspace.run, "--probe-only", "--adapter", "cobol"),
        f"""[BUILD_ADAPTER_UNKNOWN]: There is no adapter 'cobol'; there are {choices}
  Next: leave `--adapter` out to take the one that fits best, or see it with `swarm verify --probe-only`
  Caused by: {cause}""",
        {"received": "cobol", "choices": choices, "cause": cause},
    )


@refused
def merge_not_ready(scene: Scene) -> Refusal:
    team = scene.team
    team.dispatch()
    remedy = f"`swarm launch {team.run}` goes on with it; `swarm status {team.run}` tells more"
    return Refusal(
        ("merge", team.run),
        f"""[MERGE_NOT_READY]: Wave 2 (health-amend-a) is dispatched, and only a collected wave is merged
  Next: {remedy}
  Run: {team.run}""",
        {"number": 2, "phase": "health-amend-a", "status": "dispatched", "remedy": remedy, "runId": team.run},
    )


@refused
def cli_invalid_globs_json(scene: Scene) -> Refusal:
    problem = "'src/**' is not valid JSON"
    cause = "Expecting value: line 1 column 1 (char 0)"
    return Refusal(
        ("domains", scene.workspace.run, "--add", "more", "--globs", "src/**"),
        f"""[CLI_INVALID_GLOBS_JSON]: --globs requires a JSON array of glob strings; {problem}
  Next: pass `--globs '["packages/foo/**"]'` — wrap the JSON in single quotes so the shell preserves it, and use \
double quotes for each glob string
  Caused by: {cause}""",
        {"problem": problem, "received": "src/**", "cause": cause},
    )


@refused
def reason_required(scene: Scene) -> Refusal:
    return Refusal(
        ("domains", scene.workspace.run, "--unfreeze", "--reason", "  "),
        """[REASON_REQUIRED]: unfreezing the map needs a reason, which is recorded
  Next: add `--reason '…'`""",
        {"action": "unfreezing the map"},
    )


@refused
def config_invalid(scene: Scene) -> Refusal:
    run = scene.workspace.run
    scene.config("[launch]\njobs = 0\n")
    file = scene.repo.root / "swarm.toml"
    problem = "$.launch.jobs: 0 is less than the minimum of 1"
    return Refusal(
        ("dispatch", run, "health-audit-a"),
        f"""[CONFIG_INVALID]: {file} is not a valid configuration: {problem}
  Path: {file}
  Next: correct the file; docs/configuration.md lists its keys, `swarm schema swarm-toml` prints their schema""",
        {"path": str(file), "problem": problem},
    )


@refused
def codeowners_invalid(scene: Scene) -> Refusal:
    scene.repo.commit({"CODEOWNERS": "# soon\n"})
    problem = "there is no pattern in it"
    return Refusal(
        ("init", ".", "--domains-from", "codeowners"),
        f"""[CODEOWNERS_INVALID]: CODEOWNERS gives no map: {problem}
  Path: CODEOWNERS
  Next: mend and commit it, or take another map: `--domains-from auto`, or a file of domains""",
        {"path": "CODEOWNERS", "problem": problem},
    )


@refused
def schema_unknown(scene: Scene) -> Refusal:
    return Refusal(
        ("schema", "../pyproject"),
        """[SCHEMA_UNKNOWN]: No schema is named '../pyproject'
  Next: run `swarm schema` for the list""",
        {"received": "../pyproject"},
    )


@refused
def subject_unknown(scene: Scene) -> Refusal:
    return Refusal(
        ("explain", "exit:42"),
        """[SUBJECT_UNKNOWN]: Nothing here is called 'exit:42'
  Next: pass an error code, an exit code such as `exit:2`, an attempt such as `attempt:1`, or a finding's id""",
        {"received": "exit:42"},
    )


# --- the control plane ------------------------------------------------------------------------------------


@refused
def control_plane_missing(scene: Scene) -> Refusal:
    return Refusal(
        ("status",),
        f"""[CONTROL_PLANE_MISSING]: No control plane at {scene.db}
  Path: {scene.db}
  Next: run `swarm init <repo-path>` or `swarm audit <repo-path>` to create one, or name one with \
`swarm --db PATH …`""",
        {
            "path": str(scene.db),
            "remedy": "run `swarm init <repo-path>` or `swarm audit <repo-path>` to create one, or name one with "
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
    remedy = f"move '{scene.db}' aside and start anew with `swarm init <repo-path>`; there is no backup"
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
  Next: {remedy}
  Caused by: file is not a database""",
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
  Next: wait for that process to end, then repeat the command
  Caused by: 4711 collect""".replace("{db}", str(scene.db)),
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
    resource.setrlimit(resource.RLIMIT_FSIZE, (scene.db.stat().st_size, hard))
    return Refusal(
        ("domains", run, "--edit", "code", "--desc", "long " * 20_000),
        f"""[CONTROL_PLANE_WRITE_FAILED]: SQLite could not write {scene.db}: disk I/O error
  Path: {scene.db}
  Next: free space on that disk, then repeat the command; nothing was recorded
  Caused by: disk I/O error""",
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
  Next: make {in_the_way} writable and check the free space of its disk, then repeat the command
  Caused by: [Errno 17] File exists: '{in_the_way}'""",
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


# --- runs, repositories, domains --------------------------------------------------------------------------


@refused
def run_not_found(scene: Scene) -> Refusal:
    scene.workspace  # noqa: B018
    return Refusal(
        ("status", "swarm-1-ffffffff"),
        """[RUN_NOT_FOUND]: Run not found: swarm-1-ffffffff
  Next: check `swarm runs` for the correct run id, or `swarm init <repo-path>` to create a fresh run
  Run: swarm-1-ffffffff""",
        {"runId": "swarm-1-ffffffff"},
    )


@refused
def run_ambiguous(scene: Scene) -> Refusal:
    older = scene.workspace.run
    newer = scene.swarm("init", ".", "--format", "json").data["runId"]
    return Refusal(
        ("status", "swarm-"),
        f"""[RUN_AMBIGUOUS]: 'swarm-' is the beginning of 2 runs: {newer}, {older}
  Next: give more of the id; `swarm runs` lists them""",
        {"received": "swarm-", "count": 2, "matches": f"{newer}, {older}"},
    )


@refused
def wave_not_found(scene: Scene) -> Refusal:
    run = scene.collected.run
    return Refusal(
        ("findings", run, "7", "--format", "text"),
        f"""[WAVE_NOT_FOUND]: Run {run} has no wave 7
  Next: `swarm status {run}` shows the current wave
  Run: {run}""",
        {"runId": run, "number": 7},
    )


@refused
def finding_not_found(scene: Scene) -> Refusal:
    run = scene.collected.run
    return Refusal(
        ("show", "F-00000000"),
        f"""[FINDING_NOT_FOUND]: Run {run} has no finding F-00000000
  Next: `swarm findings {run} --status all` lists every id
  Run: {run}""",
        {"runId": run, "findingId": "F-00000000"},
    )


@refused
def triage_not_applicable(scene: Scene) -> Refusal:
    run = scene.collected.run
    (finding,) = scene.swarm("findings", "--format", "json", exit=1).data["findings"]
    name = finding["findingId"]
    told = ("--reason", "x", "--evidence", "y")
    scene.swarm("close", "--ids", name, *told, "--verified-how", "independent")
    remedy = f"`swarm reopen {run} --ids {name} --reason '…' --evidence '…'` makes what is fixed open again"
    return Refusal(
        ("approve", run, "--ids", name),
        f"""[TRIAGE_NOT_APPLICABLE]: These cannot be approved: {name} (fixed)
  Next: {remedy}
  Run: {run}""",
        {"action": "approved", "findings": f"{name} (fixed)", "remedy": remedy, "runId": run},
    )


@refused
def decisions_invalid(scene: Scene) -> Refusal:
    run = scene.workspace.run
    file = scene.tmp / "decisions.toml"
    file.write_text("version = 1\n[decisions.x]\n")
    problem = "$.decisions: 'x' does not match '^[0-9a-f]{24}$'"
    return Refusal(
        ("triage", run, "--import", str(file)),
        f"""[DECISIONS_INVALID]: {file} is not a valid file of decisions: {problem}
  Path: {file}
  Next: correct the file; `swarm schema decisions-file` prints its form, `swarm findings --export FILE` writes one""",
        {"path": str(file), "problem": problem},
    )


@refused
def lease_not_applicable(scene: Scene) -> Refusal:
    run = scene.workspace.run
    remedy = "let its agent edit the file: no lease is needed"
    return Refusal(
        ("lease", "grant", run, "--domain", "code", "--file", "src/app.py", "--reason", "x"),
        f"""[LEASE_NOT_APPLICABLE]: 'src/app.py' cannot be leased to code: it owns the file
  Next: {remedy}""",
        {"file": "src/app.py", "domain": "code", "problem": "it owns the file", "remedy": remedy},
    )


@refused
def repo_not_found(scene: Scene) -> Refusal:
    gone = scene.tmp / "gone"
    return Refusal(
        ("init", str(gone)),
        f"""[REPO_NOT_FOUND]: No repository at {gone}
  Path: {gone}
  Next: check the path; a run whose repository has moved is found inside its checkout, or with --repo-path""",
        {"path": str(gone)},
    )


@refused
def repo_not_git(scene: Scene) -> Refusal:
    folder = scene.tmp / "plain"
    folder.mkdir()
    cause = _git_says(folder)
    return Refusal(
        ("init", str(folder)),
        f"""[REPO_NOT_GIT]: {folder} is not inside a git work tree
  Path: {folder}
  Next: pass a folder of a git checkout, or make one: `git init && git add -A && git commit -m start`
  Caused by: {cause}""",
        {"path": str(folder), "cause": cause},
    )


@refused
def repo_unborn(scene: Scene) -> Refusal:
    folder = scene.tmp / "unborn"
    folder.mkdir()
    scene.repo.git("init", "-q", str(folder))
    return Refusal(
        ("init", str(folder)),
        f"""[REPO_UNBORN]: {folder} has no commit yet
  Path: {folder}
  Next: commit something first: `git add -A && git commit -m start`""",
        {"path": str(folder)},
    )


@refused
def repo_not_clean(scene: Scene) -> Refusal:
    scene.repo.write({"src/app.py": "# edited\n", "src/new.py": "# not tracked\n"})
    root = scene.repo.root
    return Refusal(
        ("init", "."),
        f"""[REPO_NOT_CLEAN]: {root} has 1 tracked files with uncommitted changes: src/app.py
  Path: {root}
  Next: commit or stash them, then repeat the command; untracked files do not matter""",
        {"path": str(root), "count": 1, "files": "src/app.py"},
    )


@refused
def git_locked(scene: Scene) -> Refusal:
    team = scene.amended
    scene.monkeypatch.setattr(runner, "_PAUSES", ())
    lock = scene.repo.root / ".git/index.lock"
    lock.touch()
    # Only where a file looks touched has git to write its index before it goes on.
    os.utime(scene.repo.root / "README.md", (1, 1))
    problem = (
        f"fatal: Unable to create '{lock}': File exists. Another git process seems to be running in this repository, "
        "e.g. an editor opened by 'git commit'. Please make sure all processes are terminated then try again. If it "
        "still fails, a git process may have crashed in this repository earlier: remove the file manually to continue."
    )
    team.swarm("merge", team.run)
    return Refusal(
        ("merge", team.run, "--publish"),
        f"""[GIT_LOCKED]: git update-index was kept out by a lock: {lock}
  Path: {lock}
  Next: wait for the git that is at work there; if none is, one was killed: `swarm doctor --fix` removes its lock where \
it was ours, else remove that file by hand; then repeat the command
  Caused by: git update-index exited 128: {problem}""",
        {
            "verb": "update-index",
            "path": str(lock),
            "cause": f"git update-index exited 128: {problem}",
        },
    )


@refused
def workspace_moved(scene: Scene) -> Refusal:
    run, root = scene.dispatched.run, scene.repo.root
    moved = root.with_name("moved")
    root.rename(moved)
    was, now = (folder / "swarms" / run for folder in (root, moved))
    return Refusal(
        ("collect", run),
        f"""[WORKSPACE_MOVED]: The files of run {run} were made at {was}, and now are at {now}
  Path: {was}
  Next: move the folder back, or lead its old place to the new one: `ln -s '{moved}' '{root}'`; then repeat the command
  Run: {run}""",
        {"path": str(was), "now": str(now), "old": str(root), "new": str(moved), "runId": run},
        cwd=moved,
    )


@refused
def git_failed(scene: Scene) -> Refusal:
    run, root = scene.workspace.run, scene.repo.root
    tree = scene.repo.git("rev-parse", "HEAD^{tree}")
    (root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    return Refusal(
        ("dispatch", run, "health-audit-a", "--isolate"),
        f"""[GIT_FAILED]: git ls-tree failed: fatal: not a tree object
  Path: {root}
  Next: run the same git command in {root} to see more; `swarm doctor` checks git and the repository
  Caused by: git ls-tree exited 128: fatal: not a tree object""",
        {
            "verb": "ls-tree",
            "problem": "fatal: not a tree object",
            "path": str(root),
            "cause": "git ls-tree exited 128: fatal: not a tree object",
        },
    )


@refused
def git_missing(scene: Scene) -> Refusal:
    empty = scene.tmp / "no-programs"
    empty.mkdir()
    scene.repo.head  # noqa: B018
    scene.monkeypatch.setenv("PATH", str(empty))
    cause = "[Errno 2] No such file or directory: 'git'"
    return Refusal(
        ("init", "."),
        f"""[GIT_MISSING]: git was not found on PATH
  Next: install git 2.38 or newer
  Caused by: {cause}""",
        {"cause": cause},
    )


@refused
def inside_agent_worktree(scene: Scene) -> Refusal:
    wave = scene.dispatched
    tree = wave.folder / wave.run / "worktrees/w1-code/src"
    return Refusal(
        ("collect",),
        f"""[INSIDE_AGENT_WORKTREE]: An agent cannot use the control plane that watches it ({tree})
  Path: {tree}
  Next: write your answer to the output file that your prompt names; a coordinator runs swarm outside of the worktree""",
        {"path": str(tree)},
        cwd=tree,
    )


@refused
def domains_empty(scene: Scene) -> Refusal:
    run = _without_domains(scene)
    return Refusal(
        ("domains", run, "--freeze"),
        f"""[DOMAINS_EMPTY]: There is no domain to freeze
  Next: run `swarm domains {run} --add <name> --globs "[…]"` first
  Run: {run}""",
        {"runId": run},
    )


@refused
def domains_frozen(scene: Scene) -> Refusal:
    run = scene.workspace.run
    return Refusal(
        ("domains", run, "--remove", "code"),
        f"""[DOMAINS_FROZEN]: The domain map is frozen
  Next: run `swarm domains {run} --unfreeze --reason '…'` before changing it
  Run: {run}""",
        {"runId": run},
    )


@refused
def domains_wave_unfinished(scene: Scene) -> Refusal:
    run = scene.dispatched.run
    remedy = f"run `swarm launch {run}` if its agents have not run, then `swarm collect {run}`"
    return Refusal(
        ("domains", run, "--unfreeze", "--reason", "a better map"),
        f"""[DOMAINS_WAVE_UNFINISHED]: Wave 1 (health-audit-a) is dispatched; its map stays frozen
  Next: {remedy}
  Run: {run}""",
        {"number": 1, "phase": "health-audit-a", "status": "dispatched", "remedy": remedy, "runId": run},
    )


@refused
def domains_invalid_name(scene: Scene) -> Refusal:
    run = _draft(scene)
    return Refusal(
        ("domains", run, "--add", "a/b", "--globs", '["x/**"]'),
        """[DOMAINS_INVALID_NAME]: 'a/b' cannot be the name of a domain
  Next: use letters, digits, `_` and `-`, at most 64 characters""",
        {"received": "a/b"},
    )


@refused
def domains_invalid_ownership_class(scene: Scene) -> Refusal:
    run = _draft(scene)
    return Refusal(
        ("domains", run, "--edit", "code", "--ownership", "mine"),
        """[DOMAINS_INVALID_OWNERSHIP_CLASS]: 'mine' is not an ownership class
  Next: use one of: owned, bridge, shared, coordinator""",
        {"received": "mine"},
    )


@refused
def domains_invalid_glob(scene: Scene) -> Refusal:
    run = _draft(scene)
    problem = "it holds a `.` or `..` step, which no path of a repository has"
    return Refusal(
        ("domains", run, "--add", "up", "--globs", '["../**"]'),
        f"""[DOMAINS_INVALID_GLOB]: The glob '../**' is refused: {problem}
  Next: write a repository-relative pattern such as `src/**/*.py`; several plain globs are better than one clever one
  Caused by: {problem}""",
        {"received": "../**", "problem": problem, "cause": problem},
    )


@refused
def domain_exists(scene: Scene) -> Refusal:
    run = _draft(scene)
    return Refusal(
        ("domains", run, "--add", "code", "--globs", '["x/**"]'),
        f"""[DOMAIN_EXISTS]: The map already has a domain 'code'
  Next: change it with `swarm domains {run} --edit code …`
  Run: {run}""",
        {"name": "code", "runId": run},
    )


@refused
def domain_not_found(scene: Scene) -> Refusal:
    run = _draft(scene)
    return Refusal(
        ("domains", run, "--add", "new", "--globs", '["x/**"]', "--before", "nothing"),
        """[DOMAIN_NOT_FOUND]: The map has no domain 'nothing'
  Next: it has: code, rest""",
        {"name": "nothing", "names": "code, rest"},
    )


# --- dispatch, launch, collect ----------------------------------------------------------------------------


@refused
def dispatch_invalid_phase(scene: Scene) -> Refusal:
    # Told before anything else: here is no database at all, and --auto-freeze freezes nothing.
    return Refusal(
        ("dispatch", "swarm-1-ffffffff", "health-audit-z", "--auto-freeze"),
        f"""[DISPATCH_INVALID_PHASE]: Unknown phase: health-audit-z
  Next: valid phases: {PHASES}
  Run: swarm-1-ffffffff""",
        {"runId": "swarm-1-ffffffff", "phase": "health-audit-z", "phases": PHASES},
    )


@refused
def dispatch_run_not_found(scene: Scene) -> Refusal:
    scene.workspace  # noqa: B018
    return Refusal(
        ("dispatch", "swarm-1-ffffffff", "health-audit-a"),
        """[DISPATCH_RUN_NOT_FOUND]: Run not found: swarm-1-ffffffff
  Next: check `swarm runs` for the correct run id, or `swarm init <repo-path>` to create a fresh run
  Run: swarm-1-ffffffff""",
        {"runId": "swarm-1-ffffffff", "phase": "health-audit-a"},
    )


@refused
def dispatch_no_domains(scene: Scene) -> Refusal:
    run = _without_domains(scene)
    return Refusal(
        ("dispatch", run, "health-audit-a"),
        f"""[DISPATCH_NO_DOMAINS]: No domains defined for this run
  Next: run `swarm domains {run} --add <name> --globs "[…]"` then --freeze
  Run: {run}""",
        {"runId": run, "phase": "health-audit-a"},
    )


@refused
def dispatch_domains_not_frozen(scene: Scene) -> Refusal:
    run = _draft(scene)
    return Refusal(
        ("dispatch", run, "health-audit-a"),
        f"""[DISPATCH_DOMAINS_NOT_FROZEN]: Domains are not frozen. Review and freeze before dispatching, or pass \
--auto-freeze.
  Next: run `swarm domains {run} --freeze` after reviewing, or re-run dispatch with --auto-freeze
  Run: {run}""",
        {"runId": run, "phase": "health-audit-a"},
    )


@refused
def dispatch_no_agent_domains(scene: Scene) -> Refusal:
    run = _draft(scene)
    scene.swarm("domains", run, "--edit", "code", "--ownership", "shared")
    scene.swarm("domains", run, "--edit", "rest", "--ownership", "coordinator")
    return Refusal(
        ("dispatch", run, "health-audit-a", "--auto-freeze"),
        f"""[DISPATCH_NO_AGENT_DOMAINS]: No domain of this run has an agent: all are shared or coordinator
  Next: make one owned: `swarm domains {run} --edit <name> --ownership owned`
  Run: {run}""",
        {"runId": run, "phase": "health-audit-a"},
    )


@refused
def dispatch_wave_in_flight(scene: Scene) -> Refusal:
    run = scene.dispatched.run
    return Refusal(
        ("dispatch", run, "health-audit-b", "--isolate"),
        f"""[DISPATCH_WAVE_IN_FLIGHT]: Wave 1 (health-audit-a) is still in flight
  Next: run `swarm launch {run}` if its agents have not run, then `swarm collect {run}`
  Run: {run}
  Wave: 1""",
        {"runId": run, "phase": "health-audit-b", "number": 1, "wavePhase": "health-audit-a", "waveId": 1},
    )


@refused
def dispatch_nothing_approved(scene: Scene) -> Refusal:
    run = scene.collected.run
    problem = "no open finding under its lens is approved"
    return Refusal(
        ("dispatch", run, "health-amend-a", "--isolate"),
        f"""[DISPATCH_NOTHING_APPROVED]: There is nothing to amend in health-amend-a: {problem}
  Next: `swarm findings {run}` lists what is open; approve some with `swarm approve {run} --ids <id>,<id>`
  Run: {run}""",
        {"runId": run, "phase": "health-amend-a", "problem": problem},
    )


@refused
def dispatch_anchors_broken(scene: Scene) -> Refusal:
    run = scene.collected.run
    scene.swarm("approve", run, "--all")
    scene.repo.git("rm", "-q", "src/app.py")
    scene.repo.commit()
    (finding,) = scene.swarm("findings", run, "--format", "json", exit=1).data["findings"]
    name = finding["findingId"]
    return Refusal(
        ("dispatch", run, "health-amend-a", "--isolate"),
        f"""[DISPATCH_ANCHORS_BROKEN]: The place of 1 approved findings is gone at HEAD: {name}
  Next: `swarm show {name}` tells more; re-audit with `swarm audit`, or reopen them; `--skip-anchor-check --reason '…'` dispatches all the same
  Run: {run}""",
        {"runId": run, "phase": "health-amend-a", "findings": name, "count": 1, "first": name},
    )


@refused
def isolation_failed(scene: Scene) -> Refusal:
    run, repo = scene.workspace.run, scene.repo
    branch = f"swarm/{run.rpartition('-')[2]}/w1-rest"
    commit = repo.git("commit-tree", "-m", "other work", "HEAD^{tree}", "-p", "HEAD")
    repo.git("branch", branch, commit)
    problem = f"branch {branch} holds other work ({commit[:12]})"
    return Refusal(
        ("dispatch", run, "health-audit-a", "--isolate"),
        f"""[ISOLATION_FAILED]: --isolate requested but worktree creation failed for domain=rest: {problem}
  Next: run `git worktree list` to inspect existing worktrees, or re-dispatch without --isolate; \
`swarm clean {run} --force` takes what is in the way, and saves it first
  Caused by: git worktree exited 1: {problem}
  Run: {run}""",
        {"domain": "rest", "problem": problem, "cause": f"git worktree exited 1: {problem}", "runId": run},
    )


@refused
def launch_no_wave(scene: Scene) -> Refusal:
    run = scene.workspace.run
    return Refusal(
        ("launch", run),
        f"""[LAUNCH_NO_WAVE]: Run {run} has no dispatched wave to launch
  Next: run `swarm dispatch {run} <phase>` first, or after a wave that failed `swarm resume {run}`
  Run: {run}""",
        {"runId": run},
    )


@refused
def recovery_not_applicable(scene: Scene) -> Refusal:
    run = scene.dispatched.run
    action, problem = "Wave 1 cannot be redriven", "it is in flight, and only a failed wave is driven again"
    remedy = f"`swarm resume {run}` takes up what failed of it, `swarm collect {run}` ends it"
    return Refusal(
        ("redrive", "1"),
        f"""[RECOVERY_NOT_APPLICABLE]: {action}: {problem}
  Next: {remedy}""",
        {"action": action, "problem": problem, "remedy": remedy},
    )


@refused
def wave_git_folder_changed(scene: Scene) -> Refusal:
    run = scene.dispatched.run
    scene.swarm("collect", exit=1)
    scene.repo.git("config", "core.sshCommand", "evil")
    hint = (
        "look at each, take back what is not yours, and repeat; or leave the wave behind: "
        f"`swarm dispatch {run} health-audit-a --isolate`"
    )
    return Refusal(
        ("resume", run, "--apply", "--reason", "again"),
        f"""[WAVE_GIT_FOLDER_CHANGED]: The git folder was changed since wave 1 began, and not by swarm: .git/config
  Next: {hint}
  Run: {run}""",
        {
            "number": 1,
            "phase": "health-audit-a",
            "files": ".git/config",
            "behind": f"swarm dispatch {run} health-audit-a --isolate",
            "runId": run,
        },
    )


@refused
def launch_in_progress(scene: Scene) -> Refusal:
    wave = scene.dispatched
    holder = holder_of_the_lock(wave.folder / wave.run / "wave-1/launch.lock", "4711 launch")
    scene.finally_(lambda: end(holder))
    return Refusal(
        ("launch", wave.run),
        f"""[LAUNCH_IN_PROGRESS]: Wave 1 is already being launched or collected by process 4711
  Next: wait for it to end; `swarm status {wave.run}` shows how far it is
  Caused by: 4711 launch
  Run: {wave.run}""",
        {"number": 1, "holder": " by process 4711", "runId": wave.run, "cause": "4711 launch"},
    )


@refused
def launch_needs_isolation(scene: Scene) -> Refusal:
    run = scene.collected.run
    scene.swarm("approve", run, "--all")
    scene.swarm("dispatch", run, "health-amend-a")
    message = "Wave 2 (health-amend-a) has no worktrees, and ruff would edit your own checkout"
    again = f"`swarm dispatch {run} health-amend-a --isolate`"
    return Refusal(
        ("launch", run),
        f"""[LAUNCH_NEEDS_ISOLATION]: {message}
  Next: answer wave 2 by hand and collect it, then dispatch again: {again}
  Run: {run}""",
        {"number": 2, "phase": "health-amend-a", "runtime": "ruff", "runId": run},
    )


@refused
def runtime_unknown(scene: Scene) -> Refusal:
    run = scene.dispatched.run
    return Refusal(
        ("launch", run, "--runtime", "nobody"),
        """[RUNTIME_UNKNOWN]: No runtime is called 'nobody'
  Next: `swarm runtimes` lists what can be launched here; swarm.toml can add more""",
        {"received": "nobody"},
    )


@refused
def runtime_not_found(scene: Scene) -> Refusal:
    scene.config('[runtimes.ghost]\nkind = "command"\nargv = ["no-such-program-here", "{output_file}"]\n')
    run = scene.dispatched.run
    remedy = f"install no-such-program-here, or correct the argv of [runtimes.ghost] in {scene.repo.root}/swarm.toml"
    return Refusal(
        ("launch", run, "--runtime", "ghost"),
        f"""[RUNTIME_NOT_FOUND]: The program of runtime 'ghost' was not found: no-such-program-here
  Next: {remedy}""",
        {"runtime": "ghost", "program": "no-such-program-here", "remedy": remedy},
        exit=127,
    )


@refused
def runtime_phase_unsupported(scene: Scene) -> Refusal:
    run = scene.workspace.run
    return Refusal(
        ("dispatch", run, "feature-audit", "--runtime", "ruff", "--isolate"),
        """[RUNTIME_PHASE_UNSUPPORTED]: Runtime 'ruff' has nothing to say in phase feature-audit
  Next: name another with --runtime (`swarm runtimes` lists them), or let a person write the outputs and collect them""",
        {"runtime": "ruff", "phase": "feature-audit"},
        exit=2,
    )


@refused
def collect_no_wave(scene: Scene) -> Refusal:
    run = scene.collected.run
    return Refusal(
        ("collect", run),
        f"""[COLLECT_NO_WAVE]: Run {run} has no dispatched wave to collect
  Next: wave 1 is collected already; `swarm status {run}` shows what is next
  Run: {run}""",
        {"runId": run, "number": 1},
    )


@refused
def collect_unknown_domain(scene: Scene) -> Refusal:
    wave = scene.dispatched
    wave.answer("code")
    return Refusal(
        ("collect", wave.run, "--domain", f"kode:{wave.output('code')}"),
        """[COLLECT_UNKNOWN_DOMAIN]: Wave 1 has no agent for a domain 'kode'
  Next: its agents are: code, rest""",
        {"name": "kode", "number": 1, "names": "code, rest"},
    )


@refused
def save_point_unknown(scene: Scene) -> Refusal:
    assert scene.workspace.run
    return Refusal(
        ("rewind", "HEAD"),
        """[SAVE_POINT_UNKNOWN]: No save point is called 'HEAD'
  Next: `swarm status --format json` shows a run's save point; another ref needs `--force-arbitrary-ref`""",
        {"received": "HEAD", "told": ""},
    )


@refused
def rewind_refused(scene: Scene) -> Refusal:
    run = scene.workspace.run
    scene.repo.git("checkout", "-q", "--detach")
    problem = f"HEAD is detached at {scene.repo.head[:12]}"
    remedy = "check out the branch that you mean, such as `git checkout main`"
    return Refusal(
        ("rewind", run, "--apply", "--reason", "wrong way"),
        f"""[REWIND_REFUSED]: The checkout cannot be rewound: {problem}
  Next: {remedy}
  Run: {run}""",
        {"problem": problem, "remedy": remedy, "runId": run},
    )


@refused
def rewind_not_clean(scene: Scene) -> Refusal:
    run, root = scene.workspace.run, scene.repo.root
    scene.repo.write({"README.md": "# In the works\n"})
    return Refusal(
        ("rewind", run, "--apply", "--reason", "wrong way"),
        f"""[REWIND_NOT_CLEAN]: {root} has 1 files that rewinding would overwrite: README.md
  Path: {root}
  Next: commit or stash them, or add `--force`, which saves them below refs/swarm/salvage/ first""",
        {"path": str(root), "count": 1, "files": "README.md"},
    )


@refused
def undo_refused(scene: Scene) -> Refusal:
    run, begin = scene.workspace.run, scene.repo.commit({"src/app.py": "x = 1\n"})
    scene.swarm("rewind", run, "--apply", "--reason", "wrong way")
    problem = f"branch main has moved on since, to {scene.repo.commit({'src/app.py': 'x = 2'})[:12]}"
    remedy = f"`git branch back {begin}` keeps it"
    return Refusal(
        ("undo", run, "--apply", "--reason", "back"),
        f"""[UNDO_REFUSED]: The last rewind cannot be undone: {problem}
  Next: {remedy}; nothing was changed
  Run: {run}""",
        {"verb": "rewind", "problem": problem, "remedy": remedy, "runId": run},
    )


# --- what the cases are made with -------------------------------------------------------------------------


def _version() -> int:
    folder = Path(__file__).parents[2] / "migrations"
    return max(int(file.name[:4]) for file in folder.glob("[0-9][0-9][0-9][0-9]_*.py"))


def _draft(scene: Scene) -> str:
    run = scene.workspace.run
    scene.swarm("domains", run, "--unfreeze", "--reason", "to edit")
    return run


def _without_domains(scene: Scene) -> str:
    run = _draft(scene)
    scene.swarm("domains", run, "--remove", "code")
    scene.swarm("domains", run, "--remove", "rest")
    return run


def _git_says(folder: Path) -> str:
    done = subprocess.run(["git", "rev-parse"], cwd=folder, capture_output=True, text=True, check=False, env={})
    return f"git rev-parse exited 128: {' '.join(done.stderr.split())}"


# --- the tests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_says_what_and_what_next_and_changes_nothing(
    code: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    scene = Scene(request)
    refusal = REFUSED[code](scene)
    with nothing_changes(tmp_path):
        answer = scene.swarm(*refusal.command, exit=refusal.exit, cwd=refusal.cwd)
    assert block_of(answer) == f"ERROR {refusal.block}"
    assert answer.out == ""
    assert answer.exit == refusal.exit == CATALOGUE[code].exit_code
    told = [event for event in answer.events if event["stage"] == "dispatch_precondition_failed"]
    message = refusal.block.splitlines()[0].partition("]: ")[2]
    is_precondition = code.startswith("DISPATCH_")
    named = [word for word in refusal.command[1:] if not word.startswith("-")]
    asked = {"runId": named[0] if len(named) > 1 else None, "phase": refusal.fields.get("phase")}
    assert [{name: event[name] for name in ("code", "message", "runId", "phase")} for event in told] == (
        [{"code": code, "message": message, **asked}] if is_precondition else []
    )


# A form that is none is no JSON either, so it is told on stderr alone.
@pytest.mark.parametrize("code", sorted(REFUSED.keys() - {"CLI_INVALID_FORMAT"}))
def test_a_refusal_in_json_is_one_document_and_no_block(
    code: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    scene = Scene(request)
    refusal = REFUSED[code](scene)
    with nothing_changes(tmp_path):
        answer = scene.swarm(*refusal.command, "--format", "json", exit=refusal.exit, cwd=refusal.cwd)
    lines = refusal.block.splitlines()
    error = {
        "code": code,
        "message": lines[0].partition("]: ")[2],
        "hint": next(line[8:] for line in lines if line.startswith("  Next: ")),
        **refusal.fields,
    }
    document = answer.document
    meta = document.pop("meta")
    assert document == {"ok": False, "command": refusal.command[0], "exitCode": refusal.exit, "error": error}
    assert meta["schema"] == f"swarm.{refusal.command[0]}/v1"
    assert answer.out.count("\n") == 1
    assert block_of(answer) == ""


def evidence(db: Path) -> dict[str, list[Any]]:
    """Return what collect leaves in each table, without times and hashes."""
    with sqlite3.connect(db) as conn:
        found = {
            "waves": conn.execute("SELECT number, status FROM waves").fetchall(),
            "agents": conn.execute("SELECT domain, status, findings FROM agent_runs ORDER BY id").fetchall(),
            "artifacts": conn.execute("SELECT agent_run_id, kind FROM artifacts ORDER BY id").fetchall(),
            "findings": conn.execute("SELECT file, line, status FROM findings ORDER BY id").fetchall(),
            "sightings": conn.execute("SELECT count(*) FROM sightings").fetchall(),
        }
    conn.close()
    return found


@raises("COLLECT_UPSERT_FAILED")
@pytest.mark.parametrize("form", ["text", "json"])
def test_findings_that_cannot_be_written_leave_the_evidence_and_the_wave_open(
    form: str, swarm: Swarm, dispatched: Workspace
) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5}, {"file": "src/app.py", "line": 1})
    dispatched.answer("rest", {"file": "README.md", "line": 1})
    with sqlite3.connect(dispatched.db) as conn:
        conn.execute(
            "CREATE TRIGGER no_room BEFORE INSERT ON findings WHEN NEW.file = 'README.md'"
            " BEGIN SELECT RAISE(ABORT, 'no room for it'); END"
        )
    conn.close()
    answer = swarm("collect", "--format", form, exit=1)
    message = "upsertFindings failed for wave=1 (3 findings attempted): no room for it"
    hint = (
        "wave 1 has artifacts persisted but findings missing — inspect with `swarm status`, then re-run "
        "`swarm collect` once the underlying SQLite issue is resolved (busy_timeout or fingerprint UNIQUE collision)"
    )
    if form == "json":
        assert block_of(answer) == ""
        assert answer.document["error"] == {
            "code": "COLLECT_UPSERT_FAILED",
            "message": message,
            "hint": hint,
            "number": 1,
            "waveId": 1,
            "findingsAttempted": 3,
            "problem": "no room for it",
            "cause": "no room for it",
        }
    else:
        assert answer.out == ""
        assert block_of(answer).splitlines() == [
            f"ERROR [COLLECT_UPSERT_FAILED]: {message}",
            f"  Next: {hint}",
            "  Caused by: no room for it",
            "  Wave: 1",
            "  Findings attempted: 3",
        ]
    kept = {
        "waves": [(1, "dispatched")],
        "agents": [("code", "complete", 2), ("rest", "complete", 1)],
        "artifacts": [(1, "output"), (2, "output")],
        "findings": [],
        "sightings": [(0,)],
    }
    assert evidence(dispatched.db) == kept
    assert swarm("status", "--format", "json").data["assessment"]["state"] == "READY TO COLLECT"
    with sqlite3.connect(dispatched.db) as conn:
        conn.execute("DROP TRIGGER no_room")
    conn.close()
    # The outputs are taken from what was recorded: they may be gone by now.
    dispatched.output("code").unlink()
    dispatched.output("rest").unlink()
    again = swarm("collect", "--format", "json").data
    assert (again["waveStatus"], again["findings"]["new"]) == ("collected", 3)
    assert evidence(dispatched.db) == kept | {
        "waves": [(1, "collected")],
        "findings": [("src/app.py", 5, "new"), ("src/app.py", 1, "new"), ("README.md", 1, "new")],
        "sightings": [(3,)],
    }


MEANWHILE = """#!/bin/sh
# git, but the first `ls-tree` is held up until another swarm has done its work.
case " $* " in
*" ls-tree "*) if mv {armed} {armed}.done 2>/dev/null; then
  (cd {root} && PATH={path} exec {python} -m swarm {command}) >{armed}.log 2>&1
fi;;
esac
PATH={path} exec git "$@"
"""


@pytest.fixture
def meanwhile(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let another process run a command of swarm while the next one is between its reading and its writing."""

    def arm(*command: str) -> None:
        folder = tmp_path / "meanwhile"
        folder.mkdir(exist_ok=True)
        armed, path = folder / "armed", os.environ["PATH"]
        armed.touch()
        words = " ".join(f"'{word}'" for word in command)
        shim = MEANWHILE.format(armed=armed, root=repo.root, path=path, python=sys.executable, command=words)
        (folder / "git").write_text(shim)
        (folder / "git").chmod(0o700)
        monkeypatch.setenv("PATH", f"{folder}:{path}")

    return arm


@raises("STATE_CONFLICT")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_map_that_is_changed_while_a_wave_is_made_is_a_conflict_and_no_wave(
    form: str, swarm: Swarm, repo: Repo, workspace: Workspace, meanwhile: Callable[..., None]
) -> None:
    run = workspace.run
    swarm("domains", "--unfreeze", "--reason", "to edit")
    before = repo.git("for-each-ref"), repo.git("worktree", "list")
    meanwhile("domains", run, "--remove", "rest")
    answer = swarm("dispatch", run, "health-audit-a", "--isolate", "--auto-freeze", "--format", form, exit=1)
    message = "The domain map is no longer what it was: someone else moved it first"
    hint = f"look at `swarm status {run}`, then repeat the command if it still applies"
    if form == "json":
        assert block_of(answer) == ""
        assert answer.document["error"] == {
            "code": "STATE_CONFLICT",
            "message": message,
            "hint": hint,
            "subject": "The domain map",
            "expected": "what it was",
            "runId": run,
        }
    else:
        assert answer.out == ""
        assert block_of(answer).splitlines() == [
            f"ERROR [STATE_CONFLICT]: {message}",
            f"  Next: {hint}",
            f"  Run: {run}",
        ]
    assert (repo.git("for-each-ref"), repo.git("worktree", "list")) == before
    assert not (workspace.folder / run).exists()
    data = swarm("domains", "--format", "json").data
    assert (data["frozen"], [domain["name"] for domain in data["domains"]]) == (False, ["code"])
    assert evidence(workspace.db)["waves"] == []


def test_who_collects_while_another_does_is_refused_and_the_first_goes_on(
    swarm: Swarm, dispatched: Workspace, meanwhile: Callable[..., None], tmp_path: Path
) -> None:
    dispatched.answer("code", {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    meanwhile("collect", dispatched.run)
    assert swarm("collect", dispatched.run, "--format", "json").data["waveStatus"] == "collected"
    assert "ERROR [LAUNCH_IN_PROGRESS]: Wave 1 is already being" in (tmp_path / "meanwhile/armed.log").read_text()
    assert evidence(dispatched.db) == {
        "waves": [(1, "collected")],
        "agents": [("code", "complete", 1), ("rest", "complete", 0)],
        "artifacts": [(1, "output"), (2, "output")],
        "findings": [("src/app.py", 5, "new")],
        "sightings": [(1,)],
    }


def _bad_output(file: Path, body: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


TWICE = b'{"domain": "code", "domain": "code", "stage": "A", "summary": "", "findings": []}'
NO_STAGE = b'{"domain": "code", "summary": "", "findings": []}'
BAD_OUTPUTS = {
    "BOUNDED_JSON_PARSE_FAILED": (TWICE, "is not acceptable JSON: the key 'domain' stands twice in one object"),
    "BOUNDED_JSON_SIZE_LIMIT": (
        b"[" * 65 + b"]" * 65,
        "is larger or deeper than we read: more than 64 levels of nesting",
    ),
    "AGENT_OUTPUT_SCHEMA_INVALID": (NO_STAGE, "does not fit its schema: $: 'stage' is a required property"),
}


@raises("BOUNDED_JSON_PARSE_FAILED")
@raises("BOUNDED_JSON_SIZE_LIMIT")
@raises("AGENT_OUTPUT_SCHEMA_INVALID")
@pytest.mark.parametrize("code", BAD_OUTPUTS)
def test_an_output_that_cannot_be_used_is_told_with_its_code_and_the_others_go_on(
    code: str, swarm: Swarm, dispatched: Workspace
) -> None:
    body, words = BAD_OUTPUTS[code]
    file = dispatched.output("code")
    _bad_output(file, body)
    dispatched.answer("rest", {"file": "README.md", "line": 1})
    answer = swarm("collect", "--format", "json", exit=1)
    assert answer.document["ok"] is True
    bad, good = answer.data["agents"]
    assert bad == {
        "domain": "code",
        "agentRunId": 1,
        "status": "invalid_output",
        "findingsCount": 0,
        "errors": [{"code": code, "path": str(file), "message": f"{file} {words}"}],
        "violations": [],
        "divergence": None,
        "fixes": 0,
        "sharedEdits": [],
        "ignored": [],
    }
    assert (good["status"], good["errors"], good["findingsCount"]) == ("complete", [], 1)
    assert (answer.data["waveStatus"], answer.data["findings"]["new"]) == ("failed", 1)
    agents = swarm("status", "--format", "json").data["agents"]
    assert [agent["error"] for agent in agents] == [f"{code}: {file} {words}"[:512], None]


@raises("BOUNDED_JSON_READ_FAILED")
def test_an_output_that_is_not_there_is_told_with_its_code(swarm: Swarm, dispatched: Workspace) -> None:
    file = dispatched.output("code")
    dispatched.answer("rest")
    answer = swarm("collect", exit=1)
    assert f"⚠ code: BOUNDED_JSON_READ_FAILED: there is no output ({file})" in answer.out.splitlines()
    assert block_of(answer) == ""


@raises("PATH_UNSAFE")
def test_a_finding_that_names_an_unsafe_path_is_told_with_its_code_and_the_rest_is_kept(
    swarm: Swarm, dispatched: Workspace
) -> None:
    dispatched.answer("code", {"file": "../../etc/passwd"}, {"file": "src/app.py", "line": 5})
    dispatched.answer("rest")
    answer = swarm("collect", "--format", "json")
    agent = answer.data["agents"][0]
    assert agent["errors"] == [
        {
            "code": "PATH_UNSAFE",
            "path": "$.findings[0].file",
            "message": "'../../etc/passwd': it climbs out of the repository",
        }
    ]
    assert (agent["status"], answer.data["findings"]["new"]) == ("complete", 1)


@raises("SUPPRESSION_INVALID")
def test_a_comment_that_does_not_count_is_told_with_its_code(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    source = (repo.root / "src/app.py").read_text()
    repo.commit({"src/app.py": source.replace("seen=[]):", "seen=[]):  # swarm: ignore bug")})
    swarm("dispatch", "health-audit-a", "--isolate")
    workspace.answer("code", {"file": "src/app.py", "line": 5})
    workspace.answer("rest")
    answer = swarm("collect")
    assert "⚠ code: SUPPRESSION_INVALID: it gives no reason (src/app.py:5)" in answer.out.splitlines()
    told = [event for event in answer.events if event["stage"] == "suppression_invalid"]
    assert [(event["file"], event["line"], event["problem"]) for event in told] == [
        ("src/app.py", 5, "it gives no reason")
    ]


@raises("MERGE_CONFLICT")
def test_work_that_does_not_merge_is_told_with_files_and_domains(team: Team, amended: Team) -> None:
    team.repo.commit({"README.md": "# Moved\n"})
    error = team.merge(exit=1).document["error"]
    told = f"leave one out with `swarm merge {team.run} --drop rest`, or "
    assert error == {
        "code": "MERGE_CONFLICT",
        "message": "Wave 2 does not merge: README.md (domains rest)",
        "hint": f"nothing was published; {told}merge branch {team.branch('rest')} into the target by hand, and call "
        "`swarm merge` again",
        "number": 2,
        "files": ["README.md"],
        "domains": ["rest"],
        "branch": team.branch("rest"),
        "remedy": told,
        "runId": team.run,
        "cause": "README.md",
    }


@raises("MERGE_GATE_FAILED")
def test_a_merge_that_is_red_is_told_with_its_culprits_and_where_the_log_is(team: Team) -> None:
    team.dispatch()
    team.edit("code", {"src/app.py": "# BROKEN\n"})
    team.collect()
    error = team.merge(exit=1).document["error"]
    log = Path(error["path"])
    assert (log / "stdout.log").read_text() == ""
    assert error == {
        "code": "MERGE_GATE_FAILED",
        "message": "The merge of wave 2 is not proved: fail; step check ended failed; by the work of code",
        "hint": f"`swarm merge {team.run} --drop-culprits` leaves code out",
        "number": 2,
        "verdict": "fail",
        "told": "; step check ended failed; by the work of code",
        "culprits": ["code"],
        "path": str(log),
        "remedy": f"`swarm merge {team.run} --drop-culprits` leaves code out",
        "runId": team.run,
    }


@raises("PUBLISH_RACED")
def test_a_target_that_moved_at_the_last_moment_is_told_with_both_commits(
    team: Team, amended: Team, after: Callable[..., None]
) -> None:
    base = team.repo.head
    team.repo.git("checkout", "-q", "-b", "elsewhere")
    after(merge, "proved", lambda: team.repo.git("branch", "-f", "main", team.branch("rest")))
    error = team.merge("--publish", exit=1).document["error"]
    found = team.repo.git("rev-parse", "main")
    assert {name: error[name] for name in ("code", "message", "hint", "ref", "expected", "found")} == {
        "code": "PUBLISH_RACED",
        "message": f"Branch main moved while it was published to: expected {base}, found {found}",
        "hint": "run `swarm merge` again, which begins from where the branch is now",
        "ref": "main",
        "expected": base,
        "found": found,
    }


@raises("INTEGRATION_MOVED")
def test_an_integration_branch_that_somebody_moved_is_told_with_how_to_put_it_back(team: Team, amended: Team) -> None:
    team.merge()
    left, found = (team.repo.git("rev-parse", branch) for branch in (team.integration, team.branch("rest")))
    team.repo.git("branch", "-f", team.integration, found)
    error = team.merge(exit=1).document["error"]
    remedy = f"update-ref refs/heads/{team.integration} {left}"
    assert error == {
        "code": "INTEGRATION_MOVED",
        "message": f"Branch {team.integration} is at {found}, where swarm did not put it",
        "hint": f"look at it with `git log {team.integration}`; `swarm merge {team.run}` goes on with a merge that was "
        f"interrupted, and `git {remedy}` puts it back where the last merge left it",
        "branch": team.integration,
        "found": found,
        "remedy": remedy,
        "runId": team.run,
    }


@raises("PROOF_DISTURBED")
def test_a_proof_that_writes_elsewhere_is_told_with_the_files(team: Team, amended: Team) -> None:
    root = team.repo.root
    team.prove_with(STEP.replace("! grep", f"echo x > {root}/new.py; ! grep"))
    error = team.swarm("verify", "--format", "json", exit=1).document["error"]
    commit = team.repo.head[:12]
    assert error == {
        "code": "PROOF_DISTURBED",
        "message": f"While {commit} was proved, something outside of its worktree changed: new.py",
        "hint": "if that was you, run the command again; else look at what the tests of this commit do, and mend your "
        "checkout",
        "commit": commit,
        "files": ["new.py"],
        "path": str(root),
    }


@raises("OUTPUT_NOT_WRITABLE")
def test_an_output_in_the_place_of_something_else_is_told(swarm: Swarm, repo: Repo, workspace: Workspace) -> None:
    file = repo.root / "README.md"
    assert swarm("findings", "--export", file, "--format", "json", exit=1).document["error"] == {
        "code": "OUTPUT_NOT_WRITABLE",
        "message": f"{file} is not written: another file is there, and would be lost",
        "hint": "name another file, in a folder that is there",
        "path": str(file),
        "problem": "another file is there, and would be lost",
    }


@raises("PUBLISH_TARGET_DIRTY")
def test_a_target_whose_checkout_is_not_clean_is_told_with_where_it_is(team: Team, amended: Team) -> None:
    team.repo.write({"README.md": "# In the works\n"})
    error = team.merge("--publish", exit=1).document["error"]
    root = str(team.repo.root)
    assert error == {
        "code": "PUBLISH_TARGET_DIRTY",
        "message": f"Branch main is checked out at {root} with changes that publishing would run into",
        "hint": "commit or stash them there, or publish without `--publish` to the integration branch",
        "path": root,
        "branch": "main",
    }


@raises("LEDGER_BROKEN")
def test_an_event_that_was_edited_is_told_with_what_its_hash_should_be(swarm: Swarm, workspace: Workspace) -> None:
    with sqlite3.connect(workspace.db) as conn:
        conn.execute("DROP TRIGGER the_ledger_is_not_edited")
        (found,) = conn.execute("SELECT hash FROM events WHERE seq = 2").fetchone()
        conn.execute("UPDATE events SET reason = 'forged' WHERE seq = 2")
    conn.close()
    error = swarm("ledger", "verify", "--format", "json", exit=1).document["error"]
    expected = error["problem"].rpartition(" ")[2]
    problem = (
        f"map_drafted was edited, or the event before it was written anew: its hash is {found}, and it gives {expected}"
    )
    assert error == {
        "code": "LEDGER_BROKEN",
        "message": f"The ledger is broken at event 2: {problem}",
        "hint": "nothing is mended; find out who edited the database, or restore a copy from before: `swarm doctor` "
        "names the newest backup",
        "seq": 2,
        "what": "row",
        "problem": problem,
        "kind": "map_drafted",
    }


@raises("WORK_AT_RISK")
def test_work_that_a_clean_would_lose_is_told_as_the_state_of_its_report(swarm: Swarm, dispatched: Workspace) -> None:
    swarm("collect", exit=1)
    (dispatched.folder / dispatched.run / "worktrees/w1-code/notes.txt").write_text("mine")
    answer = swarm("clean", "--apply", "--reason", "over", exit=1)
    assert answer.out.splitlines()[-4:] == [
        "",
        "⚠ WORK_AT_RISK: these hold what would be lost",
        "  w1-code: 1 untracked file: notes.txt",
        f"Next: swarm clean {dispatched.run} --force",
    ]
    assert block_of(answer) == ""


@raises("REWIND_STATE_SPLIT")
def test_a_rewind_whose_transaction_fails_says_that_branch_and_run_are_apart(
    swarm: Swarm, repo: Repo, workspace: Workspace
) -> None:
    run = workspace.run
    repo.commit({"src/app.py": "x = 1\n"})
    swarm("dispatch", "health-audit-a")
    with sqlite3.connect(workspace.db) as conn:
        conn.execute("CREATE TRIGGER no BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'no more'); END")
    conn.close()
    point = run.replace("swarm-", "swarm-save-", 1)
    answer = swarm("rewind", run, "--apply", "--reason", "wrong way", exit=1)
    assert block_of(answer).splitlines() == [
        f"ERROR [REWIND_STATE_SPLIT]: Branch main is at {point}, and run {run} does not know it: no more",
        "  Next: mend what SQLite complains of, then repeat the same `swarm rewind` command, which finishes it",
        "  Caused by: no more",
        f"  Run: {run}",
    ]
    assert swarm("status", "--format", "json").data["waves"]["current"]["status"] == "dispatched"


# --- how errors are shown ---------------------------------------------------------------------------------


def test_what_a_field_holds_can_forge_no_line_of_the_block(swarm: Swarm) -> None:
    answer = swarm("schema", "x\n  Run: forged\x1b[2J", exit=1)
    assert block_of(answer).splitlines() == [
        r"ERROR [SCHEMA_UNKNOWN]: No schema is named 'x\n  Run: forged\x1b[2J'",
        "  Next: run `swarm schema` for the list",
    ]


@pytest.mark.parametrize(("length", "kept"), [(120, "x" * 120), (121, "x" * 117 + "...")])
def test_a_received_value_is_cut_when_it_is_longer_than_120(swarm: Swarm, length: int, kept: str) -> None:
    answer = swarm("schema", "x" * length, exit=1)
    assert block_of(answer).splitlines()[0] == f"ERROR [SCHEMA_UNKNOWN]: No schema is named '{kept}'"


def test_a_bug_shows_one_line_and_its_traceback_only_on_demand(swarm: Swarm, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[str]:
        raise ZeroDivisionError("a bug\nof ours")

    monkeypatch.setattr("swarm.documents.schema_names", broken)
    assert swarm("schema", exit=1).err == "ERROR: a bug\\nof ours\n"
    document = swarm("schema", "--format", "json", exit=1).document
    assert document["error"] == {"code": None, "message": "a bug\nof ours", "hint": None}
    monkeypatch.setenv("SWARM_DEBUG", "1")
    lines = swarm("schema", exit=1).err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[-1] == r"ERROR: a bug\nof ours"


def test_every_code_of_the_catalogue_is_raised_by_a_test() -> None:
    assert REFUSED.keys() | TOLD == CATALOGUE.keys()
    assert REFUSED.keys() & TOLD == set()

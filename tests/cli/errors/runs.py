"""Refusals of runs, waves, findings, decisions and leases."""

import sqlite3

from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene


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
    newer = scene.swarm("init", ".", "--new", "--format", "json").data["runId"]
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
    options = ("--reason", "x", "--evidence", "y")
    scene.swarm("close", "--ids", name, *options, "--verified-how", "independent")
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
def finding_ambiguous(scene: Scene) -> Refusal:
    run = scene.three.run
    with sqlite3.connect(scene.three.db) as conn:
        conn.execute("UPDATE findings SET finding_id = 'F-aaaa000' || id")
    conn.close()
    matches = "F-aaaa0001, F-aaaa0002, F-aaaa0003"
    return Refusal(
        ("approve", "AAAA"),
        f"""[FINDING_AMBIGUOUS]: 'AAAA' is the beginning of several findings of run {run}: {matches}
  Next: give more of the id; `swarm show F-aaaa0001` shows the first of them
  Run: {run}""",
        {"runId": run, "received": "AAAA", "matches": matches, "first": "F-aaaa0001"},
    )


@refused
def run_open(scene: Scene) -> Refusal:
    run, root = scene.workspace.run, scene.repo.root
    return Refusal(
        ("init", "src", "--timeout", "1h"),
        f"""[RUN_OPEN]: {root} has the open run {run} in initializing; nothing was made
  Path: {root}
  Next: `swarm status {run}` shows it, `swarm audit` goes on with it, and `swarm init --new` makes a second run
  Run: {run}""",
        {"path": str(root), "runId": run, "phase": "initializing"},
    )


@refused
def config_exists(scene: Scene) -> Refusal:
    scene.config("[launch]\njobs = 2\n")
    file = scene.repo.root / "swarm.toml"
    return Refusal(
        ("init", ".", "--config"),
        f"""[CONFIG_EXISTS]: {file} is there already, and was not changed
  Path: {file}
  Next: edit that file; `swarm trust` shows and trusts the programs that it names""",
        {"path": str(file)},
    )


@refused
def permission_unknown(scene: Scene) -> Refusal:
    run = scene.dispatched.run
    return Refusal(
        ("permissions", "reply", "7", "once"),
        f"""[PERMISSION_UNKNOWN]: No attempt of wave 1 asked for permission 7
  Next: run `swarm permissions list {run}` to see the requests
  Run: {run}""",
        {"received": "7", "number": 1, "runId": run},
    )

"""Refusals of runs, waves, findings, decisions and leases."""

import json
import sqlite3
import sys
import time

from swarm.clock import iso
from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.launched_agents import Agents
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
def instructions_unwritable(scene: Scene) -> Refusal:
    file = scene.repo.root / "AGENTS.md"
    file.symlink_to("README.md")
    return Refusal(
        ("init", ".", "--agents"),
        f"""[INSTRUCTIONS_UNWRITABLE]: {file} cannot take instructions for agents: it is a symbolic link; nothing was changed
  Path: {file}
  Next: make it a file of the repository that you can write (where it is a link, turn the link round: the other name\
 can link to it), then `swarm init --agents`""",
        {"path": str(file), "problem": "it is a symbolic link"},
    )


@refused
def instructions_edited(scene: Scene) -> Refusal:
    scene.swarm("init", ".", "--agents")
    file = scene.repo.root / "AGENTS.md"
    file.write_text(file.read_text().replace("## swarm", "## Ours"))
    part = "swarm's block of AGENTS.md"
    return Refusal(
        ("init", ".", "--agents"),
        f"""[INSTRUCTIONS_EDITED]: {part} has text that swarm did not write, and was not changed
  Path: {file}
  Next: keep your text elsewhere (in AGENTS.md outside of the two marker lines), remove {part}, then\
 `swarm init --agents`""",
        {"path": str(file), "part": part},
    )


@refused
def instructions_broken(scene: Scene) -> Refusal:
    file = scene.repo.root / "AGENTS.md"
    file.write_text("<!-- swarm:begin -->\nMine.\n")
    return Refusal(
        ("init", ".", "--agents"),
        f"""[INSTRUCTIONS_BROKEN]: {file} has no single block of swarm: 1 lines `<!-- swarm:begin`, 0 lines `<!-- swarm:end`; nothing was changed
  Path: {file}
  Next: remove the block with all of its marker lines from {file}, then `swarm init --agents`""",
        {"path": str(file), "begins": 1, "ends": 0},
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


@refused
def runtime_added(scene: Scene) -> Refusal:
    file = scene.repo.root.parent / "xdg/swarm/swarm.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[runtimes.goose]\n")
    scene.monkeypatch.setenv("XDG_CONFIG_HOME", str(file.parents[1]))
    return Refusal(
        ("runtimes", "--add", "goose"),
        f"""[RUNTIME_ADDED]: {file} has a table [runtimes.goose] already, and was not changed
  Path: {file}
  Next: edit the table in that file; `swarm runtimes goose` shows what results""",
        {"path": str(file), "runtime": "goose"},
    )


@refused
def file_not_found(scene: Scene) -> Refusal:
    file = scene.repo.root / "fixer.agent"
    return Refusal(
        ("runtimes", "--validate", str(file)),
        f"""[FILE_NOT_FOUND]: Cannot read {file}: there is no such file
  Path: {file}
  Next: check the path, which is taken from the working folder""",
        {"path": str(file), "problem": "there is no such file"},
    )


@refused
def ambiguous_agent_path(scene: Scene) -> Refusal:
    file = scene.repo.root / "fixer.toml"
    file.write_text("")
    return Refusal(
        ("runtimes", "--validate", str(file)),
        f"""[AMBIGUOUS_AGENT_PATH]: {file} is no manifest by its name: it does not end in .agent, and is no folder with a manifest.agent
  Path: {file}
  Next: rename the file, or name the folder that holds the manifest.agent""",
        {"path": str(file)},
    )


@refused
def invalid_manifest(scene: Scene) -> Refusal:
    file = scene.repo.root / "fixer.agent"
    file.write_text("name = 'fixer'\n")
    problem = "$: 'model' is a required property"
    return Refusal(
        ("runtimes", "--validate", str(file)),
        f"""[INVALID_MANIFEST]: {file} is no agent manifest: {problem}
  Path: {file}
  Next: correct each field; `swarm schema agent-manifest` prints the form""",
        {"path": str(file), "problem": problem},
    )


@refused
def no_model_resolved(scene: Scene) -> Refusal:
    file = scene.repo.root / "swarm.toml"
    file.write_text('[chains]\nevery = ["absent"]\n[runtimes.absent]\nkind = "command"\nargv = ["no-such-program"]\n')
    run = scene.dispatched.run
    reasons = "absent: not installed: no-such-program is not on PATH"
    return Refusal(
        ("launch",),
        f"""[NO_MODEL_RESOLVED]: Nothing of the chain of code can be launched here: {reasons}
  Next: `swarm runtimes --resolve` shows every chain; install a runtime of it, or set the variable that it names
  Run: {run}""",
        {"domain": "code", "reasons": reasons, "runId": run},
    )


@refused
def cost_unmetered(scene: Scene) -> Refusal:
    Agents(scene.repo, scene.tmp).play("write()")
    run = scene.dispatched.run
    return Refusal(
        ("launch", "--runtime", "played", "--max-cost", "1"),
        f"""[COST_UNMETERED]: played does not report what it costs, so that a cap on costs could not be held
  Next: repeat with `--allow-unmetered`, or without `--max-cost`
  Run: {run}""",
        {"runtime": "played", "runId": run},
        exit=2,
    )


def played_and_charged(scene: Scene) -> str:
    """A wave in flight, one of whose attempts has cost 2 USD."""
    Agents(scene.repo, scene.tmp).play("write()")
    run = scene.dispatched.run
    scene.swarm("launch", "--runtime", "played")
    with sqlite3.connect(scene.dispatched.db) as conn:
        conn.execute("UPDATE attempts SET cost_microusd = 2000000, outcome = 'stalled' WHERE id = 1")
    return run


@refused
def cost_budget_exceeded(scene: Scene) -> Refusal:
    run = played_and_charged(scene)
    return Refusal(
        ("launch", "--runtime", "played", "--max-cost", "3", "--allow-unmetered"),
        f"""[COST_BUDGET_EXCEEDED]: The agents of run {run} have cost 2.00 USD; a launch would cost 2.00 more, and the cap is 3.00
  Next: raise the cap with `--max-cost`, or launch fewer agents: `swarm attempts {run}` shows what each cost
  Run: {run}""",
        {"spent": "2.00", "estimate": "2.00", "cap": "3.00", "runId": run},
        exit=2,
    )


@refused
def quota_used_up(scene: Scene) -> Refusal:
    file = scene.repo.root / "swarm.toml"
    file.write_text(f"[runtimes.goose]\nargv = [{json.dumps(sys.executable)}]\n")
    run = scene.dispatched.run
    resets_at = float(int(time.time()) + 3600)
    with sqlite3.connect(scene.dispatched.db) as conn:
        text = json.dumps({"runtime": "goose", "resetsAt": resets_at})
        conn.execute("INSERT INTO kv (key, value) VALUES (?, ?)", (f"quota:{run}", text))
    moment = iso(resets_at)
    return Refusal(
        ("launch", "--runtime", "goose", "--park", "60"),
        f"""[QUOTA_USED_UP]: The quota of goose is used up until {moment}, so launches of run {run} are paused
  Next: launch after that time, or wait for it: `swarm launch {run} --park 6h`; `--runtime NAME --relock \
--reason '…'` takes another runtime
  Run: {run}""",
        {"runtime": "goose", "moment": moment, "runId": run},
        exit=3,
    )

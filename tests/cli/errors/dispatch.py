"""Refusals of dispatch, launch and collect."""

from tests.cli.errors.domains import draft_map, empty_map
from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene, end, holder_of_the_lock

PHASES = (
    "health-audit-a, health-audit-b, health-audit-c, stage-d-audit, feature-audit, health-amend-a, health-amend-b, "
    "health-amend-c, stage-d-amend, feature-execute"
)


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
    run = empty_map(scene)
    return Refusal(
        ("dispatch", run, "health-audit-a"),
        f"""[DISPATCH_NO_DOMAINS]: No domains defined for this run
  Next: run `swarm domains {run} --add <name> --globs "[…]"` then --freeze
  Run: {run}""",
        {"runId": run, "phase": "health-audit-a"},
    )


@refused
def dispatch_domains_not_frozen(scene: Scene) -> Refusal:
    run = draft_map(scene)
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
    run = draft_map(scene)
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
def dispatch_nothing_to_review(scene: Scene) -> Refusal:
    run = scene.collected.run
    (finding,) = scene.swarm("findings", run, "--format", "json", exit=1).data["findings"]
    scene.swarm("reject", run, "--ids", finding["findingId"], "--reason", "wanted")
    problem = "no open finding of its lens is unreviewed"
    return Refusal(
        ("dispatch", run, "health-audit-a", "--review"),
        f"""[DISPATCH_NOTHING_TO_REVIEW]: There is nothing to review in health-audit-a: {problem}
  Next: `swarm findings {run}` lists what is open; `--runtime NAME` asks another reviewer about findings that have a \
verdict
  Run: {run}""",
        {"runId": run, "phase": "health-audit-a", "problem": problem},
    )


@refused
def dispatch_review_too_early(scene: Scene) -> Refusal:
    run = scene.dispatched.run
    scene.swarm("collect", run, exit=1)
    return Refusal(
        ("dispatch", run, "health-audit-a", "--review"),
        f"""[DISPATCH_REVIEW_TOO_EARLY]: Wave 1 (health-audit-a) failed, and a review would stand in the way of its recovery
  Next: `swarm status {run}` names the command that goes on with it; review its findings then
  Run: {run}""",
        {"runId": run, "phase": "health-audit-a", "number": 1, "wavePhase": "health-audit-a"},
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
        f"""[DISPATCH_ANCHORS_BROKEN]: The place of 1 approved finding is gone at HEAD: {name}
  Next: `swarm show {name}` shows more; commit the files that `swarm audit --worktree` looked at, re-audit with \
`swarm audit`, or reopen them; `--skip-anchor-check --reason '…'` dispatches anyway
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
`swarm clean {run} --force` removes what is in the way, and saves it first
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
        "check each of them, revert what you did not change, and repeat; or abandon the wave: "
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

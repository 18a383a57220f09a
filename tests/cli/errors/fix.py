"""Refusals of fix."""

from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene


@refused
def fix_not_audited(scene: Scene) -> Refusal:
    run = scene.workspace.run
    return Refusal(
        ("fix", run, "--all"),
        f"""[FIX_NOT_AUDITED]: No audit of run {run} was collected, so there is no finding to fix
  Next: `swarm audit` finds what is wrong; then `swarm fix` again
  Run: {run}""",
        {"runId": run},
        exit=2,
    )


@refused
def fix_nothing_named(scene: Scene) -> Refusal:
    run = scene.collected.run
    found = scene.swarm("findings", "--format", "json", exit=1).data["findings"][0]["findingId"]
    return Refusal(
        ("fix", run),
        f"""[FIX_NOTHING_NAMED]: No finding is named, and none is approved. 1 open finding to choose from: bug (1)
  Next: `swarm fix {run} {found} --runtime NAME` fixes some of them; `swarm findings {run}` lists them
  Run: {run}""",
        {"count": 1, "choices": "bug (1)", "example": f"swarm fix {run} {found} --runtime NAME", "runId": run},
        exit=2,
    )


@refused
def fix_nothing_to_fix(scene: Scene) -> Refusal:
    run = scene.collected.run
    problem = "no open finding fits --severity LOW; there are bug (1)"
    remedy = f"`swarm findings {run} --group-by rule` counts what is open"
    return Refusal(
        ("fix", run, "--severity", "LOW"),
        f"""[FIX_NOTHING_TO_FIX]: There is nothing to fix: {problem}
  Next: {remedy}
  Run: {run}""",
        {"problem": problem, "remedy": remedy, "runId": run},
        exit=2,
    )


@refused
def fix_nobody(scene: Scene) -> Refusal:
    run = scene.collected.run
    found = scene.swarm("findings", "--format", "json", exit=1).data["findings"][0]["findingId"]
    why = "an agent reported it, and no agent is named"
    remedy = (
        f"`swarm fix {run} --all --runtime NAME` gives them to an agent, and so does [defaults] runtime of swarm.toml;"
        " `swarm runtimes` lists the runtimes"
    )
    return Refusal(
        ("fix", run, "--all"),
        f"""[FIX_NOBODY]: Nobody can fix {found} ({why})
  Next: {remedy}
  Run: {run}""",
        {"findings": f"{found} ({why})", "words": "--all", "remedy": remedy, "runId": run},
        exit=2,
    )


@refused
def fix_branch_taken(scene: Scene) -> Refusal:
    run = scene.collected.run
    branch = f"swarm/{run.rpartition('-')[2]}/integration"
    problem = f"it is checked out in {scene.repo.root}; --publish moves the branch of the run"
    return Refusal(
        ("fix", run, "--all", "--branch", "main"),
        f"""[FIX_BRANCH_TAKEN]: Branch main cannot take the fix: {problem}
  Next: name another with --branch; without it the fix stands on {branch}""",
        {"received": "main", "problem": problem, "branch": branch},
        exit=2,
    )


@refused
def fix_no_remote(scene: Scene) -> Refusal:
    run = scene.collected.run
    return Refusal(
        ("fix", run, "--all", "--pr"),
        f"""[FIX_NO_REMOTE]: {scene.repo.root} has no remote to push a branch to: it has none
  Path: {scene.repo.root}
  Next: `git remote add origin <url>`, or leave --pr out: the fix then stands on a branch here""",
        {"path": str(scene.repo.root), "problem": "it has none"},
        exit=2,
    )

"""Refusals of the domain map."""

from tests.cli.errors.refusal import Refusal, refused
from tests.cli.scenes.scene import Scene

# --- runs, repositories, domains -------------------------------------------------------------------------


@refused
def domains_empty(scene: Scene) -> Refusal:
    run = empty_map(scene)
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
    run = draft_map(scene)
    return Refusal(
        ("domains", run, "--add", "a/b", "--globs", '["x/**"]'),
        """[DOMAINS_INVALID_NAME]: 'a/b' cannot be the name of a domain
  Next: use letters, digits, `_` and `-`, at most 64 characters""",
        {"received": "a/b"},
    )


@refused
def domains_invalid_ownership_class(scene: Scene) -> Refusal:
    run = draft_map(scene)
    return Refusal(
        ("domains", run, "--edit", "code", "--ownership", "mine"),
        """[DOMAINS_INVALID_OWNERSHIP_CLASS]: 'mine' is not an ownership class
  Next: use one of: owned, bridge, shared, coordinator""",
        {"received": "mine"},
    )


@refused
def domains_invalid_glob(scene: Scene) -> Refusal:
    run = draft_map(scene)
    problem = "it holds a `.` or `..` step, which no path of a repository has"
    return Refusal(
        ("domains", run, "--add", "up", "--globs", '["../**"]'),
        f"""[DOMAINS_INVALID_GLOB]: The glob '../**' is refused: {problem}
  Next: write a repository-relative pattern such as `src/**/*.py`; several plain globs are better than a clever glob""",
        {"received": "../**", "problem": problem, "cause": problem},
    )


@refused
def domain_exists(scene: Scene) -> Refusal:
    run = draft_map(scene)
    return Refusal(
        ("domains", run, "--add", "code", "--globs", '["x/**"]'),
        f"""[DOMAIN_EXISTS]: The map already has a domain 'code'
  Next: change it with `swarm domains {run} --edit code …`
  Run: {run}""",
        {"name": "code", "runId": run},
    )


@refused
def domain_not_found(scene: Scene) -> Refusal:
    run = draft_map(scene)
    return Refusal(
        ("domains", run, "--add", "new", "--globs", '["x/**"]', "--before", "nothing"),
        """[DOMAIN_NOT_FOUND]: The map has no domain 'nothing'
  Next: it has: code, rest""",
        {"name": "nothing", "names": "code, rest"},
    )


# --- what the cases are made with ------------------------------------------------------------------------


def draft_map(scene: Scene) -> str:
    run = scene.workspace.run
    scene.swarm("domains", run, "--unfreeze", "--reason", "to edit")
    return run


def empty_map(scene: Scene) -> str:
    run = draft_map(scene)
    scene.swarm("domains", run, "--remove", "code")
    scene.swarm("domains", run, "--remove", "rest")
    return run

"""Set-up of a new worktree, before its agent is launched: what `[worktrees] setup` of swarm.toml names.

It runs in the sandbox of builds.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm.builds.environment import build_environment
from swarm.builds.package_caches import cache_variables
from swarm.config import Config
from swarm.files import make_folder
from swarm.git.repository import Repository
from swarm.runtimes import programs, supervisor
from swarm.runtimes.runtime import ProcessStep
from swarm.runtimes.sandbox import NONE
from swarm.runtimes.supervisor import Orders, Ran
from swarm.scratch import scratch_folder
from swarm.store.attempts import Ending
from swarm.waves.trees.sandbox_policies import build_enclosure, of_tree
from swarm.workspace import Workspace

_MISSING: Final = 127
_FAILED: Final = 3


class NewTree(NamedTuple):
    """Facts of a worktree's set-up: a folder for logs, and the variables by which its processes are found."""

    repository: Repository
    workspace: Workspace
    config: Config
    logs: Path
    mark: Mapping[str, str]
    environment: Mapping[str, str]


async def run_set_up(new: NewTree, tree: Path, secrets: Collection[str]) -> Ending | None:
    """Run the set-up of a worktree; return the ending of an attempt whose set-up failed."""
    ran = await _run(new, tree, secrets)
    logs = f"its output is in {new.logs}"
    if ran.not_started is not None:
        problem = f"the set-up of its worktree could not be started: {ran.not_started}"
        return failed(problem, _MISSING) if "No such file" in ran.not_started else failed(problem)
    if ran.timed_out:
        limit = new.config.worktrees.timeout_seconds
        return failed(f"the set-up of its worktree did not end within {limit} s; {logs}")
    if ran.failed is not None:
        problem = f"the set-up of its worktree ended with exit code {ran.exit_code}; {logs}"
        return failed(f"{problem}\n{ran.fragment}".strip())
    return None


def failed(problem: str, exit_class: int = _FAILED) -> Ending:
    """Return the ending of an attempt whose worktree could not be set up."""
    shown = problem.encode()[: supervisor.FRAGMENT_BYTES].decode("utf-8", "ignore")
    return Ending("not_started", exit_class, error_code="WORKTREE_SETUP_FAILED", error_fragment=shown)


async def _run(new: NewTree, tree: Path, secrets: Collection[str]) -> Ran:
    config = new.config.worktrees
    places = {"{worktree}": str(tree), "{repository}": str(new.repository.root)}
    argvs = [[places.get(part, part) for part in argv] for argv in config.setup]
    steps = [ProcessStep((programs.found(argv[0]) or argv[0], *argv[1:])) for argv in argvs]
    held = of_tree(build_enclosure(new.repository, new.workspace, new.config), new.repository, tree)
    variables = {**build_environment(config.environment), **new.environment, **new.mark}
    make_folder(new.logs)
    with scratch_folder() as home:
        if held.backend != NONE:
            variables = cache_variables(held.home, held.policy, variables)
            # The commands of a set-up share a home: the second may use what the first has installed there.
            held = held._replace(own_home=home)
        orders = Orders(
            steps=steps,
            tree=tree,
            folder=new.logs,
            environment=variables,
            seconds=config.timeout_seconds,
            spawned=lambda *_: None,
            mark=new.mark,
            enclosure=held,
            secrets=secrets,
        )
        return await supervisor.run_steps(orders)

"""Set-up of a new worktree, before its agent is launched: what `[worktrees] setup` of swarm.toml names.

It runs in the sandbox of builds. What it makes is not the agent's work.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm.builds.environment import build_environment
from swarm.builds.package_caches import cache_variables
from swarm.config import Config
from swarm.files import make_folder
from swarm.git import agent_work
from swarm.git.apart import apart_in, state_of
from swarm.git.repository import Repository
from swarm.git.worktrees import Tree
from swarm.runtimes import programs, supervisor
from swarm.runtimes.runtime import ProcessStep
from swarm.runtimes.sandbox import NONE
from swarm.runtimes.supervisor import Orders, Ran
from swarm.scratch import scratch_folder
from swarm.store import waves
from swarm.store.connection import Store
from swarm.store.wave_documents import Provided
from swarm.store.waves import Wave
from swarm.waves.trees.kept_index import trusted_index
from swarm.waves.trees.kept_view import as_at_dispatch
from swarm.waves.trees.sandbox_policies import build_enclosure, of_tree
from swarm.workspace import Workspace

MOST_MADE: Final = 1000
_MISSING: Final = 127
_FAILED: Final = 3


class NewTree(NamedTuple):
    """A worktree to set up: its wave, a folder for logs, and the variables by which its processes are found."""

    repository: Repository
    workspace: Workspace
    config: Config
    wave: Wave
    tree: Tree
    logs: Path
    mark: Mapping[str, str]
    environment: Mapping[str, str]
    secrets: frozenset[str]


class SetUpFailed(NamedTuple):
    """Why a worktree is not set up, and the exit class of the attempt."""

    exit_class: int
    problem: str


def provided_to(store: Store, wave: Wave, tree: Path) -> Provided:
    """Return what swarm put into a worktree, as the database has it now."""
    now = waves.numbered(store.conn, wave.run_id, wave.number)
    return (now or wave).sentinel.provided.get(tree.name, Provided())


async def set_up(store: Store, new: NewTree) -> SetUpFailed | None:
    """Run the set-up of a worktree, and record what it made; return why it failed."""
    ran = await _run(new)
    logs = f"its output is in {new.logs}"
    if ran.not_started is not None:
        code = _MISSING if "No such file" in ran.not_started else _FAILED
        return SetUpFailed(code, f"the set-up of its worktree could not be started: {ran.not_started}")
    if ran.timed_out:
        limit = new.config.worktrees.timeout_seconds
        return SetUpFailed(_FAILED, f"the set-up of its worktree did not end within {limit} s; {logs}")
    if ran.failed is not None:
        problem = f"the set-up of its worktree ended with exit code {ran.exit_code}; {logs}"
        return SetUpFailed(_FAILED, f"{problem}\n{ran.fragment}".strip())
    provided = provided_to(store, new.wave, new.tree.path)
    made = _made(new, provided)
    if len(made) > MOST_MADE:
        named = ", ".join(list(made)[:3])
        problem = f"the set-up of its worktree left {len(made):,} files that git does not ignore, such as {named}"
        return SetUpFailed(_FAILED, f"{problem}; add them to a .gitignore of the repository, or to .git/info/exclude")
    _record(store, new, provided._replace(made=made, is_set_up=True))
    return None


async def _run(new: NewTree) -> Ran:
    config = new.config.worktrees
    places = {"{worktree}": str(new.tree.path), "{repository}": str(new.repository.root)}
    argvs = [[places.get(part, part) for part in argv] for argv in config.setup]
    steps = [ProcessStep((programs.found(argv[0]) or argv[0], *argv[1:])) for argv in argvs]
    held = of_tree(build_enclosure(new.repository, new.workspace, new.config), new.repository, new.tree.path)
    variables = {**build_environment(config.environment), **new.environment, **new.mark}
    make_folder(new.logs)
    with scratch_folder() as home:
        if held.backend != NONE:
            variables = cache_variables(held.home, held.policy, variables)
            # The commands of a set-up share a home: the second may use what the first has installed there.
            held = held._replace(own_home=home)
        orders = Orders(
            steps=steps,
            tree=new.tree.path,
            folder=new.logs,
            environment=variables,
            seconds=config.timeout_seconds,
            spawned=lambda *_: None,
            mark=new.mark,
            enclosure=held,
            secrets=new.secrets,
        )
        return await supervisor.run_steps(orders)


def _made(new: NewTree, provided: Provided) -> dict[str, str]:
    """Return the files that the set-up made or changed: the state of each tracked file, and `""` for each new file."""
    folder = new.workspace.wave_folder(new.wave.run_id, new.wave.number)
    with as_at_dispatch(new.wave, new.repository) as seen:
        touched = agent_work.touched_files(
            seen.common_dir,
            new.tree.path,
            new.wave.dispatch_sha,
            trusted_index(new.wave, folder, new.tree.path),
            new.tree.branch,
            view=seen.view,
            apart=apart_in(new.tree.path, provided.included, {}, answers=provided.answers),
        )
    return {file.path: "" if file.kind == "create" else state_of(new.tree.path, file.path) for file in touched}


def _record(store: Store, new: NewTree, provided: Provided) -> None:
    with store.mutation() as conn:
        # Read again: the set-up of another tree of the wave may have ended meanwhile.
        now = waves.numbered(conn, new.wave.run_id, new.wave.number) or new.wave
        sentinel = now.sentinel
        every = {**sentinel.provided, new.tree.path.name: provided}
        waves.record_sentinel(conn, now.id, sentinel._replace(provided=every))

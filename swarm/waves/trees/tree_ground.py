"""Ground that an agent starts on: its worktree set up, ports of its own, and the secrets that its tree holds.

What a set-up makes is recorded on the wave: it is not the agent's work.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git.agent_work import Touched
from swarm.git.apart import state_of
from swarm.git.worktrees import Tree
from swarm.runtimes.ports import port_block
from swarm.store import waves
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Ending
from swarm.store.connection import Store
from swarm.store.wave_documents import Provided
from swarm.store.waves import Wave
from swarm.waves.trees.kept_index import touched_in
from swarm.waves.trees.kept_view import as_at_dispatch
from swarm.waves.trees.provided import secrets_in
from swarm.waves.trees.set_up import NewTree, failed, run_set_up

MOST_MADE: Final = 1000


class TreeGround(NamedTuple):
    """Variables of an agent, secrets to mask in its logs, and the ending of an attempt whose tree cannot be set up."""

    environment: dict[str, str]
    secrets: frozenset[str] = frozenset()
    failed: Ending | None = None


@asynccontextmanager
async def ground_of(
    store: Store, wave: Wave, agent: AgentRun, new: NewTree, *, is_new: bool
) -> AsyncIterator[TreeGround]:
    """Give an agent its ground, for as long as the block runs; the ports are no other agent's meanwhile.

    With `is_new`, its own worktree is set up: later nobody could tell the agent's edits from those of the set-up.
    """
    with port_block(new.config.worktrees.port_base) as ports:
        environment = with_ports(new.environment, ports)
        # Other agents work in the checkout, or in a tree that several share.
        if agent.worktree_path is None or agent.worktree_branch is None:
            yield TreeGround(environment)
            return
        tree = Tree(Path(agent.worktree_path), agent.worktree_branch)
        provided = _provided(store, wave, tree)
        secrets = frozenset(secrets_in(new.repository.root, tree.path, provided))
        ending = None
        if new.config.worktrees.setup and is_new and not provided.is_set_up:
            ending = await _set_up(store, wave, new._replace(environment=own_of(environment)), tree, secrets)
        yield TreeGround(environment, secrets, ending)


def _provided(store: Store, wave: Wave, tree: Tree) -> Provided:
    now = waves.numbered(store.conn, wave.run_id, wave.number)
    return (now or wave).sentinel.provided.get(tree.path.name, Provided())


def with_ports(environment: Mapping[str, str], first: int | None) -> dict[str, str]:
    """Return the variables of an agent with the first of its ports, where it has ports."""
    return {**environment, **({} if first is None else {"SWARM_PORT_BASE": str(first)})}


def own_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an agent's environment that a set-up gets, too."""
    return {name: value for name, value in environment.items() if name.startswith("SWARM_")}


async def _set_up(store: Store, wave: Wave, new: NewTree, tree: Tree, secrets: Collection[str]) -> Ending | None:
    """Run the set-up of a worktree, and record what it made; return the ending of an attempt for which it failed."""
    if (ending := await run_set_up(new, tree.path, secrets)) is not None:
        return ending
    provided = _provided(store, wave, tree)
    folder = new.workspace.wave_folder(wave.run_id, wave.number)
    with as_at_dispatch(wave, new.repository) as seen:
        made = made_of(tree.path, touched_in(seen, tree.path, wave, folder, tree.branch))
    if (ending := too_many(made)) is None:
        _record(store, wave, tree, provided._replace(made=made, is_set_up=True))
    return ending


def made_of(tree: Path, touched: Iterable[Touched]) -> dict[str, str]:
    """Return the files that a set-up made or changed: the state of each tracked file, and `""` for each new file."""
    return {file.path: "" if file.kind == "create" else state_of(tree, file.path) for file in touched}


def too_many(made: Collection[str]) -> Ending | None:
    """Return the ending of an attempt whose set-up made more files than can be kept apart from the agent's."""
    if len(made) <= MOST_MADE:
        return None
    named = ", ".join(list(made)[:3])
    problem = f"the set-up of its worktree left {len(made):,} files that git does not ignore, such as {named}"
    return failed(f"{problem}; add them to a .gitignore of the repository, or to .git/info/exclude")


def _record(store: Store, wave: Wave, tree: Tree, provided: Provided) -> None:
    with store.mutation() as conn:
        # Read again: the set-up of another tree of the wave may have ended meanwhile.
        now = waves.numbered(conn, wave.run_id, wave.number) or wave
        sentinel = now.sentinel
        waves.record_sentinel(conn, now.id, sentinel._replace(provided={**sentinel.provided, tree.path.name: provided}))

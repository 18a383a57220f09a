"""Ground that an agent starts on: its worktree set up, ports of its own, and the secrets that its tree holds.

What a set-up makes is recorded on the wave: it is not the agent's work.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

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
async def ground_of(store: Store, agent: AgentRun, new: NewTree, *, is_new: bool) -> AsyncIterator[TreeGround]:
    """Give an agent its ground, for as long as the block runs; the ports are no other agent's meanwhile.

    With `is_new`, its own worktree is set up: later nobody could tell the agent's edits from those of the set-up.
    """
    with port_block(new.config.worktrees.port_base) as ports:
        added = {} if ports is None else {"SWARM_PORT_BASE": str(ports)}
        environment = {**new.environment, **added}
        # Other agents work in the checkout, or in a tree that several share.
        if agent.worktree_path is None or agent.worktree_branch is None:
            yield TreeGround(environment)
            return
        tree = Tree(Path(agent.worktree_path), agent.worktree_branch)
        provided = _provided(store, new.wave, tree)
        secrets = frozenset(secrets_in(new.repository.root, tree.path, provided))
        ending = None
        if new.config.worktrees.setup and is_new and not provided.is_set_up:
            own = {name: value for name, value in environment.items() if name.startswith("SWARM_")}
            ending = await _set_up(store, new._replace(environment=own), tree, secrets)
        yield TreeGround(environment, secrets, ending)


def _provided(store: Store, wave: Wave, tree: Tree) -> Provided:
    now = waves.numbered(store.conn, wave.run_id, wave.number)
    return (now or wave).sentinel.provided.get(tree.path.name, Provided())


async def _set_up(store: Store, new: NewTree, tree: Tree, secrets: Collection[str]) -> Ending | None:
    """Run the set-up of a worktree, and record what it made; return the ending of an attempt for which it failed."""
    if (ending := await run_set_up(new, tree.path, secrets)) is not None:
        return ending
    provided = _provided(store, new.wave, tree)
    made = _made(new, tree)
    if len(made) > MOST_MADE:
        named = ", ".join(list(made)[:3])
        problem = f"the set-up of its worktree left {len(made):,} files that git does not ignore, such as {named}"
        return failed(f"{problem}; add them to a .gitignore of the repository, or to .git/info/exclude")
    _record(store, new.wave, tree, provided._replace(made=made, is_set_up=True))
    return None


def _made(new: NewTree, tree: Tree) -> dict[str, str]:
    """Return the files that the set-up made or changed: the state of each tracked file, and `""` for each new file."""
    folder = new.workspace.wave_folder(new.wave.run_id, new.wave.number)
    with as_at_dispatch(new.wave, new.repository) as seen:
        touched = touched_in(seen, tree.path, new.wave, folder, tree.branch)
    return {file.path: "" if file.kind == "create" else state_of(tree.path, file.path) for file in touched}


def _record(store: Store, wave: Wave, tree: Tree, provided: Provided) -> None:
    with store.mutation() as conn:
        # Read again: the set-up of another tree of the wave may have ended meanwhile.
        now = waves.numbered(conn, wave.run_id, wave.number) or wave
        sentinel = now.sentinel
        waves.record_sentinel(conn, now.id, sentinel._replace(provided={**sentinel.provided, tree.path.name: provided}))

"""The ground that an agent starts on: its worktree set up, and the secrets that its tree holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm.git.worktrees import Tree
from swarm.runtimes.runtime import Job
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt, Ending
from swarm.waves.launch.attempt_rows import WaveLaunch
from swarm.waves.launch.ending import cut
from swarm.waves.trees.provided import secrets_in
from swarm.waves.trees.set_up import NewTree, provided_to, set_up


class TreeGround(NamedTuple):
    """Secrets to mask in the logs of an attempt, and the ending of an attempt whose tree could not be set up."""

    secrets: frozenset[str] = frozenset()
    failed: Ending | None = None


async def tree_ground(
    wave_launch: WaveLaunch,
    agent: AgentRun,
    before: Sequence[Attempt],
    job: Job,
    mark: Mapping[str, str],
    environment: Mapping[str, str],
) -> TreeGround:
    """Set up the own worktree of an agent that nothing has worked in yet."""
    # Other agents work in the checkout, or in a tree that several share.
    if agent.worktree_path is None or agent.worktree_branch is None:
        return TreeGround()
    tree = Tree(Path(agent.worktree_path), agent.worktree_branch)
    provided = provided_to(wave_launch.store, wave_launch.wave, tree.path)
    secrets = frozenset(secrets_in(wave_launch.repository.root, tree.path, provided))
    # After an agent has worked, nobody could tell its edits from those of the set-up.
    is_new = not provided.is_set_up and not any(attempt.spawned for attempt in before)
    if not wave_launch.config.worktrees.setup or not is_new:
        return TreeGround(secrets)
    own = {name: value for name, value in environment.items() if name.startswith("SWARM_")}
    new = NewTree(
        repository=wave_launch.repository,
        workspace=wave_launch.workspace,
        config=wave_launch.config,
        wave=wave_launch.wave,
        tree=tree,
        logs=job.attempt_folder / "setup",
        mark=mark,
        environment=own,
        secrets=secrets,
    )
    failed = await set_up(wave_launch.store, new)
    if failed is None:
        return TreeGround(secrets)
    problem = cut(failed.problem)
    return TreeGround(
        secrets, Ending("not_started", failed.exit_class, error_code="SETUP_FAILED", error_fragment=problem)
    )

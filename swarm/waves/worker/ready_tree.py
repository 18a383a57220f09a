"""Start of an agent on a worker: its worktree set up, its prompt, its sandbox, and ports of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from swarm.config import Config
from swarm.engine.messages import WorkOrder
from swarm.files import make_folder, write_whole
from swarm.rules.phases import Phase
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.ports import port_block
from swarm.runtimes.runtime import Job, Runtime
from swarm.runtimes.sandbox import Enclosure
from swarm.store.attempts import Ending
from swarm.waves.launch.supervision import marked
from swarm.waves.trees.answers import make_ready
from swarm.waves.trees.sandbox_policies import agent_home, attempt_enclosure
from swarm.waves.trees.set_up import NewTree
from swarm.waves.trees.tree_ground import own_of, with_ports
from swarm.waves.worker.bases import WorkPlace
from swarm.waves.worker.ground import set_up
from swarm.workspace import answer_in

# In a prompt, the place of the agent's worktree: on each machine it is another.
WORKTREE: Final = "@SWARM_WORKTREE@"


class ReadyTree(NamedTuple):
    """The job of an agent with its sandbox, its variables and those that mark its processes.

    `made` are the files that the set-up made, `failed` is the ending of an attempt whose set-up failed.
    """

    job: Job
    enclosure: Enclosure
    environment: Mapping[str, str]
    mark: Mapping[str, str]
    made: Mapping[str, str]
    failed: Ending | None


@asynccontextmanager
async def ready_tree(
    site: WorkPlace, order: WorkOrder, prompt: str, config: Config, runtime: Runtime
) -> AsyncIterator[ReadyTree]:
    """Give an agent what it starts with, for as long as the block runs; the ports are no other agent's meanwhile."""
    job = _job(site, order, config)
    make_folder(job.attempt_folder)
    make_ready(job.tree)
    write_whole(job.prompt_path, prompt.replace(WORKTREE, str(job.tree)), lasts=False)
    with agent_home(runtime) as home, port_block(config.worktrees.port_base) as ports:
        enclosure = attempt_enclosure(site.repository, site.workspace, config, runtime, job)._replace(own_home=home)
        job = job._replace(is_enclosed=enclosure.encloses)
        mark = marked(order.id, job.attempt_folder)
        environment = with_ports(agent_environment({**mark, **job.variables}), ports)
        logs = job.attempt_folder / "setup"
        new = NewTree(site.repository, site.workspace, config, logs, mark, own_of(environment))
        failed, made = await set_up(site, new)
        yield ReadyTree(job, enclosure, environment, mark, made, failed)


def _job(site: WorkPlace, order: WorkOrder, config: Config) -> Job:
    folder = site.workspace.wave_folder(order.run, order.wave) / order.domain
    return Job(
        phase=Phase(order.phase),
        domain=order.domain,
        files=[],
        tree=site.tree.path,
        attempt_folder=folder / "attempt-1",
        prompt_path=folder / "prompt.md",
        output_path=answer_in(site.tree.path),
        config=config,
        is_review=order.review,
    )

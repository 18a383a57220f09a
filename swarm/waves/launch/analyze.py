"""Run of one analyzer over a tree, whatever the number of domains that own its files."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm.config import Config
from swarm.files import make_folder
from swarm.git.repository import Repository
from swarm.rules.analysis import analyzer_name
from swarm.rules.phases import Phase
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.registry import Ready
from swarm.runtimes.runtime import Job, ProcessStep, Product
from swarm.runtimes.sandbox import Enclosure
from swarm.runtimes.supervisor import Orders, run_steps
from swarm.store.attempts import Ending
from swarm.waves.launch.ending import judged
from swarm.waves.trees.sandbox_policies import attempt_enclosure
from swarm.workspace import Workspace

# In the place of a domain's name, for `{domain}` and `SWARM_DOMAIN` of a tool that reads the files of all domains.
WHOLE: Final = "all"


class TreeToRead(NamedTuple):
    """Tree that analyzers read, and the folder in which each analyzer gets a folder of its own.

    `files` are those to read, `tracked` all of the tree: a configuration may lie outside of every domain.
    """

    repository: Repository
    workspace: Workspace
    config: Config
    phase: Phase
    tree: Path
    files: Sequence[str]
    tracked: Sequence[str]
    folder: Path
    seconds: float


class Planned(NamedTuple):
    """An analyzer that is about to be run: the files that it reads, its processes, and their sandbox."""

    ready: Ready
    attempt: int
    job: Job
    steps: tuple[ProcessStep, ...]
    enclosure: Enclosure
    config_hash: str
    reads: frozenset[str]

    @property
    def tool(self) -> str:
        """The name of the analyzer."""
        return self.ready.runtime.name

    @property
    def argv(self) -> tuple[str, ...]:
        """The arguments of its first process, none where it has no file to read."""
        return self.steps[0].argv if self.steps else ()

    @property
    def analyzer(self) -> str:
        """The name by which its findings are marked."""
        return analyzer_name(self.tool, self.ready.program.version, self.config_hash)


class Analyzed(NamedTuple):
    """The end of an analyzer's run, and what it found where it succeeded."""

    planned: Planned
    ending: Ending
    product: Product | None


def planned(ground: TreeToRead, ready: Ready, tried: int = 0) -> Planned:
    """Prepare a run of an analyzer, which has been tried some times before. Raises IsolationUnavailable."""
    runtime = ready.runtime
    # No domain has a folder of this name: names of domains hold no dot.
    folder = ground.folder / f"analyzer.{runtime.name}"
    # A run whose supervisor was killed has a folder and no row.
    attempt = max(tried, *(int(own.name.rpartition("-")[2]) for own in folder.glob("attempt-[0-9]*")), 0) + 1
    job = Job(
        phase=ground.phase,
        domain=WHOLE,
        files=runtime.reads(ground.tree, ground.files),
        tree=ground.tree,
        attempt_folder=folder / f"attempt-{attempt}",
        prompt_path=folder / "prompt.md",
        output_path=folder / "output.json",
        config=ground.config,
    )
    make_folder(job.attempt_folder)
    return Planned(
        ready=ready,
        attempt=attempt,
        job=job,
        enclosure=attempt_enclosure(ground.repository, ground.workspace, ground.config, runtime, job),
        steps=tuple(runtime.steps(job)),
        # From the tree that is analyzed: the checkout may hold another configuration by now.
        config_hash=runtime.config_hash(ground.tree, ground.tracked, ground.phase),
        reads=frozenset(job.files),
    )


async def analyze(
    run: Planned, seconds: float, mark: Mapping[str, str], spawned: Callable[[int, str, str], None]
) -> Analyzed:
    """Run an analyzer to its end or its time limit. A failure is an ending, never an error.

    `mark` holds variables by which its processes are found after a crash; `spawned` receives each process.
    """
    # With the tool's name: an analyzer that ends must not end the processes of the analyzer beside it.
    own = {**mark, "SWARM_ANALYZER": run.tool}
    environment = agent_environment({**own, "SWARM_WORKTREE": str(run.job.tree), "SWARM_DOMAIN": WHOLE})
    orders = Orders(
        steps=run.steps,
        tree=run.job.tree,
        folder=run.job.attempt_folder,
        environment=environment,
        seconds=seconds,
        spawned=spawned,
        mark=own,
        enclosure=run.enclosure,
    )
    ended = judged(run.ready.runtime, run.job, await run_steps(orders), seconds)
    return Analyzed(run, ended.ending, ended.product)

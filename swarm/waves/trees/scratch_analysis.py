"""Run of an analyzer over files of a scratch tree; it is no attempt, and leaves no row."""

from collections.abc import Callable, Sequence
from pathlib import Path

from swarm.config import Config
from swarm.rules.phases import Phase
from swarm.runtimes.child import finish
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.runtime import Job, Product, Runtime, UnusableOutput
from swarm.runtimes.sandbox import Enclosure
from swarm.runtimes.supervisor import Orders, run_steps
from swarm.scratch import scratch_folder


def analysis_in(
    tree: Path,
    runtime: Runtime,
    phase: Phase,
    files: Sequence[str],
    config: Config,
    enclosure: Callable[[Path, Path], Enclosure],
) -> Product | None:
    """Return what an analyzer says of files of a tree, `None` where it fails."""
    with scratch_folder() as folder:
        job = Job(
            phase=phase,
            domain="rescan",
            files=files,
            tree=tree,
            attempt_folder=folder,
            prompt_path=folder / "prompt.md",
            output_path=folder / "output.json",
            config=config,
        )
        orders = Orders(
            steps=runtime.steps(job),
            tree=tree,
            folder=folder,
            environment=agent_environment({}),
            seconds=config.attempt_seconds,
            spawned=lambda *_: None,
            enclosure=enclosure(tree, folder),
        )
        ran = finish(run_steps(orders))
        if ran.failed is not None or ran.timed_out or ran.not_started is not None:
            return None
        try:
            return runtime.product(job, ran.results)
        except UnusableOutput:
            return None

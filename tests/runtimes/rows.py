"""The rows of the table of analyzers, and a job for one of them."""

from pathlib import Path

from swarm.config import Config
from swarm.rules.phases import Phase
from swarm.runtimes import analyzer_table
from swarm.runtimes.runtime import Job

ROWS = analyzer_table.table().rows


def job_of(tree: Path, *files: str) -> Job:
    folder = tree.parent / "attempt"
    folder.mkdir(exist_ok=True)
    return Job(
        phase=Phase.HEALTH_AUDIT_A,
        domain="all",
        files=files,
        tree=tree,
        attempt_folder=folder,
        prompt_path=folder / "prompt.md",
        output_path=folder / "output.json",
        config=Config(),
    )

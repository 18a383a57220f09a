"""Findings of an older commit, by the analyzer that a wave used, without a row in the database."""

import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.files import make_folder, write_whole
from swarm.git.repository import LINK_MODE, SUBMODULE_MODE, Repository, files_at
from swarm.rules.known_findings import Known, known_of
from swarm.rules.ownership import OwnershipMap
from swarm.rules.states import AgentRunStatus
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.runtime import Job, Runtime, UnusableOutput
from swarm.runtimes.supervisor import Orders, run_steps
from swarm.scratch import scratch_folder
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import take_in
from swarm.waves.collect.sightings import locate_all
from swarm.waves.launch.side_by_side import run_all
from swarm.waves.trees.sandbox_policies import attempt_enclosure
from swarm.waves.trees.scratch_tree import scratch_tree
from swarm.workspace import AGENT_VARIABLE, Workspace


class Base(NamedTuple):
    """The commit to look at, and the wave whose agents, map and runtime look at it."""

    repository: Repository
    workspace: Workspace
    run: Run
    wave: Wave
    agents: Sequence[AgentRun]
    owners: OwnershipMap
    runtime: Runtime
    config: Config
    commit: str


def findings_at(base: Base, jobs: int | None) -> list[Known]:
    """Return the findings that the analyzer of a wave reports in another commit. Raises BaselineNotAudited."""
    tracked = files_at(base.repository.git, base.commit)
    paths = [file.path for file in tracked if file.mode not in {LINK_MODE, SUBMODULE_MODE}]
    files, unassigned = base.owners.divide(paths)
    with scratch_tree(base.repository, base.workspace, base.run, base.commit) as tree, scratch_folder() as folder:
        agents = [_in_scratch(agent, tree, folder) for agent in base.agents]
        tasks = []
        for number, agent in enumerate(agents):
            # The map is that of HEAD: a folder that was moved since has no owner in it, and must not be left out.
            own = [*files.get(agent.domain, ()), *(unassigned if number == 0 else ())]
            tasks.append(functools.partial(_look, base, agent, own))
        run_all(tasks, jobs or base.config.jobs or os.cpu_count() or 1)
        wave = base.wave._replace(dispatch_sha=base.commit)
        intakes = [take_in(agent, wave, tree, Path(agent.output_path), None) for agent in agents]
    if failed := next((taken for taken in intakes if not taken.is_complete), None):
        raise errors.BaselineNotAudited(commit=base.commit[:12], problem=failed.problems[0].message)
    reports = locate_all(base.repository.git, tracked, base.owners, intakes, [], {}, base.commit).reports
    # Several agents can report the same finding, as tools do that read the whole tree for each domain.
    alike = {report.fingerprint: report for own in reports.values() for report in own}
    return [known_of(number, report, base.commit) for number, report in enumerate(alike.values(), 1)]


def _in_scratch(agent: AgentRun, tree: Path, folder: Path) -> AgentRun:
    output = folder / agent.domain / "output.json"
    make_folder(output.parent / "attempt")
    return agent._replace(status=AgentRunStatus.RUNNING, worktree_path=str(tree), output_path=str(output))


async def _look(base: Base, agent: AgentRun, files: Sequence[str]) -> None:
    output, tree = Path(agent.output_path), Path(agent.worktree_path or "")
    job = Job(
        phase=base.wave.phase,
        domain=agent.domain,
        files=files,
        tree=tree,
        attempt_folder=output.parent / "attempt",
        prompt_path=Path(agent.prompt_path),
        output_path=output,
        config=base.config,
    )
    named = {"SWARM_OUTPUT_FILE": str(output), "SWARM_WORKTREE": str(tree), "SWARM_DOMAIN": agent.domain}
    environment = agent_environment({AGENT_VARIABLE: "baseline", **named})
    seconds = min(base.config.attempt_seconds, base.run.timeout_seconds)
    orders = Orders(
        steps=base.runtime.steps(job),
        tree=tree,
        folder=job.attempt_folder,
        environment=environment,
        seconds=seconds,
        spawned=_unrecorded,
        # As for the wave itself: the tool reads an older commit of the same stranger.
        enclosure=attempt_enclosure(base.repository, base.workspace, base.config, base.runtime, job),
    )
    ran = await run_steps(orders)
    problem = ran.not_started or (f"it did not end within {seconds:g} s" if ran.timed_out else None)
    if problem is None and ran.failed is not None:
        problem = ran.fragment.strip() or f"exit code {ran.exit_code}"
    try:
        product = None if problem else base.runtime.product(job, ran.results)
    except UnusableOutput as error:
        problem = str(error)
    if problem is not None or product is None:
        raise errors.BaselineNotAudited(commit=base.commit[:12], problem=errors.shortened(problem or "no output"))
    write_whole(output, json.dumps(product.output, ensure_ascii=False))


def _unrecorded(pid: int, start: str, spawned: str) -> None:
    """Record nothing: the process belongs to no attempt."""
    del pid, start, spawned

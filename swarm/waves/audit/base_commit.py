"""Findings of an older commit, by the analyzers that a wave used, without a row in the database."""

import functools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.files import make_folder, write_whole
from swarm.git.repository import Repository, files_at
from swarm.rules.known_findings import Known, known_of
from swarm.rules.matching_by_tool import key_of
from swarm.rules.ownership import OwnershipMap
from swarm.rules.states import AgentRunStatus
from swarm.runtimes.registry import Ready
from swarm.runtimes.supervisor import run_all
from swarm.scratch import scratch_folder
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.collect.outputs import Intake, take_in
from swarm.waves.collect.sightings import locate_all
from swarm.waves.launch.analyze import Analyzed, Planned, TreeToRead, analyze, planned
from swarm.waves.launch.deal import dealt, output_of, refused
from swarm.waves.trees.scratch_tree import scratch_tree
from swarm.workspace import AGENT_VARIABLE, Workspace


class Base(NamedTuple):
    """The commit to look at, and the wave whose agents, map and analyzers look at it."""

    repository: Repository
    workspace: Workspace
    run: Run
    wave: Wave
    agents: Sequence[AgentRun]
    owners: OwnershipMap
    ready: tuple[Ready, ...]
    config: Config
    commit: str


def findings_at(base: Base, jobs: int | None) -> list[Known]:
    """Return the findings that the analyzers of a wave report in another commit. Raises BaselineNotAudited."""
    tracked = files_at(base.repository.git, base.commit)
    paths = [file.path for file in tracked if file.is_file]
    seconds = min(base.config.attempt_seconds, base.run.timeout_seconds)
    analyzed: list[Analyzed] = []
    with scratch_tree(base.repository, base.workspace, base.run, base.commit) as tree, scratch_folder() as scratch:
        ground = TreeToRead(
            repository=base.repository,
            workspace=base.workspace,
            config=base.config,
            phase=base.wave.phase,
            tree=tree,
            # Without the map, which is that of HEAD: a folder that was moved since has no owner in it.
            files=sorted(paths),
            tracked=paths,
            # As deep as the folder of a wave lies in its workspace.
            folder=scratch / "workspace" / "run" / "wave",
            seconds=seconds,
        )
        mark = {AGENT_VARIABLE: "baseline", "SWARM_OUTPUT_FILE": str(scratch)}

        async def look(plan: Planned) -> None:
            analyzed.append(await analyze(plan, seconds, mark, _unrecorded))

        plans = [planned(ground, ready) for ready in base.ready]
        run_all([functools.partial(look, plan) for plan in plans], jobs or base.config.jobs or os.cpu_count() or 1)
        intake = _taken_in(base, tree, ground.folder, analyzed)
    if not intake.is_complete:
        raise errors.BaselineNotAudited(commit=base.commit[:12], problem=intake.problems[0].message)
    reports = locate_all(base.repository.git, tracked, base.owners, [intake], [], {}, base.commit).reports
    alike = {key_of(report): report for own in reports.values() for report in own}
    return [known_of(number, report, base.commit) for number, report in enumerate(alike.values(), 1)]


def _taken_in(base: Base, tree: Path, folder: Path, analyzed: Sequence[Analyzed]) -> Intake:
    """Return what the analyzers found as the output of a single agent, which collect would take."""
    for done in analyzed:
        if done.product is None:
            problem = errors.shortened(f"{done.planned.tool}: {done.ending.error_fragment}")
            raise errors.BaselineNotAudited(commit=base.commit[:12], problem=problem)
    agent = base.agents[0]
    output = folder / agent.domain / "output.json"
    make_folder(output.parent)
    findings = dealt(analyzed, base.owners, [agent.domain])[agent.domain]
    document = output_of(agent.domain, base.wave.phase, (), analyzed, findings, refused(analyzed))
    write_whole(output, json.dumps(document, ensure_ascii=False))
    agent = agent._replace(status=AgentRunStatus.RUNNING, worktree_path=str(tree), output_path=str(output))
    return take_in(agent, base.wave._replace(dispatch_sha=base.commit), tree, None, None)


def _unrecorded(pid: int, start: str, spawned: str) -> None:
    """Record nothing: the process belongs to no attempt."""
    del pid, start, spawned

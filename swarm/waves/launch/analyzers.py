"""Analyzers of a wave: each runs once over the shared tree, and their findings are dealt to the agents' domains."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from swarm.files import make_folder, write_whole
from swarm.runtimes.supervisor import run_all
from swarm.store import agent_runs, analyses, attempts, digests
from swarm.store.agent_runs import AgentRun
from swarm.store.analyses import AnalysisRun
from swarm.store.attempts import Attempt, Ending
from swarm.waves.launch import attempt_files, seals
from swarm.waves.launch.analyze import Analyzed, Planned, TreeToRead, analyze, planned
from swarm.waves.launch.attempt import set_aside
from swarm.waves.launch.attempt_rows import (
    Plan,
    attempt_folder,
    close_attempt,
    emit_end,
    open_attempt,
    record_process,
)
from swarm.waves.launch.deal import concerned, dealt, ending_of, output_of, refused
from swarm.waves.launch.ground import WaveLaunch
from swarm.waves.launch.supervision import marked

Waiting = Sequence[tuple[AgentRun, list[Attempt]]]


class _Opened(NamedTuple):
    """An attempt of an agent that waits for the analyzers of its files."""

    agent: AgentRun
    attempt_id: int
    folder: Path


def launch_analyzers(launch: WaveLaunch, waiting: Waiting, at_once: int) -> None:
    """Run every analyzer of a launch once, side by side, and end an attempt of each waiting agent.

    The attempts' rows are written first, so that a supervisor that dies leaves a trace. All files of the wave's agents
    are read, also those of agents that do not wait: the newest run of an analyzer is what its silence rests on.
    """
    ground = TreeToRead(
        repository=launch.repository,
        workspace=launch.workspace,
        config=launch.config,
        phase=launch.wave.phase,
        tree=Path(launch.wave.shared_tree or launch.repository.root),
        files=sorted(path for own in launch.files.values() for path in own),
        tracked=launch.tracked,
        folder=launch.workspace.wave_folder(launch.run.id, launch.wave.number),
        seconds=launch.seconds,
    )
    tried = analyses.attempts_of(launch.store.conn, launch.wave.id)
    plans = [planned(ground, ready, tried.get(ready.runtime.name, 0)) for ready in launch.ready]
    opened = _open(launch, waiting, plans)
    lead = opened[0]
    mark = marked(lead.attempt_id, lead.folder)
    analyzed: list[Analyzed] = []
    recorded: set[int] = set()

    def spawned(pid: int, start: str, moment: str) -> None:
        # The row names a single process, and the mark finds every other. To replace it by each new process would take
        # a transaction, for which the analyzers would wait.
        if not recorded:
            recorded.add(pid)
            record_process(launch, lead.attempt_id, pid, start, moment)

    async def run(plan: Planned) -> None:
        analyzed.append(await analyze(plan, launch.seconds, mark, spawned))

    try:
        run_all([functools.partial(run, plan) for plan in plans], at_once)
    except BaseException:
        # Closed here and not by the next command: the agents can be launched again at once.
        ending = Ending("killed", 3, error_code="INTERRUPTED", error_fragment="the launch was interrupted")
        with launch.store.mutation() as conn:
            for each in opened:
                attempts.close(conn, launch.run.id, launch.wave.id, each.attempt_id, ending)
        for each in opened:
            attempt_files.write(each.folder / attempt_files.NAME, launch.store.conn, each.attempt_id)
        raise
    _end(launch, opened, sorted(analyzed, key=lambda done: done.planned.tool))


def _open(launch: WaveLaunch, waiting: Waiting, plans: Sequence[Planned]) -> list[_Opened]:
    """Open an attempt of each waiting agent, in a single transaction."""
    # An analyzer that runs code of others is the one whose sandbox matters.
    shown = min(plans, key=lambda plan: plan.ready.runtime.is_trusted)
    enclosure = shown.enclosure
    if shown.ready.runtime.is_trusted:
        # A bundled analyzer runs no code of the repository, so that it had no sandbox needs no warning.
        enclosure = enclosure._replace(reason=None)
    folders = {agent.id: attempt_folder(agent, len(before) + 1) for agent, before in waiting}
    for folder in folders.values():
        make_folder(folder)
    opened = []
    with launch.store.mutation() as conn:
        for agent, before in waiting:
            own = concerned(plans, launch.files.get(agent.domain, ())) or list(plans)
            plan = Plan(
                runtime=",".join(each.tool for each in own),
                version=own[0].ready.program.version if len(own) == 1 else None,
                argv=own[0].argv if len(own) == 1 else (),
                enclosure=enclosure,
            )
            opened.append(_Opened(agent, open_attempt(conn, launch, agent, before, plan), folders[agent.id]))
    # After the rows: a crash in between leaves open attempts, which the next launch closes.
    for agent, _ in waiting:
        set_aside(Path(agent.output_path), folders[agent.id])
    return opened


def _end(launch: WaveLaunch, opened: Sequence[_Opened], analyzed: Sequence[Analyzed]) -> None:
    """Write the output of each waiting agent, and record its attempt and the analyzers' runs in one transaction."""
    domains = [each.agent.domain for each in opened]
    findings = dealt(analyzed, launch.owners, domains)
    ends, sealed = [], []
    for each in opened:
        files = launch.files.get(each.agent.domain, ())
        own = [done for done in analyzed if concerned([done.planned], files)]
        found = findings[each.agent.domain]
        # Nobody can say whose file a part that does not count was about.
        left_out = refused(analyzed) if each is opened[0] else ()
        output = output_of(each.agent.domain, launch.wave.phase, files, own, found, left_out)
        write_whole(Path(each.agent.output_path), json.dumps(output, ensure_ascii=False) + "\n")
        ends.append(ending_of(own))
        # Also where an analyzer failed: what the others found is kept.
        sealed.append(seals.sealed_output(Path(each.agent.output_path)))
        attempt_files.write_events(each.folder, ends[-1])
    marks = [done.planned.analyzer for done in analyzed]
    with launch.store.mutation() as conn:
        for done in analyzed:
            analyses.add(conn, _row(launch, done))
        for each, ending, body in zip(opened, ends, sealed, strict=True):
            agent_runs.record_analyzers(conn, each.agent.id, marks)
            close_attempt(conn, launch, each.agent, each.attempt_id, ending, body)
        digests.seal_again(conn, launch.run.id, launch.wave.id)
    for each, ending in zip(opened, ends, strict=True):
        attempt_files.write(each.folder / attempt_files.NAME, launch.store.conn, each.attempt_id)
        emit_end(launch, each.agent, ending)


def _row(launch: WaveLaunch, done: Analyzed) -> AnalysisRun:
    run, ending = done.planned, done.ending
    return AnalysisRun(
        wave_id=launch.wave.id,
        tool=run.tool,
        attempt=run.attempt,
        version=run.ready.program.version,
        config=run.config_hash,
        argv=run.argv,
        files=len(run.job.files),
        isolation=run.enclosure.backend,
        isolation_reason=run.enclosure.reason,
        policy=run.enclosure.policy.digest,
        outcome=ending.outcome,
        exit_class=ending.exit_class,
        exit_code=ending.exit_code,
        error_code=ending.error_code,
        error_fragment=ending.error_fragment,
        duration_ms=ending.duration_ms,
        # Only a success proves which files were read; a failed analyzer's list would turn silence into fixes.
        document=done.product.analysis if done.product is not None else None,
    )

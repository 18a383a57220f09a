"""Attempt of an agent: its row before a process is spawned, its processes, its output, its record."""

import functools
import json
from contextlib import suppress
from pathlib import Path
from typing import Final

from swarm.files import make_folder, write_whole
from swarm.rules.phases import is_audit
from swarm.rules.stalls import Terms
from swarm.runtimes import supervisor
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.ports import port_block
from swarm.runtimes.runtime import Job
from swarm.runtimes.supervisor import Orders, Ran
from swarm.store import attempts, digests, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt, Ending
from swarm.waves.launch import attempt_files, seals
from swarm.waves.launch.attempt_rows import (
    Plan,
    WaveLaunch,
    attempt_folder,
    close_attempt,
    emit_end,
    open_attempt,
    record_process,
    record_said,
)
from swarm.waves.launch.ending import judged
from swarm.waves.launch.tree_ground import tree_ground
from swarm.waves.trees.sandbox_policies import attempt_enclosure
from swarm.workspace import AGENT_VARIABLE

_NOTHING_RAN: Final = Ran(
    results=(),
    failed=None,
    exit_code=None,
    signal=None,
    timed_out=False,
    spawned=None,
    first_output=None,
    last_progress=None,
    duration_ms=0,
    fragment="",
)
_FORGED: Final = Ending(
    "policy_rejected",
    2,
    error_code="MANIFEST_LOCK_MISMATCH",
    error_fragment="its prompt was changed after dispatch, so it was not launched; `swarm resume` writes a new prompt",
)


async def attempt(wave_launch: WaveLaunch, agent: AgentRun, before: list[Attempt]) -> None:
    """Make an attempt of an agent. The row is written first, so that a supervisor that dies leaves a trace."""
    job, folder = _job(wave_launch, agent, len(before) + 1)
    try:
        enclosure = attempt_enclosure(
            wave_launch.repository,
            wave_launch.workspace,
            wave_launch.config,
            wave_launch.runtime,
            job,
        )
        steps = wave_launch.runtime.steps(job)
        plan = Plan(
            wave_launch.runtime.name,
            wave_launch.ready[0].program.version,
            steps[0].argv if steps else (),
            enclosure,
        )
        with wave_launch.store.mutation() as conn:
            attempt_id = open_attempt(conn, wave_launch, agent, before, plan)
    # A refused second attempt must not leave an empty folder, which would look like an attempt without a record.
    except BaseException:
        with suppress(OSError):
            folder.rmdir()
        raise
    # As late as can be: an agent that works beside this one knows where its prompt lies.
    if not seals.is_as_dispatched(agent):
        _close(wave_launch, agent, attempt_id, job, _NOTHING_RAN, _FORGED)
        return
    # After the row: a crash in between leaves an open attempt, which the next launch closes.
    set_aside(job.output_path, folder)
    spawned = functools.partial(record_process, wave_launch, attempt_id)
    mark = {AGENT_VARIABLE: str(attempt_id), "SWARM_OUTPUT_FILE": str(job.output_path)}
    environment = agent_environment(
        {
            **mark,
            "SWARM_PROMPT_FILE": str(job.prompt_path),
            "SWARM_WORKTREE": str(job.tree),
            "SWARM_DOMAIN": job.domain,
        }
    )
    try:
        with port_block(wave_launch.config.worktrees.port_base) as ports:
            environment |= {} if ports is None else {"SWARM_PORT_BASE": str(ports)}
            ground = await tree_ground(wave_launch, agent, before, job, mark, environment)
            orders = Orders(
                steps=steps,
                tree=job.tree,
                folder=folder,
                environment=environment,
                seconds=wave_launch.seconds,
                spawned=spawned,
                mark=mark,
                enclosure=enclosure,
                terms=_terms(wave_launch, job),
                secrets=ground.secrets,
            )
            ran = _NOTHING_RAN if ground.failed else await supervisor.run_steps(orders)
    except BaseException:
        # Closed here and not by the next command: the agent can be launched again at once.
        ending = Ending("killed", 3, error_code="INTERRUPTED", error_fragment="the launch was interrupted")
        with wave_launch.store.mutation() as conn:
            attempts.close(conn, wave_launch.run.id, wave_launch.wave.id, attempt_id, ending)
        attempt_files.write(folder / attempt_files.NAME, wave_launch.store.conn, attempt_id)
        raise
    if ground.failed is not None:
        _close(wave_launch, agent, attempt_id, job, ran, ground.failed)
        return
    done = judged(wave_launch.runtime, job, ran, wave_launch.seconds)
    if done.product is not None and done.product.output is not None:
        write_whole(job.output_path, json.dumps(done.product.output, ensure_ascii=False, indent=1) + "\n")
    _close(wave_launch, agent, attempt_id, job, ran, done.ending)


def _terms(wave_launch: WaveLaunch, job: Job) -> Terms:
    return Terms(wave_launch.config.stalls, is_audit(job.phase), str(job.tree), str(job.output_path))


def _job(wave_launch: WaveLaunch, agent: AgentRun, ordinal: int) -> tuple[Job, Path]:
    # The agent's own tree, else the tree that the analyzers share, else the checkout of a wave without isolation.
    place = agent.worktree_path or wave_launch.wave.shared_tree or str(wave_launch.repository.root)
    folder = attempt_folder(agent, ordinal)
    make_folder(folder)
    job = Job(
        phase=wave_launch.wave.phase,
        domain=agent.domain,
        files=wave_launch.files.get(agent.domain, []),
        tree=Path(place),
        attempt_folder=folder,
        prompt_path=Path(agent.prompt_path),
        output_path=Path(agent.output_path),
        config=wave_launch.config,
        assigned=wave_launch.assigned.get(agent.id, ()),
    )
    return job, folder


def _close(wave_launch: WaveLaunch, agent: AgentRun, attempt_id: int, job: Job, ran: Ran, ending: Ending) -> None:
    """Close an attempt with its ending, and seal what it wrote."""
    sealed, tree = None, None
    if ending.outcome == "success":
        sealed = seals.sealed_output(job.output_path)
        # Read again: the set-up of a tree is recorded on its wave, and is not the agent's work.
        wave = waves.numbered(wave_launch.store.conn, wave_launch.run.id, wave_launch.wave.number) or wave_launch.wave
        tree = seals.sealed_tree(wave_launch.repository, wave_launch.workspace, wave, agent)
    # Before the row is closed: no later command writes the events of a closed attempt.
    attempt_files.write_events(job.attempt_folder, ending, ran.results)
    with wave_launch.store.mutation() as conn:
        record_said(conn, attempt_id, ran.results, wave_launch.runtime.agent)
        close_attempt(conn, wave_launch, agent, attempt_id, ending, sealed)
        attempts.seal_tree(conn, attempt_id, tree)
        digests.seal_again(conn, wave_launch.run.id, wave_launch.wave.id)
    attempt_files.write(job.attempt_folder / attempt_files.NAME, wave_launch.store.conn, attempt_id)
    emit_end(wave_launch, agent, ending)


def set_aside(output: Path, folder: Path) -> None:
    """Move an output of an earlier attempt aside: it could be taken for the output of this attempt."""
    if output.is_symlink() or output.exists():
        output.rename(folder / "previous-output.json")

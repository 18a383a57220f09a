"""Attempt of an agent: its row before a process is spawned, its processes, its output, its record."""

import functools
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import stage_events
from swarm.config import Config
from swarm.files import make_folder, write_whole
from swarm.git.repository import Repository
from swarm.rules.states import AgentRunStatus
from swarm.runtimes import processes, supervisor
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.runtime import Assigned, Job, Program, Runtime, ToolFailed, UnusableOutput, analyzer_name
from swarm.runtimes.sandbox import Enclosure
from swarm.runtimes.supervisor import Orders, Ran
from swarm.store import agent_runs, attempts, transitions
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt, Ending, NewAttempt
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.launch import attempt_files, seals
from swarm.waves.trees.sandbox_policies import attempt_enclosure
from swarm.workspace import AGENT_VARIABLE, Workspace

_FAILED: Final = {
    "timed_out": AgentRunStatus.TIMED_OUT,
    "runtime_error": AgentRunStatus.FAILED,
    "not_started": AgentRunStatus.FAILED,
    "invalid_output": AgentRunStatus.FAILED,
    "policy_rejected": AgentRunStatus.FAILED,
}

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
# The ending of an attempt, and the analysis of an analyzer that succeeded.
Judged = tuple[Ending, dict[str, object] | None]


class WaveLaunch(NamedTuple):
    """Facts that all attempts of a launch share; `files` are by domain, `assigned` by agent run."""

    store: Store
    run: Run
    wave: Wave
    runtime: Runtime
    program: Program
    config: Config
    config_hash: str
    repository: Repository
    files: dict[str, list[str]]
    seconds: float
    workspace: Workspace
    assigned: Mapping[int, Sequence[Assigned]] = {}


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
        attempt_id = _open(wave_launch, agent, before, job, enclosure, list(steps[0].argv) if steps else [])
    # A refused second attempt must not leave an empty folder, which would look like an attempt without a record.
    except BaseException:
        with suppress(OSError):
            folder.rmdir()
        raise
    # As late as can be: an agent that works beside this one knows where its prompt lies.
    if not seals.is_as_dispatched(agent):
        _close(wave_launch, agent, attempt_id, job, _NOTHING_RAN, (_FORGED, None))
        return
    # After the row: a crash in between leaves an open attempt, which the next launch closes.
    _set_aside(job.output_path, folder)
    spawned = functools.partial(_spawned, wave_launch, attempt_id)
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
        ran = await supervisor.run_steps(
            Orders(
                steps=steps,
                tree=job.tree,
                folder=folder,
                environment=environment,
                seconds=wave_launch.seconds,
                spawned=spawned,
                mark=mark,
                enclosure=enclosure,
            )
        )
    except BaseException:
        # Closed here and not by the next command: the agent can be launched again at once.
        ending = Ending("killed", 3, error_code="INTERRUPTED", error_fragment="the launch was interrupted")
        with wave_launch.store.mutation() as conn:
            attempts.close(conn, wave_launch.run.id, wave_launch.wave.id, attempt_id, ending)
        attempt_files.write(folder / attempt_files.NAME, wave_launch.store.conn, attempt_id)
        raise
    _close(wave_launch, agent, attempt_id, job, ran, _judged(wave_launch, job, ran))


def _job(wave_launch: WaveLaunch, agent: AgentRun, ordinal: int) -> tuple[Job, Path]:
    # The agent's own tree, else the tree that the analyzers share, else the checkout of a wave without isolation.
    place = agent.worktree_path or wave_launch.wave.shared_tree or str(wave_launch.repository.root)
    output = Path(agent.output_path)
    folder = output.parent / f"attempt-{ordinal}"
    make_folder(folder)
    job = Job(
        phase=wave_launch.wave.phase,
        domain=agent.domain,
        files=wave_launch.files.get(agent.domain, []),
        tree=Path(place),
        attempt_folder=folder,
        prompt_path=Path(agent.prompt_path),
        output_path=output,
        config=wave_launch.config,
        assigned=wave_launch.assigned.get(agent.id, ()),
    )
    return job, folder


def _open(
    wave_launch: WaveLaunch, agent: AgentRun, before: list[Attempt], job: Job, enclosure: Enclosure, argv: list[str]
) -> int:
    new = NewAttempt(
        agent_run_id=agent.id,
        ordinal=len(before) + 1,
        parent_id=before[-1].id if before else None,
        recovery_reason=before[-1].outcome if before else None,
        runtime=wave_launch.runtime.name,
        runtime_version=wave_launch.program.version,
        argv=tuple(argv),
        prompt_sha256=agent.prompt_sha256,
        host=processes.host(),
        supervisor_pid=os.getpid(),
        record_path=str(job.attempt_folder / attempt_files.NAME),
        isolation=enclosure.backend,
        isolation_reason=enclosure.reason,
        policy=enclosure.policy.digest,
    )
    with wave_launch.store.mutation() as conn:
        attempt_id = attempts.add(conn, wave_launch.run.id, wave_launch.wave.id, new)
        # A later attempt finds the agent running already.
        if agent.status is AgentRunStatus.DISPATCHED:
            transitions.move_agent_run(conn, wave_launch.wave, agent, AgentRunStatus.RUNNING)
    stage_events.emit(
        "attempt_started",
        run_id=wave_launch.run.id,
        wave_id=wave_launch.wave.id,
        agent_run_id=agent.id,
        domain=agent.domain,
    )
    return attempt_id


def _spawned(wave_launch: WaveLaunch, attempt_id: int, pid: int, start: str, moment: str) -> None:
    with wave_launch.store.mutation() as conn:
        attempts.record_process(conn, attempt_id, pid, start, moment)


def _close(wave_launch: WaveLaunch, agent: AgentRun, attempt_id: int, job: Job, ran: Ran, judged: Judged) -> None:
    """Close an attempt with its ending, and seal what it wrote."""
    ending, analysis = judged
    sealed, tree = None, None
    if ending.outcome == "success":
        sealed = seals.sealed_output(job.output_path)
        tree = seals.sealed_tree(wave_launch.repository, wave_launch.workspace, wave_launch.wave, agent)
    # Before the row is closed: no later command writes the events of a closed attempt.
    attempt_files.write_events(job.attempt_folder, ran, ending)
    with wave_launch.store.mutation() as conn:
        attempts.close(conn, wave_launch.run.id, wave_launch.wave.id, attempt_id, ending)
        # With the end of the attempt: an agent that works on can change the file, and not this row.
        seals.record_output(conn, agent, sealed)
        attempts.seal_tree(conn, attempt_id, tree)
        # Only a success proves which files were read; a failed analyzer's list would turn silence into fixes.
        if ending.outcome == "success" and analysis is not None:
            agent_runs.record_analysis(conn, agent.id, _analyzer_name(wave_launch), analysis)
        target = _FAILED.get(ending.outcome)
        if target is not None:
            # `agent` was read before its first attempt moved the row, and the update names the expected state.
            running = agent._replace(status=AgentRunStatus.RUNNING)
            reason = f"{ending.error_code}: {ending.error_fragment or ending.outcome}"
            transitions.move_agent_run(conn, wave_launch.wave, running, target, reason=reason)
    attempt_files.write(job.attempt_folder / attempt_files.NAME, wave_launch.store.conn, attempt_id)
    stage_events.emit(
        "attempt_ended",
        run_id=wave_launch.run.id,
        wave_id=wave_launch.wave.id,
        agent_run_id=agent.id,
        domain=agent.domain,
        outcome=ending.outcome,
        duration_ms=ending.duration_ms,
    )


def _judged(wave_launch: WaveLaunch, job: Job, ran: Ran) -> Judged:
    """Judge processes by their exit status first and their output second."""
    times: dict[str, Any] = {
        "exit_code": ran.exit_code,
        "signal": ran.signal,
        "spawned": ran.spawned,
        "first_output": ran.first_output,
        "last_progress": ran.last_progress,
        "duration_ms": ran.duration_ms,
    }
    # Before any file is read: an agent may have put a link in the place of the folder.
    if not attempt_files.is_in_place_of_attempt(job.attempt_folder):
        problem = "its folder in the workspace was replaced; nothing is read or written there"
        return Ending("invalid_output", 3, error_code="FOLDER_REPLACED", error_fragment=problem, **times), None
    if ran.not_started is not None:
        # The exit class that shells use for a missing program, so that scripts can tell it apart.
        code = 127 if "No such file" in ran.not_started else 1
        failed = Ending("not_started", code, error_code="NOT_STARTED", error_fragment=ran.not_started[:900])
        return failed._replace(duration_ms=ran.duration_ms), None
    if ran.timed_out:
        fragment = f"no end within {wave_launch.seconds:g} s. {ran.fragment}".strip()
        return Ending("timed_out", 3, error_code="TIMED_OUT", error_fragment=_cut(fragment), **times), None
    # The exit status before the output: a program that failed may have written half of its output.
    if ran.failed is not None:
        fragment = _cut(ran.fragment or f"exit code {ran.exit_code}")
        return Ending("runtime_error", 3, error_code="RUNTIME_FAILED", error_fragment=fragment, **times), None
    try:
        product = wave_launch.runtime.product(job, ran.results)
    except ToolFailed as error:
        fragment = _cut(ran.fragment or str(error))
        return Ending("runtime_error", 3, error_code="RUNTIME_FAILED", error_fragment=fragment, **times), None
    except UnusableOutput as error:
        return Ending("invalid_output", 3, error_code="NO_OUTPUT", error_fragment=_cut(str(error)), **times), None
    if product.output is not None:
        write_whole(job.output_path, json.dumps(product.output, ensure_ascii=False, indent=1) + "\n")
    return Ending("success", 0, error_fragment=product.note, **times), product.analysis


def _analyzer_name(wave_launch: WaveLaunch) -> str:
    return analyzer_name(wave_launch.runtime.name, wave_launch.program.version, wave_launch.config_hash)


def _set_aside(output: Path, folder: Path) -> None:
    """Move an output of an earlier attempt aside: it could be taken for the output of this attempt."""
    if output.is_symlink() or output.exists():
        output.rename(folder / "previous-output.json")


def _cut(text: str) -> str:
    # The limit is a CHECK of the table in bytes, and a cut may fall inside a character.
    return text.encode()[: supervisor.FRAGMENT_BYTES].decode("utf-8", "ignore")

"""`launch`: run a process for each dispatched agent, supervise it, and keep a record of each attempt."""

import asyncio
import functools
import json
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors, events
from swarm.config import Config
from swarm.failpoints import failpoint
from swarm.files import make_folder, write_whole
from swarm.git.repository import LINK_MODE, SUBMODULE_MODE, Repository, files_at, repository_at
from swarm.git.worktrees import Tree
from swarm.rules.ownership import OwnershipMap
from swarm.rules.states import AgentRunStatus
from swarm.runtimes import processes, registry, supervisor
from swarm.runtimes.environment import agent_environment
from swarm.runtimes.runtime import Job, Program, Runtime, UnusableOutput
from swarm.runtimes.supervisor import Orders, Ran
from swarm.store import agent_runs, attempts, transitions, waves
from swarm.store import domains as domain_table
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt, Ending, NewAttempt
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves import records, trees
from swarm.waves.results import AgentLaunched, AttemptShown, LaunchResult
from swarm.workspace import AGENT_VARIABLE, Workspace

# Of several, the gravest is told: not found, failed, refused, not started, done.
_PRECEDENCE: Final = (127, 3, 2, 1, 0)
_FAILED: Final = {
    "timed_out": AgentRunStatus.TIMED_OUT,
    "runtime_error": AgentRunStatus.FAILED,
    "not_started": AgentRunStatus.FAILED,
    "invalid_output": AgentRunStatus.FAILED,
}


class Scene(NamedTuple):
    """Everything that stays the same while a wave is launched."""

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


def launch(
    store: Store,
    workspace: Workspace,
    run: Run,
    config: Config,
    *,
    runtime: str | None = None,
    jobs: int | None = None,
    seconds: float | None = None,
) -> LaunchResult:
    """Launch every agent of the wave in flight that has not succeeded yet, `jobs` at once, in the foreground.

    Attempts whose supervisor died are closed as `killed` first, and their processes ended. Raises NoWaveToLaunch,
    LaunchInProgress, and what the runtime's look-up raises. An interrupt ends what runs and leaves the agents to
    be launched again.
    """
    wave = waves.in_flight(store.conn, run.id)
    if wave is None:
        raise errors.NoWaveToLaunch(run_id=run.id)
    found, program = registry.ready(runtime or wave.runtime or registry.DEFAULT, config, wave.phase)
    with _only_supervisor(workspace, run, wave):
        close_dead_attempts(store, run, wave)
        repository = repository_at(Path(run.local_path))
        # A link could lead an analyzer, and then a quote, anywhere.
        tracked = files_at(repository.git, wave.dispatch_sha)
        paths = [file.path for file in tracked if file.mode not in {LINK_MODE, SUBMODULE_MODE}]
        files, _ = OwnershipMap(domain_table.snapshot_map(store.conn, wave.snapshot_id)).divide(paths)
        waiting = _waiting(store.conn, wave)
        if waiting and found.is_analyzer:
            wave = _with_shared_tree(store, workspace, run, wave, repository)
        tree = Path(wave.shared_tree) if wave.shared_tree else repository.root
        config_hash = found.config_hash(tree, paths, wave.phase)
        if waiting:
            with store.mutation() as conn:
                waves.record_runtime(conn, wave.id, found.name, program.version, config_hash)
        allowed = seconds or min(config.attempt_seconds, run.timeout_seconds)
        scene = Scene(store, run, wave, found, program, config, config_hash, repository, files, allowed)
        tasks = [functools.partial(_attempt, scene, agent, own) for agent, own in waiting]
        _supervise(tasks, jobs or config.jobs or _cores())
    return told(store.conn, run, wave, len(waiting))


def told(conn: sqlite3.Connection, run: Run, wave: Wave, launched: int) -> LaunchResult:
    """Return how the agents of a wave stand, with their attempts."""
    by_agent = attempts.of_wave(conn, wave.id)
    agents, gravest = [], 0
    for agent in agent_runs.current(conn, wave.id):
        own = by_agent.get(agent.id, [])
        if own and own[-1].exit_class is not None:
            gravest = min(gravest, own[-1].exit_class, key=_PRECEDENCE.index)
        shown = tuple(_shown(attempt) for attempt in own)
        progress = own[-1].last_progress if own else None
        agents.append(AgentLaunched(agent.domain, agent.id, agent.status, shown, progress))
    return LaunchResult(run.id, wave.id, wave.number, launched, gravest, tuple(agents), f"swarm collect {run.id}")


def close_dead_attempts(store: Store, run: Run, wave: Wave) -> None:
    """End what a supervisor that died left running, and close its attempts."""
    for own in attempts.of_wave(store.conn, wave.id).values():
        attempt = own[-1]
        if attempt.outcome is not None or attempt.host != processes.host():
            continue
        if attempt.pid is not None and attempt.pid_start:
            processes.end_group(attempt.pid, attempt.pid_start)
        ending = Ending("killed", 3, error_code="SUPERVISOR_DIED", error_fragment="its supervisor ended before it")
        with store.mutation() as conn:
            attempts.close(conn, run.id, wave.id, attempt.id, ending)
        records.write(Path(attempt.record_path), store.conn, attempt.id)


@contextmanager
def _only_supervisor(workspace: Workspace, run: Run, wave: Wave) -> Iterator[None]:
    from swarm.store.locks import LockTaken, locked

    folder = workspace.wave_folder(run.id, wave.number)
    make_folder(folder)
    try:
        with locked(folder / "launch.lock", "launch", timeout=0):
            yield
    except LockTaken as taken:
        holder = f" by process {taken.holder.partition(' ')[0]}" if taken.holder else ""
        raise errors.LaunchInProgress(number=wave.number, holder=holder, run_id=run.id) from taken


def _waiting(conn: sqlite3.Connection, wave: Wave) -> list[tuple[AgentRun, list[Attempt]]]:
    """Return the agents that have not succeeded yet, each with its attempts so far."""
    by_agent = attempts.of_wave(conn, wave.id)
    waiting = []
    for agent in agent_runs.current(conn, wave.id):
        own = by_agent.get(agent.id, [])
        works = agent.status in {AgentRunStatus.DISPATCHED, AgentRunStatus.RUNNING}
        if works and not any(attempt.outcome in {None, "success"} for attempt in own):
            waiting.append((agent, own))
    return waiting


def _with_shared_tree(store: Store, workspace: Workspace, run: Run, wave: Wave, repository: Repository) -> Wave:
    """Give a wave without worktrees the one detached tree that its analyzers read."""
    if wave.shared_tree is None and wave.isolated:
        return wave
    place = Path(wave.shared_tree) if wave.shared_tree else workspace.tree(run.id, wave.number, None)
    tree = Tree(place, None)
    if not place.exists():
        with trees.worktree_lock(repository, "launch"):
            trees.make_trees(repository.git, [("all", tree)], wave.dispatch_sha)
            trees.keep_indexes([tree], workspace.wave_folder(run.id, wave.number) / "trees")
    if wave.shared_tree is None:
        with store.mutation() as conn:
            waves.record_shared_tree(conn, wave.id, str(place))
    return wave._replace(shared_tree=str(place))


def _supervise(tasks: Sequence[Callable[[], Awaitable[None]]], at_once: int) -> None:
    async def everything() -> None:
        this = asyncio.current_task()
        with suppress(NotImplementedError, ValueError, RuntimeError):
            if this is not None:
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
        await supervisor.run_queue(tasks, at_once=at_once)

    if not tasks:
        return
    try:
        asyncio.run(everything())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


async def _attempt(scene: Scene, agent: AgentRun, before: list[Attempt]) -> None:
    """Make one attempt of one agent: row, processes, output, record."""
    job, folder = _job(scene, agent, len(before) + 1)
    steps = scene.runtime.steps(job)
    attempt_id = _open(scene, agent, before, folder, list(steps[0].argv) if steps else [])
    _set_aside(job.output_path, folder)
    spawned = functools.partial(_spawned, scene, attempt_id)
    environment = agent_environment(
        {
            AGENT_VARIABLE: str(attempt_id),
            "SWARM_PROMPT_FILE": str(job.prompt_path),
            "SWARM_OUTPUT_FILE": str(job.output_path),
            "SWARM_WORKTREE": str(job.tree),
            "SWARM_DOMAIN": job.domain,
        }
    )
    try:
        ran = await supervisor.run_steps(Orders(steps, job.tree, folder, environment, scene.seconds, spawned))
    except BaseException:
        ending = Ending("killed", 3, error_code="INTERRUPTED", error_fragment="the launch was interrupted")
        with scene.store.mutation() as conn:
            attempts.close(conn, scene.run.id, scene.wave.id, attempt_id, ending)
        records.write(folder / records.NAME, scene.store.conn, attempt_id)
        raise
    _close(scene, agent, attempt_id, job, ran)


def _job(scene: Scene, agent: AgentRun, ordinal: int) -> tuple[Job, Path]:
    place = agent.worktree_path or scene.wave.shared_tree or str(scene.repository.root)
    output = Path(agent.output_path)
    folder = output.parent / f"attempt-{ordinal}"
    make_folder(folder)
    job = Job(
        scene.wave.phase,
        agent.domain,
        scene.files.get(agent.domain, []),
        Path(place),
        folder,
        Path(agent.prompt_path),
        output,
        scene.config,
    )
    return job, folder


def _open(scene: Scene, agent: AgentRun, before: list[Attempt], folder: Path, argv: list[str]) -> int:
    new = NewAttempt(
        agent.id,
        len(before) + 1,
        before[-1].id if before else None,
        before[-1].outcome if before else None,
        scene.runtime.name,
        scene.program.version,
        json.dumps(argv),
        agent.prompt_sha256,
        processes.host(),
        _own_pid(),
        str(folder / records.NAME),
    )
    with scene.store.mutation() as conn:
        attempt_id = attempts.add(conn, scene.run.id, scene.wave.id, new)
        if agent.status is AgentRunStatus.DISPATCHED:
            transitions.move_agent_run(conn, scene.wave, agent, AgentRunStatus.RUNNING)
    failpoint("launch.after_open")
    events.emit(
        "attempt_started",
        run_id=scene.run.id,
        wave_id=scene.wave.id,
        agent_run_id=agent.id,
        domain=agent.domain,
    )
    return attempt_id


def _spawned(scene: Scene, attempt_id: int, pid: int, start: str, moment: str) -> None:
    with scene.store.mutation() as conn:
        attempts.record_process(conn, attempt_id, pid, start, moment)
    failpoint("launch.after_spawn")


def _close(scene: Scene, agent: AgentRun, attempt_id: int, job: Job, ran: Ran) -> None:
    """Judge what the processes made: the exit status first, the output second."""
    ending, analysis = _judged(scene, job, ran)
    failpoint("launch.before_close")
    with scene.store.mutation() as conn:
        attempts.close(conn, scene.run.id, scene.wave.id, attempt_id, ending)
        if ending.outcome == "success" and analysis is not None:
            agent_runs.record_analysis(conn, agent.id, _analyzer_name(scene), json.dumps(analysis))
        target = _FAILED.get(ending.outcome)
        if target is not None:
            running = agent._replace(status=AgentRunStatus.RUNNING)
            reason = f"{ending.error_code}: {ending.error_fragment or ending.outcome}"
            transitions.move_agent_run(conn, scene.wave, running, target, reason=reason)
    failpoint("launch.after_close")
    records.write(job.attempt_folder / records.NAME, scene.store.conn, attempt_id)
    records.write_events(job.attempt_folder, ran, ending)
    events.emit(
        "attempt_ended",
        run_id=scene.run.id,
        wave_id=scene.wave.id,
        agent_run_id=agent.id,
        domain=agent.domain,
        outcome=ending.outcome,
        duration_ms=ending.duration_ms,
    )


def _judged(scene: Scene, job: Job, ran: Ran) -> tuple[Ending, dict[str, object] | None]:
    times: dict[str, Any] = {
        "exit_code": ran.exit_code,
        "signal": ran.signal,
        "spawned": ran.spawned,
        "first_output": ran.first_output,
        "last_progress": ran.last_progress,
        "duration_ms": ran.duration_ms,
    }
    if ran.not_started is not None:
        code = 127 if "No such file" in ran.not_started else 1
        failed = Ending("not_started", code, error_code="NOT_STARTED", error_fragment=ran.not_started[:900])
        return failed._replace(duration_ms=ran.duration_ms), None
    if ran.timed_out:
        fragment = f"no end within {scene.seconds:g} s. {ran.fragment}".strip()
        return Ending("timed_out", 3, error_code="TIMED_OUT", error_fragment=_cut(fragment), **times), None
    if ran.failed is not None:
        fragment = _cut(ran.fragment or f"exit code {ran.exit_code}")
        return Ending("runtime_error", 3, error_code="RUNTIME_FAILED", error_fragment=fragment, **times), None
    try:
        product = scene.runtime.product(job, ran.results)
    except UnusableOutput as error:
        return Ending("invalid_output", 3, error_code="NO_OUTPUT", error_fragment=_cut(str(error)), **times), None
    if product.output is not None:
        write_whole(job.output_path, json.dumps(product.output, ensure_ascii=False, indent=1) + "\n")
    return Ending("success", 0, error_fragment=product.note, **times), product.analysis


def _analyzer_name(scene: Scene) -> str:
    return " ".join(filter(None, (scene.runtime.name, scene.program.version, f"config {scene.config_hash}")))


def _set_aside(output: Path, folder: Path) -> None:
    """Keep an output that is there before the attempt, so that it cannot be taken for the attempt's own."""
    if output.is_symlink() or output.exists():
        output.rename(folder / "previous-output.json")


def _shown(attempt: Attempt) -> AttemptShown:
    return AttemptShown(
        attempt.id,
        attempt.ordinal,
        attempt.runtime,
        attempt.outcome,
        attempt.exit_class,
        attempt.exit_code,
        attempt.duration_ms,
        attempt.stall_reason,
        attempt.error_code,
        attempt.error_fragment,
        attempt.record_path,
    )


def _cut(text: str) -> str:
    return text.encode()[: supervisor.FRAGMENT_BYTES].decode("utf-8", "ignore")


def _cores() -> int:
    import os

    return os.cpu_count() or 1


def _own_pid() -> int:
    import os

    return os.getpid()

"""`launch`: run a process for each dispatched agent and supervise it."""

import asyncio
import functools
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from swarm import errors, interruption
from swarm.config import Config
from swarm.git.repository import LINK_MODE, SUBMODULE_MODE, Repository, files_at, repository_at
from swarm.git.worktrees import Tree
from swarm.results.launch import LaunchResult
from swarm.rules.ownership import OwnershipMap
from swarm.rules.phases import is_audit
from swarm.rules.states import AgentRunStatus
from swarm.runtimes import registry, supervisor
from swarm.store import agent_runs, attempts, snapshots, waves
from swarm.store.agent_runs import AgentRun
from swarm.store.attempts import Attempt
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.launch.assigned import assigned_to
from swarm.waves.launch.attempt import Scene, attempt
from swarm.waves.launch.attempts import attempts as attempts_of
from swarm.waves.launch.supervision import close_dead_attempts, only_supervisor
from swarm.waves.trees import kept_index, worktrees
from swarm.workspace import Workspace


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
    with only_supervisor(workspace, run, wave):
        close_dead_attempts(store, run, wave)
        repository = repository_at(Path(run.local_path))
        # A link could lead an analyzer, and then a quote, anywhere.
        tracked = files_at(repository.git, wave.dispatch_sha)
        paths = [file.path for file in tracked if file.mode not in {LINK_MODE, SUBMODULE_MODE}]
        files, _ = OwnershipMap(snapshots.map_of(store.conn, wave.snapshot_id)).divide(paths)
        waiting = _waiting(store.conn, wave)
        if waiting and not is_audit(wave.phase) and not wave.isolated and found.is_analyzer:
            raise errors.LaunchNeedsIsolation(number=wave.number, phase=wave.phase, runtime=found.name, run_id=run.id)
        if waiting and found.is_analyzer and is_audit(wave.phase):
            wave = _with_shared_tree(store, workspace, run, wave, repository)
        tree = Path(wave.shared_tree) if wave.shared_tree else repository.root
        config_hash = found.config_hash(tree, paths, wave.phase)
        if waiting:
            with store.mutation() as conn:
                waves.record_runtime(conn, wave.id, found.name, program.version, config_hash)
        allowed = seconds or min(config.attempt_seconds, run.timeout_seconds)
        assigned = assigned_to(store.conn, run, wave, repository) if waiting else {}
        scene = Scene(
            store=store,
            run=run,
            wave=wave,
            runtime=found,
            program=program,
            config=config,
            config_hash=config_hash,
            repository=repository,
            files=files,
            seconds=allowed,
            assigned=assigned,
        )
        tasks = [functools.partial(attempt, scene, agent, own) for agent, own in waiting]
        _supervise(tasks, jobs or config.jobs or os.cpu_count() or 1)
    return LaunchResult(*attempts_of(store.conn, run, wave)._replace(launched=len(waiting)))


def _waiting(conn: sqlite3.Connection, wave: Wave) -> list[tuple[AgentRun, list[Attempt]]]:
    """Return the agents that have not succeeded yet, each with its attempts so far."""
    by_agent = attempts.of_wave(conn, wave.id)
    waiting = []
    for agent in agent_runs.current(conn, wave.id):
        own = by_agent.get(agent.id, [])
        works = agent.status in {AgentRunStatus.DISPATCHED, AgentRunStatus.RUNNING}
        # An output without an attempt is somebody's answer by hand.
        by_hand = not own and os.path.lexists(agent.output_path)
        if works and not by_hand and not any(attempt.outcome in {None, "success"} for attempt in own):
            waiting.append((agent, own))
    return waiting


def _with_shared_tree(store: Store, workspace: Workspace, run: Run, wave: Wave, repository: Repository) -> Wave:
    """Give a wave without worktrees the one detached tree that its analyzers read."""
    if wave.shared_tree is None and wave.isolated:
        return wave
    place = Path(wave.shared_tree) if wave.shared_tree else workspace.tree(run.id, wave.number, None)
    tree = Tree(place, None)
    if not place.exists():
        with worktrees.worktree_lock(repository, "launch"):
            worktrees.make_tree(repository.git, tree, wave.dispatch_sha)
            kept_index.keep_indexes([tree], workspace.wave_folder(run.id, wave.number))
            # Before anybody else may look whose it is.
            if wave.shared_tree is None:
                _record_shared_tree(store, wave, place)
    elif wave.shared_tree is None:
        _record_shared_tree(store, wave, place)
    return wave._replace(shared_tree=str(place))


def _record_shared_tree(store: Store, wave: Wave, place: Path) -> None:
    with store.mutation() as conn:
        waves.record_shared_tree(conn, wave.id, str(place))


def _supervise(tasks: Sequence[Callable[[], Awaitable[None]]], at_once: int) -> None:
    async def everything() -> None:
        this = asyncio.current_task()
        with suppress(NotImplementedError, ValueError, RuntimeError):
            for number in (signal.SIGINT, signal.SIGTERM):
                if this is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    asyncio.get_running_loop().add_signal_handler(number, this.cancel)
        await supervisor.run_queue(tasks, at_once=at_once)

    if not tasks:
        return
    try:
        with interruption.kept():
            asyncio.run(everything())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None

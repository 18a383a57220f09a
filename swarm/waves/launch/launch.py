"""`launch`: run a process for each dispatched agent and supervise it."""

import functools
import os
from pathlib import Path

from swarm import errors
from swarm.config import Config
from swarm.git.repository import files_at, repository_at
from swarm.results.launch import LaunchResult
from swarm.runtimes import registry
from swarm.store import agent_runs, snapshots, waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.waves.launch.analyzers import launch_analyzers
from swarm.waves.launch.assigned import assigned_to, held_back, tools_assigned
from swarm.waves.launch.attempt import attempt
from swarm.waves.launch.attempt_rows import WaveLaunch
from swarm.waves.launch.attempts import attempts, waiting_agents
from swarm.waves.launch.shared_tree import with_shared_tree
from swarm.waves.launch.side_by_side import run_all
from swarm.waves.launch.supervision import close_dead_attempts, hold_to_own_folder, only_supervisor
from swarm.waves.review.reviewer import hold_to_agent
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
    hold_to_own_folder(workspace, run, wave)
    # Before the lock: a missing program is reported at once, and nothing is touched.
    name = runtime or wave.runtime or config.default_runtime or (registry.DEFAULT if wave.is_audit else None)
    if name is None:
        ready = registry.fixers(tools_assigned(store.conn, run, wave), config, wave.phase)
    else:
        ready = registry.all_ready(name, config, wave.phase)
    if wave.is_review:
        hold_to_agent(ready, wave.phase)
    analyzes = all(each.runtime.is_analyzer for each in ready)
    if not analyzes:
        # An agent in a tree that nobody set up would report what the set-up prevents.
        config.hold_to_trusted("worktrees")
    with only_supervisor(workspace, run, wave):
        # Before the waiting agents are read: a dead attempt would count as open for ever.
        close_dead_attempts(store, run, wave)
        repository = repository_at(Path(run.local_path))
        # Without links: an analyzer would follow them out of the repository, and quote files of the machine.
        tracked = files_at(repository.git, wave.dispatch_sha)
        paths = [file.path for file in tracked if file.is_file]
        # By the frozen map, as collect will judge.
        owners = snapshots.owners_in(store.conn, wave.snapshot_id)
        owned, _ = owners.divide(paths)
        waiting = waiting_agents(store.conn, wave)
        # An analyzer that fixes would edit the user's checkout.
        if waiting and analyzes and not wave.is_audit and not wave.isolated:
            names = registry.joined(ready)
            raise errors.LaunchNeedsIsolation(number=wave.number, phase=wave.phase, runtime=names, run_id=run.id)
        analyzes = analyzes and wave.is_audit
        if waiting and analyzes:
            wave = with_shared_tree(store, workspace, run, wave, repository)
        tree = Path(wave.shared_tree) if wave.shared_tree else repository.root
        # Only a launch that runs something replaces the runtime of the wave.
        if waiting:
            recorded = registry.recorded(ready, tree, paths, wave.phase)
            with store.mutation() as conn:
                waves.record_runtime(conn, wave.id, *recorded)
        given = assigned_to(store.conn, run, wave, repository) if waiting else {}
        wave_launch = WaveLaunch(
            store=store,
            run=run,
            wave=wave,
            ready=ready,
            config=config,
            repository=repository,
            owners=owners,
            tracked=paths,
            files={agent.domain: owned.get(agent.domain, []) for agent in agent_runs.current(store.conn, wave.id)},
            # Without `--timeout` the run's policy is the bound: `resume` would count a longer attempt as timed out.
            seconds=seconds or min(config.attempt_seconds, run.timeout_seconds),
            workspace=workspace,
            assigned=given,
            held=held_back(store.conn, run, wave, given) if ready[0].runtime.is_analyzer else {},
        )
        # Analyzers are few, and most of them take a core at their start alone.
        at_once = jobs or config.jobs or (len(ready) if analyzes else os.cpu_count()) or 1
        if waiting and analyzes:
            launch_analyzers(wave_launch, waiting, at_once)
        else:
            run_all([functools.partial(attempt, wave_launch, agent, own) for agent, own in waiting], at_once)
    return LaunchResult(*attempts(store.conn, run, wave)._replace(launched=len(waiting)))

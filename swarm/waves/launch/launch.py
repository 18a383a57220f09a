"""`launch`: run a process for each dispatched agent and supervise it."""

import functools
import os
from pathlib import Path

from swarm import errors
from swarm.config import Config
from swarm.results.launch import LaunchResult
from swarm.runtimes import registry
from swarm.runtimes.supervisor import run_all
from swarm.store import waves
from swarm.store.connection import Store
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.launch.analyzers import launch_analyzers
from swarm.waves.launch.attempt import attempt
from swarm.waves.launch.attempts import launch_result, waiting_agents
from swarm.waves.launch.gate import LaunchGate, LaunchLimits, silent_about_cost
from swarm.waves.launch.ground import LaunchRuntimes, assigned_to, ground_of_launch, held_back, runtimes_of
from swarm.waves.launch.supervision import close_dead_attempts, only_supervisor, wave_to_launch
from swarm.waves.lock import locks
from swarm.waves.review.reviewer import hold_to_agent
from swarm.waves.trees.shared_tree import with_shared_tree
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
    limits: LaunchLimits = LaunchLimits(),  # noqa: B008
) -> LaunchResult:
    """Launch every agent of the wave in flight that has not succeeded yet, `jobs` at once, in the foreground.

    Attempts whose supervisor died are closed as `killed` first, and their processes ended. Raises NoWaveToLaunch,
    LaunchInProgress, and what the runtime's look-up raises. An interrupt ends what runs and leaves the agents to
    be launched again.
    """
    wave = wave_to_launch(store.conn, workspace, run)
    # Before the lock: a missing program is reported at once, and nothing is touched.
    ready, by_agent, names = _runtimes(store, run, wave, config, runtime)
    if wave.is_review:
        hold_to_agent(ready, wave.phase)
    analyzes = all(each.runtime.is_analyzer for each in ready)
    if not analyzes:
        # An agent in a tree that nobody set up would report what the set-up prevents.
        config.hold_to_trusted("worktrees")
    with only_supervisor(workspace, run, wave):
        # Before the waiting agents are read: a dead attempt would count as open for ever.
        close_dead_attempts(store, run, wave)
        gate = LaunchGate(store, run, limits, config.on_attention)
        wave_launch = ground_of_launch(store, workspace, run, wave, config, gate, seconds=seconds)
        repository = wave_launch.repository
        waiting = waiting_agents(store.conn, wave)
        if waiting:
            locks.hold_to_lock(store.conn, config, wave, names, ready)
        # An analyzer that fixes would edit the user's checkout.
        if waiting and analyzes and not wave.is_audit and not wave.isolated:
            listed = registry.joined(ready)
            raise errors.LaunchNeedsIsolation(number=wave.number, phase=wave.phase, runtime=listed, run_id=run.id)
        analyzes = analyzes and wave.is_audit
        if waiting and analyzes:
            wave = with_shared_tree(store, workspace, run, wave, repository)
        tree = Path(wave.shared_tree) if wave.shared_tree else repository.root
        if waiting:
            gate.hold_to_quota(ready)
            gate.hold_to_cost([each.runtime.name for each in ready], silent_about_cost(ready), len(waiting))
            # Only a launch that runs something replaces the runtime of the wave.
            recorded = registry.recorded(ready, tree, wave_launch.tracked, wave.phase)
            with store.mutation() as conn:
                waves.record_runtime(conn, wave.id, *recorded)
        given = assigned_to(store.conn, run, wave, repository) if waiting else {}
        held = held_back(store.conn, run, wave, given) if ready[0].runtime.is_analyzer else {}
        wave_launch = wave_launch._replace(wave=wave, ready=ready, assigned=given, held=held)
        # Analyzers are few, and most of them take a core at their start alone.
        at_once = jobs or config.jobs or (len(ready) if analyzes else os.cpu_count()) or 1
        if waiting and analyzes:
            launch_analyzers(wave_launch, waiting, at_once)
        else:
            launches = {domain: wave_launch.of(own) for domain, own in by_agent.items()}
            work = [(launches.get(agent.domain, wave_launch), agent, own) for agent, own in waiting]
            run_all([functools.partial(attempt, *each) for each in work], at_once)
    return launch_result(store.conn, run, wave, len(waiting) - gate.kept_back)


def _runtimes(store: Store, run: Run, wave: Wave, config: Config, named: str | None) -> LaunchRuntimes:
    """Return the runtimes of a launch. Raises as their look-up does."""
    # A launch by chains left the names of its runtimes on the wave, and nobody named these.
    of_dispatch = None if locks.leaves_to_chain(store.conn, wave) else wave.runtime
    return runtimes_of(store.conn, run, wave, config, named or of_dispatch)


def relock(store: Store, run: Run, config: Config, runtime: str | None, reason: str, sign: str | None = None) -> None:
    """Lock the plan of the wave in flight as a launch would be now. Raises NoWaveToLaunch, and as the look-up does."""
    wave = waves.in_flight(store.conn, run.id)
    if wave is None:
        raise errors.NoWaveToLaunch(run_id=run.id)
    ready, _, names = _runtimes(store, run, wave, config, runtime)
    locks.relock(store, config, wave, names, ready, reason, sign)


def without_sandbox(store: Store, run: Run, config: Config, runtime: str | None, reason: str) -> Config:
    """Return the settings without a sandbox. The lock follows where nothing else of the plan changed.

    The reason is that of the launch: a second word for the same decision would say nothing more.
    """
    bare = config.without_sandbox(reason)
    wave = waves.in_flight(store.conn, run.id)
    if wave is not None:
        ready, _, names = _runtimes(store, run, wave, bare, runtime)
        found = locks.changes(store.conn, bare, wave, names, ready)
        if found and all(each.member.endswith("policy.backend") for each in found):
            locks.relock(store, bare, wave, names, ready, reason)
    return bare


def launch_again(
    store: Store,
    workspace: Workspace,
    run: Run,
    config: Config,
    verb: str,
    *,
    runtime: str | None,
    jobs: int | None,
    limits: LaunchLimits = LaunchLimits(),  # noqa: B008
) -> LaunchResult:
    """Launch for a verb that plans anew whenever it is called, and goes on with what it finds: the lock follows.

    Raises as `launch`.
    """
    wave = waves.in_flight(store.conn, run.id)
    if wave is not None:
        ready, _, names = _runtimes(store, run, wave, config, runtime)
        locks.go_on(store, config, wave, names, ready, verb)
    return launch(store, workspace, run, config, runtime=runtime, jobs=jobs, limits=limits)

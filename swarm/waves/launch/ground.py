"""Ground of a launch: the facts that its attempts share, and the findings that are assigned to agents."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm.clock import today
from swarm.config import Config
from swarm.git.repository import Repository, files_at, repository_at
from swarm.rules.analysis import tool_of
from swarm.rules.ownership import OwnershipMap
from swarm.rules.steering import steers
from swarm.runtimes import chain, registry
from swarm.runtimes.chain import Chosen
from swarm.runtimes.registry import Ready
from swarm.runtimes.runtime import Assigned, Runtime
from swarm.store import agent_runs, assignments, findings, leases, snapshots, waves
from swarm.store.connection import Store
from swarm.store.findings import Selection
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.launch.gate import LaunchGate
from swarm.waves.places import places_at
from swarm.workspace import Workspace


class WaveLaunch(NamedTuple):
    """Facts that all attempts of a launch share; `files` are by domain, `assigned` and `held` by agent run.

    `tracked` are all files of the wave's commit but links and submodules. `own` is what the chain of a single
    agent chose.
    """

    store: Store
    run: Run
    wave: Wave
    ready: tuple[Ready, ...]
    config: Config
    repository: Repository
    owners: OwnershipMap
    tracked: Sequence[str]
    files: dict[str, list[str]]
    seconds: float
    workspace: Workspace
    gate: LaunchGate
    assigned: Mapping[int, Sequence[Assigned]] = {}
    held: Mapping[int, Sequence[Assigned]] = {}
    own: Chosen | None = None

    def of(self, own: Chosen) -> "WaveLaunch":
        """Return the launch of an agent that has a runtime and settings of its own."""
        return self._replace(ready=(own.ready,), config=own.config, own=own)

    @property
    def runtime(self) -> Runtime:
        """The runtime of agents: of those a wave has a single one."""
        return self.ready[0].runtime

    @property
    def wave_now(self) -> Wave:
        """The wave as the database has it now: the set-up of each tree is recorded on it."""
        return waves.numbered(self.store.conn, self.run.id, self.wave.number) or self.wave

    @property
    def folder(self) -> Path:
        """The folder of the wave."""
        return self.workspace.wave_folder(self.run.id, self.wave.number)


def ground_of_launch(
    store: Store, workspace: Workspace, run: Run, wave: Wave, config: Config, gate: LaunchGate, *, seconds: float | None
) -> WaveLaunch:
    """Return the facts of a launch, here or on workers, before its runtimes and its findings are known."""
    repository = repository_at(Path(run.local_path))
    survey = surveyed(store.conn, wave, repository)
    return WaveLaunch(
        store=store,
        run=run,
        wave=wave,
        ready=(),
        config=config,
        repository=repository,
        owners=survey.owners,
        tracked=survey.tracked,
        files=survey.files,
        # Without `--timeout` the run's policy is the bound: `resume` would count a longer attempt as timed out.
        seconds=seconds or min(config.attempt_seconds, run.timeout_seconds),
        workspace=workspace,
        gate=gate,
    )


class LaunchRuntimes(NamedTuple):
    """The runtimes of a launch, and what the chains of a configuration choose for some of its agents.

    `names` are those that the command line or the dispatch named; empty where chains or a default chose.
    """

    ready: tuple[Ready, ...]
    by_agent: Mapping[str, Chosen] = {}
    names: tuple[str, ...] = ()


def runtimes_of(conn: sqlite3.Connection, run: Run, wave: Wave, config: Config, named: str | None) -> LaunchRuntimes:
    """Return the runtimes of a launch; `named` is what the command line or the dispatch named.

    The command line goes before the dispatch, and both before the chains, and these before the default. Without any of
    them the analyzers that reported the findings of an amend wave fix them. Raises what the look-up of each raises.
    """
    domains = [agent.domain for agent in agent_runs.current(conn, wave.id)]
    by_agent = {} if named else chain.by_chain(config, domains, wave.phase, run.id)
    if by_agent:
        return LaunchRuntimes(chain.distinct(by_agent), by_agent)
    name = named or config.default_runtime or (registry.DEFAULT if wave.is_audit else None)
    if name is None:
        return LaunchRuntimes(registry.fixers(tools_assigned(conn, run, wave), config, wave.phase))
    ready = registry.all_ready(name, config, wave.phase)
    return LaunchRuntimes(ready, names=tuple(registry.joined(ready).split(",")) if named else ())


class Survey(NamedTuple):
    """Files of a wave's commit but links and submodules: all of them, and those of each agent's domain."""

    owners: OwnershipMap
    tracked: list[str]
    files: dict[str, list[str]]


def surveyed(conn: sqlite3.Connection, wave: Wave, repository: Repository) -> Survey:
    """Return the files of a wave's commit by the frozen map, as collect will judge."""
    # Without links: an analyzer would follow them out of the repository, and quote files of the machine.
    paths = [file.path for file in files_at(repository.git, wave.dispatch_sha) if file.is_file]
    owners = snapshots.owners_in(conn, wave.snapshot_id)
    owned, _ = owners.divide(paths)
    return Survey(
        owners, paths, {agent.domain: owned.get(agent.domain, []) for agent in agent_runs.current(conn, wave.id)}
    )


def assigned_to(conn: sqlite3.Connection, run: Run, wave: Wave, repository: Repository) -> dict[int, list[Assigned]]:
    """Return, by agent run, the findings to fix of an amend wave, with their place in the agents' trees."""
    by_agent = assignments.assigned(conn, wave.id)
    rows = {row for own in by_agent.values() for row in own}
    if not rows:
        return {}
    known = {i.known.row_id: i for i in findings.known_findings(conn, run.id, today=today()) if i.known.row_id in rows}
    places = places_at(repository.git, [item.known for item in known.values()], wave.dispatch_sha)
    found = {f.row_id: f for f in findings.select(conn, run.id, Selection()) if f.row_id in rows}
    return {
        agent: [
            Assigned(
                finding_id=found[row].finding_id,
                rule_id=found[row].rule_id,
                file=places[row].path,
                line=places[row].line,
                description=found[row].description,
                # The first of its rule on its line has the ordinal 0.
                ordinal=known[row].known.ordinal + 1,
                is_measured=known[row].analyzer is not None,
                tool=tool_of(known[row].analyzer),
            )
            for row in own
        ]
        for agent, own in by_agent.items()
    }


def tools_assigned(conn: sqlite3.Connection, run: Run, wave: Wave) -> list[str]:
    """Return the analyzers that reported the findings of an amend wave, in the order of their names."""
    rows = {row for own in assignments.assigned(conn, wave.id).values() for row in own}
    found = {
        tool_of(finding.analyzer) for finding in findings.select(conn, run.id, Selection()) if finding.row_id in rows
    }
    return sorted(tool for tool in found if tool is not None)


def held_back(
    conn: sqlite3.Connection, run: Run, wave: Wave, assigned: Mapping[int, Sequence[Assigned]]
) -> dict[int, list[Assigned]]:
    """Return, by agent run, the findings in files that no analyzer may fix without a lease.

    Such a file decides how work is proved: an edit of it fails the whole wave.
    """
    leased = leases.granted(conn, run.id, wave.number)
    domains = {agent.id: agent.domain for agent in agent_runs.current(conn, wave.id)}
    return {
        agent: [
            each for each in own if each.file and steers(each.file) and each.file not in leased.get(domains[agent], ())
        ]
        for agent, own in assigned.items()
    }

"""Files that an audit looked at, by whom, and files that nobody looked at."""

import sqlite3
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.git.repository import Repository, files_at
from swarm.results.audit import AuditResult, LookedAt, LookedAtBy
from swarm.rules.file_kinds import analyzers_for, kinds_of
from swarm.rules.ownership import OwnershipMap
from swarm.rules.states import AgentRunStatus
from swarm.runtimes.runtime import Runtime
from swarm.store import agent_runs, findings, snapshots
from swarm.store.agent_runs import AgentRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.look.findings import Filters, path_filter

_MOST_KINDS: Final = 6


def looked_at(conn: sqlite3.Connection, wave: Wave, repository: Repository, filters: Filters) -> LookedAt:
    """Return who looked at how many of the files that an audit was asked about.

    Only an agent that completed looked at anything. An analyzer names the files that it read; of any other agent,
    every file of its domain counts.
    """
    owners = OwnershipMap(snapshots.map_of(conn, wave.snapshot_id))
    tracked = (file.path for file in files_at(repository.git, wave.dispatch_sha))
    asked = list(filter(path_filter(filters), tracked))
    owned, unowned = owners.divide(asked)
    agents = {agent.domain: agent for agent in agent_runs.current(conn, wave.id)}
    by: dict[str, int] = {}
    nobody = list(unowned)
    not_read: set[str] = set()
    for domain, paths in owned.items():
        agent = agents.get(domain)
        read = _read(agent, paths)
        nobody += set(paths).difference(read)
        if agent is not None and agent.analysis is not None:
            not_read.update(agent.analysis.unreadable.intersection(paths))
        if agent is not None and read:
            name = " ".join((agent.analyzer or wave.runtime or "an agent").split()[:2])
            by[name] = by.get(name, 0) + len(read)
    return LookedAt(tuple(LookedAtBy(*item) for item in by.items()), kinds_of(nobody), tuple(sorted(not_read)))


def _read(agent: AgentRun | None, paths: list[str]) -> list[str]:
    if agent is None or agent.status is not AgentRunStatus.COMPLETE:
        return []
    analysis = agent.analysis
    return paths if analysis is None else [path for path in paths if analysis.was_read(path)]


def has_findings(conn: sqlite3.Connection, run: Run) -> bool:
    """Say whether a run has findings: an audit of HEAD may prove them fixed though it has no file to look at."""
    return bool(findings.counts_by(conn, run.id))


def refuse_nothing_to_look_at(repository: Repository, runtime: Runtime, folder: Path) -> None:
    """Refuse an audit by a runtime that reads no file of HEAD. Raises AuditNothingToLookAt."""
    if runtime.suffixes:
        inside = folder.resolve().relative_to(repository.root).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        asked = [file.path for file in files_at(repository.git, repository.head) if file.path.startswith(prefix)]
        if not any(path.endswith(runtime.suffixes) for path in asked):
            raise _nothing(runtime.name, repository, kinds_of(asked))


def refuse_nothing_looked_at(result: AuditResult, repository: Repository) -> None:
    """Refuse to call an audit clean in which nobody read a file. Raises AuditNothingToLookAt."""
    seen = result.looked_at
    # An agent that did not complete, or a file that could not be read, says itself why nothing was read.
    if not seen.by and not seen.not_read and not result.digest.broken:
        raise _nothing(result.runtime, repository, seen.nobody)


def _nothing(runtime: str, repository: Repository, kinds: dict[str, int]) -> errors.AuditNothingToLookAt:
    shown = ", ".join(f"{count:,} {kind}" for kind, count in list(kinds.items())[:_MOST_KINDS]) or "no file"
    able = [kind for kind in analyzers_for(kinds) if kind.analyzer != runtime]
    known = "; ".join(f"{kind.analyzer} for {kind.name} (`{kind.install}`)" for kind in able)
    remedy = "`swarm runtimes` lists what can be launched here; any tool that writes SARIF can be added to swarm.toml"
    return errors.AuditNothingToLookAt(
        runtime=runtime, repo=str(repository.root), kinds=shown, remedy=f"{remedy}: {known}" if known else remedy
    )

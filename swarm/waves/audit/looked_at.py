"""Files that an audit looked at, by whom, and files that nobody looked at."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.git.repository import Repository, files_at
from swarm.results.audit import AuditResult, LookedAt, LookedAtBy
from swarm.rules.states import AgentRunStatus
from swarm.runtimes.analyzer_table import kinds_of, rows_for
from swarm.runtimes.registry import Ready, joined
from swarm.store import agent_runs, analyses, findings, snapshots
from swarm.store.analyses import AnalysisRun
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.look.findings import Filters, path_filter
from swarm.waves.read_files import read_files

_MOST_KINDS: Final = 6


def looked_at(conn: sqlite3.Connection, wave: Wave, repository: Repository, filters: Filters) -> LookedAt:
    """Return who looked at how many of the files that an audit was asked about.

    Only an agent that completed looked at anything. An analyzer names the files that it read; of any other agent,
    every file of its domain counts.
    """
    owners = snapshots.owners_in(conn, wave.snapshot_id)
    tracked = (file.path for file in files_at(repository.git, wave.dispatch_sha))
    asked = list(filter(path_filter(filters), tracked))
    owned, _ = owners.divide(asked)
    agents = agent_runs.current(conn, wave.id)
    own = {agent.domain: owned.get(agent.domain, []) for agent in agents}
    complete = [agent.domain for agent in agents if agent.status is AgentRunStatus.COMPLETE]
    runs = analyses.newest(conn, wave.id)
    read = read_files(runs, own, complete, wave.runtime or "an agent")
    known = {path for files in read.values() for path in files}
    not_read = {path for run in runs.values() for path in run.analysis().unreadable}
    by = (LookedAtBy(_shown(runs.get(name), name), len(files)) for name, files in read.items())
    nobody = kinds_of(path for path in asked if path not in known)
    return LookedAt(tuple(by), nobody, tuple(sorted(not_read.intersection(asked))))


def _shown(run: AnalysisRun | None, name: str) -> str:
    return " ".join(filter(None, (name, run and run.version)))


def has_findings(conn: sqlite3.Connection, run: Run) -> bool:
    """Say whether a run has findings: an audit of HEAD may prove them fixed though it has no file to look at."""
    return bool(findings.counts_by(conn, run.id))


def refuse_nothing_to_look_at(repository: Repository, ready: Sequence[Ready], folder: Path) -> None:
    """Refuse an audit by runtimes that read no file of HEAD. Raises AuditNothingToLookAt."""
    inside = folder.resolve().relative_to(repository.root).as_posix()
    prefix = "" if inside == "." else f"{inside}/"
    asked = [file.path for file in files_at(repository.git, repository.head) if file.path.startswith(prefix)]
    if not any(each.runtime.reads(repository.root, asked) for each in ready):
        raise _nothing(joined(ready), repository, kinds_of(asked))


def refuse_nothing_looked_at(result: AuditResult, repository: Repository) -> None:
    """Refuse to call an audit clean in which nobody read a file. Raises AuditNothingToLookAt."""
    seen = result.looked_at
    # An agent that did not complete, or a file that could not be read, says itself why nothing was read.
    if not seen.by and not seen.not_read and not result.digest.broken:
        raise _nothing(result.runtime, repository, seen.nobody)


def _nothing(runtime: str, repository: Repository, kinds: dict[str, int]) -> errors.AuditNothingToLookAt:
    shown = ", ".join(f"{count:,} {kind}" for kind, count in list(kinds.items())[:_MOST_KINDS]) or "no file"
    able = [row for row in rows_for(kinds) if row.name not in runtime.split(",")]
    known = "; ".join(
        f"{row.name} for {' and '.join(kind for kind in kinds if kind in row.kinds)} (`{row.install}`)" for row in able
    )
    remedy = "`swarm runtimes` lists what can be launched here; any tool that writes SARIF can be added to swarm.toml"
    return errors.AuditNothingToLookAt(
        runtime=runtime, repo=str(repository.root), kinds=shown, remedy=f"{remedy}: {known}" if known else remedy
    )

"""Files that an audit looked at, by whom, and files that nobody looked at."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.git.repository import LINK_MODE, Repository, files_at, repository_at
from swarm.git.runner import GitError
from swarm.results.audit import AuditResult, LookedAt, LookedAtBy, WouldLook
from swarm.rules.analysis import Analysis
from swarm.rules.phases import is_audit
from swarm.rules.states import AgentRunStatus
from swarm.runtimes import programs
from swarm.runtimes.analyzer_table import AnalyzerRow, is_configured, rows_for, table
from swarm.runtimes.file_kinds import kinds_of
from swarm.runtimes.local_programs import is_brought
from swarm.runtimes.registry import Ready, joined
from swarm.store import agent_runs, analyses, finding_names, snapshots, waves
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
    # No analyzer is given a link: its target is read under its own name, if it is in the repository.
    tracked = (file.path for file in files_at(repository.git, wave.dispatch_sha) if file.mode != LINK_MODE)
    asked = list(filter(path_filter(filters), tracked))
    owned, _ = owners.divide(asked)
    agents = agent_runs.current(conn, wave.id)
    own = {agent.domain: owned.get(agent.domain, []) for agent in agents}
    complete = [agent.domain for agent in agents if agent.status is AgentRunStatus.COMPLETE]
    runs = analyses.newest(conn, wave.id)
    read = read_files(runs, own, complete, wave.runtime or "an agent")
    known = {path for files in read.values() for path in files}
    analyzed = {tool: run.analysis() for tool, run in runs.items()}
    not_read = {path for analysis in analyzed.values() for path in analysis.unreadable}
    by = []
    for name, files in read.items():
        missed = analyzed[name].unread.intersection(asked).difference(files) if name in analyzed else ()
        why = _why_unread(analyzed[name], asked) if name in analyzed else (0, {})
        by.append(LookedAtBy(_shown(runs.get(name), name), len(files), len(files) + len(missed), *why))
    nobody = kinds_of((path for path in asked if path not in known), repository.root)
    others = would_look(nobody, runs, repository)
    others += tuple(left_out(asked, runs, [each.analyzer for each in others], repository)) if runs else ()
    unread = not_read.intersection(asked)
    late = unread & {path for analysis in analyzed.values() for path in analysis.unended}
    return LookedAt(tuple(by), nobody, tuple(sorted(unread)), others, tuple(sorted(late)))


def _why_unread(analysis: Analysis, asked: Collection[str]) -> tuple[int, dict[str, int]]:
    """Count the files that an analyzer did not come to the end of, and those that each unreadable file blinded."""
    blinded = {file: len(sources.intersection(asked)) for file, sources in analysis.through.items()}
    return len(analysis.unended.intersection(asked)), {file: count for file, count in blinded.items() if count}


def would_look(
    kinds: Mapping[str, int], ran: Collection[str], repository: Repository, *, offers_all: bool = False
) -> tuple[WouldLook, ...]:
    """Return an analyzer for each kind of files that nobody read.

    By preference one that the repository configures, and that wants its user's word or has to be installed, then one
    that is on by itself. An analyzer that is here and on by itself was left out by its user. `offers_all` is for an
    audit without any other answer: analyzers that few repositories use are offered, too.
    """
    tracked = _tracked(repository) if kinds else frozenset()
    found = []
    for kind, files in kinds.items():
        able = rows_for([kind])
        if any(row.name in ran for row in able):
            continue
        configured = [row for row in able if is_configured(row, repository.root, tracked)]
        # The program of another row, such as `go`, may be here for its own sake.
        wanting = [row for row in configured if row.runs_code or programs.bundled(row.command) is None]
        wanting.sort(key=lambda row: programs.bundled(row.command) is None)
        rows = wanting or sorted(
            (row for row in able if offers_all or row.offered or not row.when), key=lambda row: bool(row.when)
        )
        if rows and (rows[0].when or programs.bundled(rows[0].command) is None):
            found.append(_would_look(rows[0], kind, files, repository.root, is_configured=bool(wanting)))
    return tuple(found)


def left_out(
    asked: Sequence[str], ran: Collection[str], named: Collection[str], repository: Repository
) -> Iterator[WouldLook]:
    """Yield the analyzers that the repository configures and that did not run, but for those that are `named` already.

    Another analyzer may read the same files: a repository with a configuration of eslint is not answered by oxlint.
    """
    tracked, others = _tracked(repository), [row for name, row in table().rows.items() if name not in {*ran, *named}]
    configured = [row for row in others if is_configured(row, repository.root, tracked)]
    # The first lines of scripts are read for their kinds: most repositories configure nothing that did not run.
    kinds = kinds_of(asked, repository.root) if configured else {}
    for row in configured:
        if own := {kind: kinds[kind] for kind in row.kinds if kind in kinds}:
            yield _would_look(row, ", ".join(own), sum(own.values()), repository.root, is_configured=True)


def _tracked(repository: Repository) -> frozenset[str]:
    return frozenset(file.path for file in files_at(repository.git, repository.head))


def _would_look(row: AnalyzerRow, kind: str, files: int, root: Path, *, is_configured: bool) -> WouldLook:
    marker = row.when[0].partition(":")[0] if row.when and not is_configured else None
    # A program of the repository is run for a user who says so, whatever the analyzer does with the repository's code.
    is_local = is_configured and programs.bundled(row.command) is None and is_brought(row, root)
    needs_trust = is_configured and (row.runs_code or is_local)
    install = row.install
    if needs_trust:
        word = f'`use = ["{row.name}"]` under [analyzers] of swarm.toml, then `swarm trust`'
        install = word if is_local or programs.bundled(row.command) else f"{row.install}; then {word}"
    return WouldLook(kind, files, row.name, install, marker, needs_trust=needs_trust)


def looked_at_in(conn: sqlite3.Connection, run: Run, filters: Filters) -> LookedAt | None:
    """Return the coverage of the wave of a digest, `None` where no audit ended or its commit is not on this machine."""
    number = filters.wave
    wave = waves.newest_ended(conn, run.id) if number is None else waves.numbered(conn, run.id, number)
    if wave is None or wave.is_review or not is_audit(wave.phase):
        return None
    try:
        return looked_at(conn, wave, repository_at(Path(run.local_path)), filters)
    except (errors.RepoNotFound, errors.RepoNotGit, errors.RepoUnborn, GitError):
        return None


def _shown(run: AnalysisRun | None, name: str) -> str:
    return " ".join(filter(None, (name, run and run.version)))


def may_prove_fixed(conn: sqlite3.Connection, run: Run, ready: Sequence[Ready]) -> bool:
    """Say whether a runtime has a finding in a run that is not fixed: a file that is gone can prove it so."""
    return not finding_names.tools_of_unfixed(conn, run.id).isdisjoint(each.runtime.name for each in ready)


def refuse_nothing_to_look_at(repository: Repository, ready: Sequence[Ready], folder: Path, *, is_named: bool) -> None:
    """Refuse an audit by runtimes that read no file of HEAD; `is_named` says that its user named them.

    Raises AuditNothingToLookAt.
    """
    inside = folder.resolve().relative_to(repository.root).as_posix()
    prefix = "" if inside == "." else f"{inside}/"
    asked = [file.path for file in files_at(repository.git, repository.head) if file.path.startswith(prefix)]
    if not any(each.runtime.reads(repository.root, asked) for each in ready):
        runtime = joined(ready)
        problem = f"{runtime} reads no file" if is_named else "No analyzer that is installed here reads a file"
        raise _nothing(runtime, problem, repository, kinds_of(asked, repository.root))


def refuse_nothing_looked_at(result: AuditResult, repository: Repository) -> None:
    """Refuse to call an audit clean in which nobody read a file. Raises AuditNothingToLookAt."""
    seen = result.looked_at
    # An agent that did not complete, or a file that could not be read, says itself why nothing was read.
    if not seen.by and not seen.not_read and not result.digest.broken:
        raise _nothing(result.runtime, f"{result.runtime} reads no file", repository, seen.nobody)


def _nothing(
    runtime: str, problem: str, repository: Repository, kinds: dict[str, int]
) -> "errors.AuditNothingToLookAt":
    shown = ", ".join(f"{count:,} {kind}" for kind, count in list(kinds.items())[:_MOST_KINDS]) or "no file"
    known = "; ".join(
        f"{each.analyzer} for {each.kind} ({_quoted(each)}{f', with {each.configured_by}' * bool(each.configured_by)})"
        for each in would_look(kinds, runtime.split(","), repository, offers_all=True)
    )
    remedy = "`swarm runtimes` lists what can be launched here; any tool that writes SARIF can be added to swarm.toml"
    return errors.AuditNothingToLookAt(
        runtime=runtime,
        problem=problem,
        repo=str(repository.root),
        kinds=shown,
        remedy=f"{remedy}: {known}" if known else remedy,
    )


def _quoted(each: WouldLook) -> str:
    return each.install if each.needs_trust else f"`{each.install}`"

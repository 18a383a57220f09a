"""Facts that a SARIF log needs beside the findings: the tools of a wave, hashes of lines, a file of the root."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.git.repository import Repository, contents, files_at, repository_at
from swarm.git.runner import Git, GitError
from swarm.rules.analysis import tool_of
from swarm.rules.attestations import verification_name
from swarm.store import analyses, sightings, verifications, waves
from swarm.store.findings import Finding
from swarm.store.runs import Run
from swarm.waves.look.findings import Filters, selected


class InRepository(NamedTuple):
    """The hash of each finding's line, by finding id, and a file of the root; empty without the repository."""

    hashes: dict[str, str]
    root_file: str | None


def tools_of(conn: sqlite3.Connection, run: Run, number: int | None) -> dict[str | None, str | None]:
    """Return the tools of a run with their versions in a wave; the key `None` stands for agents.

    A tool whose findings are all fixed is among them: only an upload of the same tool closes its alerts.
    """
    wave = None if number is None else waves.numbered(conn, run.id, number)
    found: dict[str | None, str | None] = dict.fromkeys(map(tool_of, analyses.finders(conn, run.id)))
    ran = analyses.newest(conn, wave.id) if wave else {}
    found |= dict.fromkeys(sightings.tools_by_finding(conn, run.id).values())
    return found | {tool: analysis.version for tool, analysis in ran.items()}


def verification_of(conn: sqlite3.Connection, run: Run) -> str | None:
    """Return the name of the newest verification of a run, `None` where there is none."""
    made = verifications.newest_verification(conn, run.id)
    return None if made is None else verification_name(run.id, made.id)


def in_repository(
    conn: sqlite3.Connection, run: Run, filters: Filters, hashes_of: Callable[[str], list[str]]
) -> InRepository:
    """Return the hash, by `hashes_of`, of each finding's line in the commit where it was last seen."""
    by_commit: dict[str, dict[str, list[Finding]]] = {}
    is_without_file = False
    for finding in selected(conn, run, filters):
        if finding.file is None:
            is_without_file = True
        elif finding.line is not None:
            by_commit.setdefault(finding.anchor_commit, {}).setdefault(finding.file, []).append(finding)
    found: dict[str, str] = {}
    try:
        repository = repository_at(Path(run.local_path))
        root_file = _file_at_root(repository) if is_without_file else None
        for commit, by_file in by_commit.items():
            _hash(repository.git, commit, by_file, hashes_of, found)
    except (errors.RepoNotFound, errors.RepoNotGit, errors.RepoUnborn, GitError):
        return InRepository(found, None)
    return InRepository(found, root_file)


def _hash(
    git: Git,
    commit: str,
    by_file: dict[str, list[Finding]],
    hashes_of: Callable[[str], list[str]],
    found: dict[str, str],
) -> None:
    blobs = ((file.path, file.blob) for file in files_at(git, commit) if file.path in by_file)
    for path, content in contents(git, blobs):
        hashes = hashes_of(content.decode("utf-8", "replace"))
        found |= {f.finding_id: hashes[f.line - 1] for f in by_file[path] if f.line and f.line <= len(hashes)}


def root_file(run: Run) -> str | None:
    """Return the file that stands for the repository of a run, `None` where the repository is not on this machine."""
    try:
        return _file_at_root(repository_at(Path(run.local_path)))
    except (errors.RepoNotFound, errors.RepoNotGit, errors.RepoUnborn, GitError):
        return None


def _file_at_root(repository: Repository) -> str | None:
    """Return the README of a repository, else the first file of its root."""
    files = files_at(repository.git, repository.head)
    at_root = sorted(file.path for file in files if "/" not in file.path)
    readme = (path for path in at_root if path.lower().startswith("readme"))
    return next(readme, next(iter(at_root), None))

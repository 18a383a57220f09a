"""Name of a baseline, and what the name means: a commit, a run of this control plane, or a file."""

import shlex
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.git.merge_base import command_for, fetch_of, meanings, merge_base
from swarm.git.repository import Repository, commit_of, is_whole
from swarm.rules.known_findings import Known
from swarm.runtimes import registry
from swarm.store.runs import Run
from swarm.waves.audit import baseline_file, run_state
from swarm.waves.selection import LATEST, is_wave_number, select_run, wave_number

_PATHS: Final = ("./", "../", "/")
_FILE: Final = ".json"
_RUN: Final = "swarm-"


class Baseline(NamedTuple):
    """State to compare with, by the name that the caller gave.

    The findings of a run or a file are `known` by name; a commit is looked at after the wave of the audit. `also` is
    what else has the name.
    """

    kind: str
    name: str
    commit: str | None
    known: Sequence[Known] | None = None
    run_id: str | None = None
    wave: int | None = None
    also: str | None = None


def resolved(
    conn: sqlite3.Connection | None,
    repository: Repository,
    folder: Path,
    name: str,
    *,
    runtime: str | None,
    config: Config,
) -> Baseline:
    """Return the baseline of a name, before anything is made. Raises the errors of a name that means none.

    `conn` is the control plane, `None` where there is none; a relative path begins at `folder`.
    """
    if runtime is not None:
        hold_to_analyzer(runtime, config)
    commit = commit_of(repository.git, name)
    # By its form, so that a branch that somebody else makes cannot take the place of a file.
    if name.startswith(_PATHS) or name.endswith(_FILE):
        return _of_file(folder / name, name, commit)
    run, number = _run_named(conn, name, repository)
    # No abbreviation of a commit looks like the other names of runs.
    if run is not None and conn is not None and (commit is None or name == LATEST or name.startswith(_RUN)):
        state = run_state.state_of(conn, run, number)
        also = f"commit {commit[:12]}" if commit else None
        return Baseline("run", name, state.commit, state.known, run_id=run.id, wave=state.wave, also=also)
    also = f"run {run.id}" if run is not None else None
    return Baseline("commit", name, _base_of(repository, name, commit), also=also)


def _of_file(file: Path, name: str, commit: str | None) -> Baseline:
    read = baseline_file.read(file)
    also = f"commit {commit[:12]}" if commit else None
    return Baseline("file", name, read.commit, read.known, run_id=read.run_id, also=also)


def _run_named(conn: sqlite3.Connection | None, name: str, repository: Repository) -> tuple[Run | None, int | None]:
    """Return the run that a name means, and the number of its wave: RUN, or RUN@WAVE."""
    if conn is None:
        return None, None
    run, _, wave = name.partition("@")
    try:
        # `latest` is the newest run of this repository.
        found = select_run(conn, None if run == LATEST else run, repository.root) if run else None
    except (errors.RunNotFound, errors.RunAmbiguous):
        return None, None
    if wave and not is_wave_number(wave):
        return None, None
    return found, wave_number(wave) if wave else None


def _base_of(repository: Repository, name: str, commit: str | None) -> str:
    git = repository.git
    named = meanings(git, name)
    # A branch called `origin/main` would hide the branch of the remote, and with it all that is new.
    if len(set(named.values())) > 1:
        raise errors.BaselineAmbiguous(received=name, matches=", ".join(named), full=shlex.quote([*named][-1]))
    if commit is None:
        raise errors.BaselineNotFound(received=name, path=str(repository.root), remedy=_bringing(repository, name))
    return _merge_base(repository, name, commit)


def since_commit(repository: Repository, revision: str) -> str:
    """Return the commit of `--since`. Raises SinceNotFound, BaselineNoMergeBase."""
    commit = commit_of(repository.git, revision)
    if commit is None:
        shown = errors.shortened(revision)
        raise errors.SinceNotFound(received=shown, path=str(repository.root), remedy=_bringing(repository, revision))
    # Without a common commit every line would count that the other side has not, in a shallow clone of a branch too.
    _merge_base(repository, revision, commit)
    return commit


def _bringing(repository: Repository, name: str) -> str:
    command = command_for(repository.git, name)
    if command is None and not is_whole(repository.git):
        command = "git fetch --unshallow"
    return f"`{command}`" if command else "`git branch --all` names the branches"


def _merge_base(repository: Repository, name: str, commit: str) -> str:
    git = repository.git
    base = merge_base(git, repository.head, commit)
    if base is None:
        remedy = "compare with a commit of the history of HEAD, which `git log` lists"
        if not is_whole(git):
            words = fetch_of(git, name)
            target = f" {shlex.join(words.split())}" if words else ""
            remedy = f"fetch the history: `git fetch --unshallow{target}`, or `fetch-depth: 0` in GitHub Actions"
        raise errors.BaselineNoMergeBase(received=name, path=str(repository.root), remedy=remedy)
    return base


def hold_to_analyzer(name: str, config: Config) -> None:
    """Refuse to look at an older commit by an agent, whose answers differ from time to time.

    Raises BaselineNeedsAnalyzer.
    """
    for each in name.split(","):
        if not registry.runtime_named(each, config).is_analyzer:
            raise errors.BaselineNeedsAnalyzer(runtime=each)

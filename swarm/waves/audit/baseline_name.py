"""Name of a baseline, and the commit that the name means."""

import shlex
from typing import NamedTuple

from swarm import errors
from swarm.config import Config
from swarm.git.merge_base import fetch_of, meanings, merge_base
from swarm.git.repository import Repository, commit_of, is_whole
from swarm.runtimes import registry


class Baseline(NamedTuple):
    """State to compare with, by the name that the caller gave, and its commit."""

    kind: str
    name: str
    commit: str


def resolved(repository: Repository, name: str, runtime: str | None, config: Config) -> Baseline:
    """Return the baseline of a name, before anything is made. Raises the errors of a name that means none."""
    if runtime is not None:
        hold_to_analyzer(runtime, config)
    return Baseline("commit", name, _base_of(repository, name))


def _base_of(repository: Repository, name: str) -> str:
    git = repository.git
    named = meanings(git, name)
    # A branch called `origin/main` would hide the branch of the remote, and with it all that is new.
    if len(set(named.values())) > 1:
        raise errors.BaselineAmbiguous(received=name, matches=", ".join(named), full=shlex.quote([*named][-1]))
    commit = commit_of(git, name)
    deepen = "" if is_whole(git) else " --unshallow"
    words = fetch_of(git, name)
    if commit is None:
        fetch = f"`git fetch{deepen} {shlex.join(words.split())}`" if words else "`git branch --all` names the branches"
        raise errors.BaselineUnknown(received=name, path=str(repository.root), remedy=fetch)
    base = merge_base(git, repository.head, commit)
    if base is None:
        remedy = "compare with a commit of the history of HEAD, which `git log` lists"
        if deepen:
            target = f" {shlex.join(words.split())}" if words else ""
            remedy = f"fetch the history: `git fetch --unshallow{target}`, or `fetch-depth: 0` in GitHub Actions"
        raise errors.BaselineNoMergeBase(received=name, path=str(repository.root), remedy=remedy)
    return base


def hold_to_analyzer(name: str, config: Config) -> None:
    """Refuse to look at an older commit by an agent, whose answers differ from time to time.

    Raises BaselineNeedsAnalyzer.
    """
    if not registry.runtime_named(name, config).is_analyzer:
        raise errors.BaselineNeedsAnalyzer(runtime=name)

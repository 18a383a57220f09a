"""Merge base of HEAD with a revision, for a comparison of two commits."""

import shlex

from swarm.git.repository import commit_of, is_whole
from swarm.git.runner import Git

# Where git looks for a short name, in its order.
_PLACES = ("refs/", "refs/tags/", "refs/heads/", "refs/remotes/")


def merge_base(git: Git, commit: str, other: str) -> str | None:
    """Return the best common ancestor of two commits, `None` where this repository has none."""
    code, found = git.answer("merge-base", commit, other, expect=(0, 1))
    return None if code else found.decode().split()[0]


def meanings(git: Git, revision: str) -> dict[str, str]:
    """Return the refs that a short name can mean, each with its commit."""
    found = {f"{place}{revision}": commit_of(git, f"{place}{revision}") for place in _PLACES}
    return {ref: commit for ref, commit in found.items() if commit is not None}


def command_for(git: Git, revision: str) -> str | None:
    """Return the command that brings `REMOTE/BRANCH`, which is not here; `None` for another kind of revision.

    `REMOTE/HEAD` is no branch of the remote: a clone has it, and a remote that was added later has not.
    """
    remote, _, branch = revision.removeprefix("refs/remotes/").partition("/")
    if branch == "HEAD" and remote in git.text("remote").split("\n"):
        return f"git remote set-head {shlex.quote(remote)} --auto"
    if (words := fetch_of(git, revision)) is None:
        return None
    deepen = "" if is_whole(git) else " --unshallow"
    return f"git fetch{deepen} {shlex.join(words.split())}"


def fetch_of(git: Git, revision: str) -> str | None:
    """Return the branch of a remote that `REMOTE/BRANCH` names, as the words for `git fetch`; else `None`."""
    remote, _, branch = revision.removeprefix("refs/remotes/").partition("/")
    if not branch or branch == "HEAD" or remote not in git.text("remote").split("\n"):
        return None
    # With its target: in a clone of a single branch a plain fetch would make no such ref.
    return f"{remote} +refs/heads/{branch}:refs/remotes/{remote}/{branch}"

"""Refs: tips, branches, tags, and compare-and-swap moves."""

import contextlib
from collections.abc import Collection

from swarm import errors
from swarm.git.path_text import path_text
from swarm.git.runner import Git, GitError
from swarm.rules.ref_names import HEADS, head_ref, tag_ref


def tip_of(git: Git, branch: str) -> str | None:
    """Return the commit of a branch, `None` where there is no such branch."""
    # Not by rev-parse, for which `main^` and `main@{1}` would be branches.
    code, sha = git.answer("show-ref", "--verify", "--hash", "--", head_ref(branch), expect=(0, 1, 128))
    return None if code else sha.decode().strip()


def branches_below(git: Git, prefix: str) -> list[tuple[str, str]]:
    """Return the branches below a path, which ends in a slash, each with its commit."""
    listed = git.run("for-each-ref", "--format=%(objectname) %(refname)", head_ref(prefix))
    found = (line.partition(b" ") for line in listed.splitlines())
    return [(path_text(name).removeprefix(HEADS), commit.decode()) for commit, _, name in found]


def branches_in_the_way(git: Git, branches: Collection[str]) -> dict[str, str]:
    """Return, for those branches that git cannot make, a branch in the way: one is a folder of the other's name."""
    tops = sorted({head_ref(branch.partition("/")[0]) for branch in branches})
    listed = git.run("for-each-ref", "--format=%(refname)", *tops) if tops else b""
    known = dict.fromkeys(path_text(name).removeprefix(HEADS) for name in listed.splitlines())
    found = {}
    for branch in branches:
        parts = branch.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        below = (name for name in known if name.startswith(f"{branch}/"))
        if standing := next((name for name in (*above, *below) if name in known), None):
            found[branch] = standing
    return found


def move_branch(git: Git, branch: str, old: str | None, new: str) -> None:
    """Move a branch from one commit to another; `None` for a branch to make.

    Raises PublishRaced when the branch is at another commit, GitError when git cannot move the branch.
    """
    try:
        git.run("update-ref", "-m", "swarm merge", head_ref(branch), new, old or "0" * len(new))
    except GitError as error:
        found = tip_of(git, branch)
        if found == old:
            raise
        raise errors.PublishRaced(ref=branch, expected=old or "not there", found=found or "gone") from error


def tip(git: Git, ref: str) -> str | None:
    """Return the commit at a whole name of a ref, `None` where there is none."""
    code, sha = git.answer("show-ref", "--verify", "--hash", "--", ref, expect=(0, 1, 128))
    return None if code else sha.decode().strip()


def keep(git: Git, ref: str, named: str) -> None:
    """Set a ref to an object, wherever the ref was before. Raises GitError."""
    git.run("update-ref", ref, named)


def refs_holding(git: Git, commit: str) -> list[str]:
    """Return the refs whose history has a commit."""
    return path_text(git.run("for-each-ref", "--format=%(refname)", "--contains", commit, "refs/")).splitlines()


def delete_branch(git: Git, branch: str, commit: str) -> None:
    """Delete a branch that is at a commit. Raises GitError where the branch has moved or is missing."""
    git.run("update-ref", "-d", head_ref(branch), commit)


def drop(git: Git, ref: str, commit: str) -> None:
    """Remove a ref that still is at a commit."""
    if tip(git, ref) == commit:
        git.run("update-ref", "-d", ref, commit)


def create(git: Git, ref: str, commit: str) -> None:
    """Make a ref that is not there yet. Raises GitError."""
    git.run("update-ref", ref, commit, "0" * len(commit))


def refs_below(git: Git, *prefixes: str) -> dict[str, str]:
    """Return every ref below some prefixes, with its commit."""
    listed = git.run("for-each-ref", "--format=%(objectname) %(refname)", *prefixes).splitlines()
    pairs = (line.partition(b" ") for line in listed)
    return {path_text(name): sha.decode() for sha, _, name in pairs}


def alone(git: Git, commit: str, holders: Collection[str]) -> int:
    """Return how many commits of a history none of the holders has."""
    told = "\n".join([commit, *(f"^{holder}" for holder in sorted(set(holders)))]) + "\n"
    return int(git.run("rev-list", "--count", "--stdin", stdin=told.encode()))


def add_tag(git: Git, name: str, commit: str) -> None:
    """Make a save point's tag. Raises GitError for a tag that exists."""
    git.run("update-ref", tag_ref(name), commit, "")


def remove_tag(git: Git, name: str, commit: str) -> None:
    """Remove a save point's tag, unless the tag was moved."""
    with contextlib.suppress(GitError):
        git.run("update-ref", "-d", tag_ref(name), commit)

"""Commits and trees: parents, ancestry, and commits made of a tree."""

from collections.abc import Iterable

from swarm.git.path_text import path_text
from swarm.git.remembered import remembered
from swarm.git.repository import holds_commit
from swarm.git.runner import Git, GitError


def tree_of(git: Git, commit: str) -> str:
    """Return the tree of a commit."""
    return remembered("tree", (commit,), lambda: git.text("rev-parse", f"{commit}^{{tree}}"))


def parents_of(git: Git, commit: str) -> list[str]:
    """Return the parents of a commit."""
    return git.text("rev-parse", f"{commit}^@").split()


def moment_of(git: Git, commit: str) -> int:
    """Return the time of a commit, in seconds since 1970."""
    return int(git.text("rev-list", "--no-walk", "--no-commit-header", "--format=%ct", commit))


def commit_with_tree(git: Git, since: str, tip: str, tree: str) -> str | None:
    """Return the first commit after `since`, up to `tip`, that has a tree, `None` where none has."""
    shown = ("--reverse", "--topo-order", "--no-commit-header", "--format=%H %T")
    listed = git.text("rev-list", *shown, f"{since}..{tip}")
    return next((line.partition(" ")[0] for line in listed.splitlines() if line.partition(" ")[2] == tree), None)


def trees_of(git: Git, tips: Iterable[str], since: str | None) -> set[str]:
    """Return the trees of every commit in the history of some tips; with `since`, without the history of that."""
    named = [*sorted(tips), *([f"^{since}"] if since else [])]
    stdin = ("\n".join(named) + "\n").encode()
    return set(git.run("rev-list", "--no-commit-header", "--format=%T", "--stdin", stdin=stdin).decode().split())


def paths_between(git: Git, since: str, tip: str, without: str) -> set[str]:
    """Return the paths that any commit after `since`, up to `tip`, changes; the history of `without` is left out."""
    shown = ("--format=", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-show-signature", "-z")
    listed = git.run("log", *shown, tip, f"^{since}", f"^{without}")
    return {path_text(path) for path in listed.replace(b"\n", b"").split(b"\0") if path}


def has_merges(git: Git, since: str, tip: str) -> bool:
    """Say whether a history after `since` has a commit with several parents."""
    return git.text("rev-list", "--min-parents=2", "--max-count=1", f"{since}..{tip}") != ""


def is_ancestor(git: Git, ancestor: str, commit: str) -> bool:
    """Say whether a commit is in the history of another; false where either is missing here."""
    ask = ("merge-base", "--is-ancestor", ancestor, commit)
    try:
        return remembered("is ancestor", (ancestor, commit), lambda: git.answer(*ask, expect=(0, 1))[0] == 0)
    except GitError:
        # A failure of git is no answer, unless a commit is missing.
        if holds_commit(git, ancestor) and holds_commit(git, commit):
            raise
        return False


def objects_between(git: Git, since: str, tip: str) -> set[str]:
    """Return the objects that a commit has and an earlier one has not: commits, trees and blobs."""
    return set(git.text("rev-list", "--objects", "--no-object-names", tip, f"^{since}").split())

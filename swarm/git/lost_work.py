"""Uncommitted work that vanished from a checkout: the commit, stash or reflog entry in which it lies now."""

from typing import Final, NamedTuple

from swarm.git.path_text import path_bytes
from swarm.git.repository import Repository
from swarm.git.runner import Git

_MOST_ENTRIES: Final = 100


class Whereabouts(NamedTuple):
    """Where a vanished content is. `words` say it to the user, with the command that brings it back."""

    is_committed: bool
    words: str


def place_of(repository: Repository, since: str, path: str, blob: str) -> Whereabouts:
    """Return where the content of a file lies that was uncommitted when HEAD was `since`."""
    git = repository.git
    if _is_in_history(git, since, repository.head, path, blob):
        return Whereabouts(is_committed=True, words=f"committed on {repository.branch or 'HEAD'}")
    for entry, commit in _entries(git, "refs/stash"):
        # A stash keeps files, index and untracked files in three trees.
        for tree in (commit, f"{commit}^2", f"{commit}^3"):
            if _holds(git, tree, path, blob):
                words = f"its uncommitted content lies in {entry}; `git checkout {tree[:12]}{tree[40:]} -- {path}`"
                return Whereabouts(is_committed=False, words=words + " brings it back")
    for entry, commit in _entries(git, "HEAD"):
        if _holds(git, commit, path, blob):
            words = f"its content lies in {entry}; `git checkout {commit[:12]} -- {path}` brings it back"
            return Whereabouts(is_committed=False, words=words)
    if git.answer("cat-file", "-e", blob, expect=(0, 1, 128))[0] == 0:
        words = f"its uncommitted content is in no commit; `git cat-file blob {blob[:12]}` prints it"
        return Whereabouts(is_committed=False, words=words)
    return Whereabouts(is_committed=False, words="its uncommitted content is in no commit, stash or reflog")


def _is_in_history(git: Git, since: str, head: str, path: str, blob: str) -> bool:
    if _holds(git, head, path, blob):
        return True
    # Committed, and changed again by a later commit.
    code, found = git.answer(
        *("log", "--format=%H", "-n", "1", "--no-renames", f"--find-object={blob}", f"{since}..{head}", "--"),
        path_bytes(path),
        expect=(0, 128),
    )
    return code == 0 and bool(found.strip())


def _entries(git: Git, ref: str) -> list[tuple[str, str]]:
    """Return the newest entries of a reflog: the name that git gives each, and its commit."""
    asked = ("log", "-g", "-n", str(_MOST_ENTRIES), "--format=%gd %H", ref, "--")
    code, listed = git.answer(*asked, expect=(0, 128))
    if code:
        return []
    named = (line.partition(" ") for line in listed.decode().splitlines())
    return [(name.removeprefix("refs/"), commit) for name, _, commit in named if commit]


def _holds(git: Git, tree: str, path: str, blob: str) -> bool:
    """Say whether a tree has a blob at a path."""
    named = b"%s:%s" % (tree.encode(), path_bytes(path))
    code, found = git.answer("rev-parse", "--verify", "--quiet", named, expect=(0, 1, 128))
    return code == 0 and found.decode().strip() == blob

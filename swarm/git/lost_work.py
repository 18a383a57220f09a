"""Uncommitted work that vanished from a checkout: the commit, stash or reflog entry in which it lies now."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from swarm.git.diff import raw_changes
from swarm.git.path_text import path_bytes
from swarm.git.repository import Repository
from swarm.git.runner import Git

_MOST_ENTRIES: Final = 100


class Whereabouts(NamedTuple):
    """The place of a vanished content. `words` name it to the user, with the command that brings the content back."""

    is_committed: bool
    words: str


def places_of(repository: Repository, since: str, blobs: Mapping[str, str]) -> dict[str, Whereabouts]:
    """Return where contents lie that were uncommitted when HEAD was `since`: each path with its blob.

    Every tree is asked for all paths at once: an agent's `git clean` may take thousands of files away.
    """
    git = repository.git
    places = dict.fromkeys(
        _committed(git, since, repository.head, blobs),
        Whereabouts(is_committed=True, words=f"committed on {repository.branch or 'HEAD'}"),
    )
    left = {path: blob for path, blob in blobs.items() if path not in places}
    for entry, tree, kind in _kept_trees(git) if left else ():
        for path in _held(git, tree, left):
            command = f"git checkout {tree[:12]}{tree[len(repository.head) :]} -- {path}"
            words = f"its {kind} lies in {entry}; `{command}` brings it back"
            places[path] = Whereabouts(is_committed=False, words=words)
            del left[path]
        if not left:
            break
    there = _objects(git, left.values())
    for path, blob in left.items():
        words = "its uncommitted content is in no commit, stash or reflog"
        if blob in there:
            words = f"its uncommitted content is in no commit; `git cat-file blob {blob[:12]}` prints it"
        places[path] = Whereabouts(is_committed=False, words=words)
    return places


def _committed(git: Git, since: str, head: str, blobs: Mapping[str, str]) -> set[str]:
    """Return the paths whose content HEAD has, or had in a commit since."""
    found = _held(git, head, blobs)
    if found == blobs.keys():
        return found
    listed = ("log", "--format=", "--raw", "-z", "--no-abbrev", "--no-renames", f"{since}..{head}", "--")
    code, raw = git.answer(*listed, expect=(0, 128))
    made = {(change.new_path, change.new_blob) for change in raw_changes(raw)} if code == 0 else set()
    return found | {path for path, blob in blobs.items() if (path, blob) in made}


def _kept_trees(git: Git) -> Iterator[tuple[str, str, str]]:
    """Yield the entries of the stash and of HEAD's reflog, newest first: name, tree, and the kind of content."""
    for entry, commit in _entries(git, "refs/stash"):
        # A stash keeps files, index and untracked files in three trees.
        yield from ((entry, tree, "uncommitted content") for tree in (commit, f"{commit}^2", f"{commit}^3"))
    yield from ((entry, commit, "content") for entry, commit in _entries(git, "HEAD"))


def _entries(git: Git, ref: str) -> list[tuple[str, str]]:
    """Return the newest entries of a reflog: the name that git gives each, and its commit."""
    asked = ("log", "-g", "-n", str(_MOST_ENTRIES), "--format=%gd %H", ref, "--")
    code, listed = git.answer(*asked, expect=(0, 128))
    if code:
        return []
    named = (line.partition(" ") for line in listed.decode().splitlines())
    return [(name.removeprefix("refs/"), commit) for name, _, commit in named if commit]


def _held(git: Git, tree: str, blobs: Mapping[str, str]) -> set[str]:
    """Return the paths at which a tree has their blob."""
    asked = {path: b"%s:%s" % (tree.encode(), path_bytes(path)) for path in blobs}
    answers = _batch(git, asked.values())
    return {path for path, answer in zip(asked, answers, strict=True) if answer == blobs[path]}


def _objects(git: Git, blobs: Iterable[str]) -> set[str]:
    """Return the blobs that git has at all."""
    return {answer for answer in _batch(git, (blob.encode() for blob in blobs)) if answer is not None}


def _batch(git: Git, names: Iterable[bytes]) -> list[str | None]:
    """Return the object of each name, `None` where there is none. No name holds a newline: the sentinel reads none."""
    asked = b"".join(name + b"\n" for name in names)
    if not asked:
        return []
    answers = git.run("cat-file", "--batch-check=%(objectname)", stdin=asked).splitlines()
    return [None if b" " in answer else answer.decode() for answer in answers]

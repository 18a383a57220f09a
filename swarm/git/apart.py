"""Files of a worktree that are not its agent's work: swarm copied them there, or the set-up of the tree made them."""

import hashlib
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git.diff import Change
from swarm.git.path_text import path_bytes
from swarm.workspace import ANSWERS

_CHUNK: Final = 1 << 20


class Apart(NamedTuple):
    """Paths that count for nothing; with `answers`, the folder of the answer and everything in it."""

    paths: frozenset[str] = frozenset()
    answers: bool = False

    def holds(self, path: str) -> bool:
        """Say whether a path is apart."""
        return path in self.paths or (self.answers and path.startswith(f"{ANSWERS}/"))

    def without(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Yield the changes that do not end at a path that is apart."""
        return (change for change in changes if not self.holds(change.new_path))


NOTHING_APART: Final = Apart()


def apart_in(tree: Path, included: Collection[str], made: Mapping[str, str], *, answers: bool) -> Apart:
    """Return what is apart in a tree: all copies and new files, and the tracked files as the set-up left them.

    `made` holds the state of each tracked file that the set-up changed, and `""` for each new file. A tracked file that
    was changed again since is the agent's work.
    """
    as_left = (path for path, state in made.items() if not state or state_of(tree, path) == state)
    return Apart(frozenset((*included, *as_left)), answers)


def state_of(tree: Path, path: str) -> str:
    """Return a digest over the content and the mode of a file, or over the target of a link; `gone` without a file."""
    place = os.path.join(os.fsencode(tree), path_bytes(path))  # noqa: PTH118
    try:
        facts = os.lstat(place)
        if stat.S_ISLNK(facts.st_mode):
            return "link " + hashlib.sha256(os.readlink(place)).hexdigest()  # noqa: PTH115
        if not stat.S_ISREG(facts.st_mode):
            return "other"
        digest = hashlib.sha256()
        with open(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return "gone"
    return f"{'program' if facts.st_mode & stat.S_IXUSR else 'file'} {digest.hexdigest()}"

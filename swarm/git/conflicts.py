"""Conflicts of a merge as objects: the paths that exist on a side of it, and the merge drivers that were not run."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from swarm.git.path_text import path_text
from swarm.git.runner import Git

_PATHS_A_CALL: Final = 500
_BUILT_IN: Final = frozenset({"set", "unset", "unspecified"})


class Driver(NamedTuple):
    """A configured merge driver that `.gitattributes` names for a path."""

    path: str
    name: str


class Conflict(Exception):
    """Two commits cannot be merged; `files` are the paths in conflict, `drivers` those that git would have run."""

    def __init__(self, files: tuple[str, ...], drivers: tuple[Driver, ...] = ()) -> None:
        self.files = files
        self.drivers = drivers
        super().__init__(", ".join(files))


def conflict_of(git: Git, answer: bytes, ours: str, theirs: str) -> Conflict:
    """Read the conflict from what `merge-tree -z --messages` printed for two commits."""
    fields = iter(answer.split(b"\0")[1:])
    paths = {entry.partition(b"\t")[2] for entry in iter(lambda: next(fields, b""), b"")}
    named = sorted(paths | set(_paths_of_messages(fields)))
    # git puts a file aside as `docs~<commit>` where a folder is in its way, and suggests paths in renamed folders.
    sides = (*git.text("merge-base", ours, theirs).split(), ours, theirs)
    real = set[bytes]().union(*(_in_commit(git, side, named) for side in sides))
    files = [path for path in named if path in real] or named
    return Conflict(tuple(map(path_text, files)), tuple(_drivers(git, files)))


def _paths_of_messages(fields: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the paths of messages about conflicts: a number, as many paths, the kind and the text of each message."""
    for number in iter(lambda: next(fields, b""), b""):
        paths = [next(fields) for _ in range(int(number))]
        kind, _ = next(fields), next(fields)
        if kind.startswith(b"CONFLICT"):
            yield from paths


def _in_commit(git: Git, commit: str, paths: Sequence[bytes]) -> set[bytes]:
    """Return the paths that are a file or a folder of a commit."""
    found: set[bytes] = set()
    for begin in range(0, len(paths), _PATHS_A_CALL):
        some = paths[begin : begin + _PATHS_A_CALL]
        listed = git.run("ls-tree", "-z", "--name-only", "--full-tree", commit, "--", *some)
        found.update(listed.split(b"\0"))
    return found


def _drivers(git: Git, paths: Sequence[bytes]) -> Iterator[Driver]:
    """Yield the configured drivers of paths: an unknown driver is no reason, git merges such a file as text."""
    asked = b"".join(path + b"\0" for path in paths)
    fields = git.run("check-attr", "-z", "--stdin", "merge", stdin=asked, filters=True).split(b"\0")
    for path, name in zip(fields[::3], fields[2::3], strict=False):
        driver = path_text(name)
        if driver not in _BUILT_IN and git.answer("config", f"merge.{driver}.driver", expect=(0, 1))[0] == 0:
            yield Driver(path_text(path), driver)

"""Changes between two commits: files, renames, and the way of each line."""

import re
from collections.abc import Collection
from typing import Final, NamedTuple

from swarm.git.path_text import path_text
from swarm.git.repository import SUBMODULE_MODE
from swarm.git.runner import Git
from swarm.rules.line_map import Hunk, LineMap

_HUNK: Final = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_PLAIN: Final = ("--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "--submodule=short")
# All files are text, whatever their attributes say, and no setting of the repository's may join hunks.
_LINES: Final = ("-U0", "--inter-hunk-context=0", "--text", *_PLAIN)
ALL_GONE: Final = Hunk(1, 2**31, 1, 0)
MOST_PATHSPECS: Final = 1000


class Change(NamedTuple):
    """Change of a file, as `git diff --raw` prints it. `letter` is A, D, M, T or R.

    A submodule has no lines: where a file became one, or the other way round, `has_lines` is false.
    """

    letter: str
    old_path: str
    new_path: str
    old_blob: str
    new_blob: str
    has_lines: bool = True
    new_mode: str = ""


def changes(git: Git, old: str, new: str, *, renames: bool = True) -> list[Change]:
    """Return the changed files between two commits (or trees)."""
    detect = "-M" if renames else "--no-renames"
    return raw_changes(git.run("diff", "--raw", "-z", "--no-abbrev", detect, *_PLAIN, old, new, "--"))


def patch(git: Git, old: str, new: str) -> bytes:
    """Return the difference of two commits (or trees) as `git apply` takes it."""
    return git.run("diff", "--binary", "--full-index", "--no-renames", *_PLAIN, old, new, "--")


def raw_changes(raw: bytes) -> list[Change]:
    """Read `git diff --raw -z --no-abbrev`."""
    found = []
    fields = iter(raw.split(b"\0"))
    for field in fields:
        if not field.startswith(b":"):
            continue
        old_mode, new_mode, old_blob, new_blob, letter = field.decode().split(" ")
        old_path = path_text(next(fields))
        new_path = path_text(next(fields)) if letter[0] in "RC" else old_path
        has_lines = letter[0] != "T" or SUBMODULE_MODE not in {old_mode.lstrip(":"), new_mode}
        found.append(
            Change(
                letter=letter[0],
                old_path=old_path,
                new_path=new_path,
                old_blob=old_blob,
                new_blob=new_blob,
                has_lines=has_lines,
                new_mode=new_mode,
            )
        )
    return found


def line_maps(git: Git, old: str, new: str, wanted: Collection[Change]) -> dict[str, LineMap]:
    """Return, by old path, how the lines of changed files went from one commit to the other.

    Blobs are compared by their ids, so no path has to be read back from a patch.
    """
    maps: dict[str, LineMap] = {}
    same_path = [change for change in wanted if change.letter == "M" and change.old_path == change.new_path]
    for change in wanted:
        if not change.has_lines:
            maps[change.old_path] = LineMap([ALL_GONE])
        elif change.letter in "RT" and change.old_blob != change.new_blob:
            patch = git.run("diff", *_LINES, change.old_blob, change.new_blob)
            maps[change.old_path] = LineMap(_hunks(patch.split(b"\n")))
    for start in range(0, len(same_path), MOST_PATHSPECS):
        maps |= _modified(git, old, new, same_path[start : start + MOST_PATHSPECS])
    return maps


def map_but_for_blanks(git: Git, change: Change) -> LineMap:
    """Return how the lines of a file went, where a line that was indented anew is the line that it was."""
    patch = git.run("diff", "--ignore-all-space", *_LINES, change.old_blob, change.new_blob)
    return LineMap(_hunks(patch.split(b"\n")))


def _modified(git: Git, old: str, new: str, wanted: list[Change]) -> dict[str, LineMap]:
    from swarm.git.path_text import path_bytes

    by_blobs = {(change.old_blob, change.new_blob): [] for change in wanted}  # type: dict[tuple[str, str], list[str]]
    for change in wanted:
        by_blobs[change.old_blob, change.new_blob].append(change.old_path)
    paths = [path_bytes(change.old_path) for change in wanted]
    patch = git.run("diff", "--full-index", "--no-renames", *_LINES, old, new, "--", *paths)
    maps: dict[str, LineMap] = {}
    for blobs, lines in _files_of(patch):
        line_map = LineMap(_hunks(lines))
        for path in by_blobs.get(blobs, []):
            maps[path] = line_map
    return maps


def _files_of(patch: bytes) -> list[tuple[tuple[str, str], list[bytes]]]:
    """Cut a patch at its `index <old>..<new>` lines; with -U0 each line of content begins with +, - or a backslash."""
    found: list[tuple[tuple[str, str], list[bytes]]] = []
    for line in patch.split(b"\n"):
        if line.startswith(b"index "):
            old, _, rest = line[6:].partition(b"..")
            found.append(((old.decode(), rest.split(b" ")[0].decode()), []))
        elif line.startswith(b"@@ ") and found:
            found[-1][1].append(line)
    return found


def _hunks(lines: list[bytes]) -> list[Hunk]:
    hunks = []
    for line in lines:
        if found := _HUNK.match(line):
            old_start, old_count, new_start, new_count = found.groups(b"1")
            hunks.append(Hunk(int(old_start), int(old_count), int(new_start), int(new_count)))
    return hunks


def changed_lines(git: Git, since: str, until: str) -> dict[str, list[range]]:
    """Return, by new path, the lines of `until` that were added or changed since a commit."""
    every = changes(git, since, until)
    maps = line_maps(git, since, until, [change for change in every if change.letter in "MRT"])
    found: dict[str, list[range]] = {}
    for change in every:
        if change.letter == "A":
            found[change.new_path] = [range(1, 2**31)]
        elif line_map := maps.get(change.old_path):
            found[change.new_path] = [range(hunk.new_start, hunk.new_start + hunk.new_count) for hunk in line_map.hunks]
    return found

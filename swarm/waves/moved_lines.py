"""Renames and line maps of files, from the commits where findings were last seen to the commit of a wave."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from swarm.git import diff
from swarm.git.diff import Change, changes, line_maps, map_but_for_blanks
from swarm.git.repository import contents, holds_commit
from swarm.git.runner import Git, GitError
from swarm.rules.known_findings import Known, Travel
from swarm.rules.line_map import LineMap
from swarm.rules.renames import renamed


class Journey(NamedTuple):
    """A travel, the deleted files and the changed files, all by old path. `is_known` is false for a lost commit.

    `changes` are all changes on the way, those of files without findings too.
    """

    travel: Travel
    deleted: frozenset[str]
    changed: frozenset[str]
    is_known: bool
    changes: Sequence[Change] = ()


# Bytes of a file that is compared with others: a larger one is data.
MOST_SEARCHED: Final = 16 * 1024 * 1024
STAYED = Journey(Travel({}, {}), frozenset(), frozenset(), is_known=True)


def journeys(git: Git, known: Iterable[Known], until: str) -> dict[str, Journey]:
    """Return, for each commit that a known finding is anchored in, how its files got to `until`."""
    files: defaultdict[str, set[str]] = defaultdict(set)
    for item in known:
        paths = files[item.anchor_commit]
        if item.anchor is not None:
            paths.add(item.anchor.path)
    return {commit: _journey(git, commit, until, wanted) for commit, wanted in files.items()}


def _journey(git: Git, since: str, until: str, wanted: set[str]) -> Journey:
    # Findings that were last seen at this very commit need no diff.
    if since == until or not wanted:
        return STAYED
    try:
        every = changes(git, since, until)
    except GitError:
        # The old commit was rewritten away and collected as garbage: no line can be followed from it.
        if holds_commit(git, since):
            raise
        return Journey(Travel({}, dict.fromkeys(wanted, _LOST)), frozenset(), frozenset(wanted), is_known=False)
    unseen = _unseen_renames(git, every, wanted)
    gone = {change.new_path for change in unseen.values()}
    every = [
        unseen.get(change.old_path, change) for change in every if change.letter != "A" or change.new_path not in gone
    ]
    # Only files with findings: the line maps of a whole release would take minutes.
    ours = [change for change in every if change.old_path in wanted and change.letter != "A"]
    renames = {change.old_path: change.new_path for change in ours if change.letter == "R"}
    deleted = frozenset(change.old_path for change in ours if change.letter == "D")
    maps: Mapping[str, LineMap] = line_maps(
        git, since, until, [c for c in ours if _has_lines(c) and c.old_path not in unseen]
    )
    maps = {**maps, **{path: map_but_for_blanks(git, change) for path, change in unseen.items()}}
    # Without a map a line of a deleted file would be its own successor.
    maps = {**maps, **dict.fromkeys(deleted, LineMap([diff.ALL_GONE]))}
    # By content: a rename or a change of mode alone changes no line.
    changed = frozenset(change.old_path for change in ours if change.old_blob != change.new_blob)
    return Journey(Travel(renames, maps), deleted, changed, is_known=True, changes=every)


def _unseen_renames(git: Git, every: Sequence[Change], wanted: Container[str]) -> dict[str, Change]:
    """Return the renames, by old path, of files that were indented anew, which git sees as removed and added."""
    removed = {change.old_path: change for change in every if change.letter == "D" and change.old_path in wanted}
    added = {change.new_path: change for change in every if change.letter == "A"}
    if not removed or not added:
        return {}
    old = contents(git, sorted((path, change.old_blob) for path, change in removed.items()))
    new = contents(git, sorted((path, change.new_blob) for path, change in added.items()))
    found = renamed(_texts(old), _texts(new))
    return {
        path: removed[path]._replace(letter="R", new_path=other, new_blob=added[other].new_blob)
        for path, other in found.items()
    }


def _texts(files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    for path, content in files:
        if len(content) <= MOST_SEARCHED and b"\0" not in content:
            yield path, content.decode("utf-8", "replace")


def _has_lines(change: Change) -> bool:
    return change.letter in "MRT" and change.old_blob != change.new_blob


class _Lost(LineMap):
    """The line map of a file whose old content is lost: no line has a known successor."""

    def successor(self, line: int) -> int | None:
        del line
        return None


_LOST = _Lost(())

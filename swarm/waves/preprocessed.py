"""Places of findings in C sources that a change of directives can have hidden from their analyzer."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from swarm.git.repository import TreeFile, contents
from swarm.git.runner import Git
from swarm.rules.anchors import Anchor, SourceText
from swarm.rules.known_findings import Known
from swarm.rules.line_map import LineMap
from swarm.rules.preprocessing import SUFFIXES, Preprocessed
from swarm.rules.standing_code import MOST_PLACES
from swarm.waves.moved_lines import MOST_SEARCHED, Journey, journeys

# Characters of a condition that a reason shows.
_LONGEST: Final = 60


class _File(NamedTuple):
    """A source before and after a change, under its present path."""

    path: str
    old: Preprocessed
    new: Preprocessed
    source: SourceText


def hidden_at(git: Git, known: Sequence[Known], tracked: Sequence[TreeFile], until: str) -> dict[int, str]:
    """Return, by row, why the silence about a finding says nothing at a commit, of which `tracked` are the files."""
    return (
        hidden_places(git, known, journeys(git, known, until), {file.path: file for file in tracked}) if known else {}
    )


def hidden_places(
    git: Git, known: Iterable[Known], travels: Mapping[str, Journey], tracked: Mapping[str, TreeFile]
) -> dict[int, str]:
    """Return, by row, why an analyzer's silence about a finding says nothing since its commit. Raises GitError.

    An analyzer reads neither the code behind a condition that it takes as false nor what it no longer includes.
    """
    by_file: defaultdict[tuple[str, str], list[Known]] = defaultdict(list)
    for item in known:
        if item.anchor is not None and item.anchor.path.endswith(SUFFIXES) and item.anchor.line is not None:
            journey = travels[item.anchor_commit]
            is_there = (now := tracked.get(journey.travel.path(item.anchor.path))) is not None and now.is_file
            if is_there and any(change.new_path.endswith(SUFFIXES) for change in journey.changes):
                by_file[item.anchor_commit, item.anchor.path].append(item)
    found: dict[int, str] = {}
    steered: dict[str, set[str]] = {}
    includes = _Includes(git, tracked)
    for (commit, path), file in _files(git, by_file, travels, tracked):
        journey, items = travels[commit], by_file[commit, path]
        if commit not in steered:
            steered[commit] = _steered(git, journey)
        if reason := _of_file(file, path, journey, tracked):
            found |= dict.fromkeys((item.row_id for item in items), reason)
        elif file.old.steering() != file.new.steering() or includes.reach(file, steered[commit]):
            found |= _by_region(file, items, journey.travel.lines(path))
    return found


def _of_file(file: _File, path: str, journey: Journey, tracked: Mapping[str, TreeFile]) -> str | None:
    """Return why the silence about any place of a file says nothing."""
    # A name that leads to no file of the commit was not read before either.
    before = {change.new_path if change.letter == "R" else change.old_path for change in journey.changes}
    now = {target for target in _targets(file.new, file.path) if target in tracked}
    had = {target for target in _targets(file.old, path, journey) if target in before or target in tracked}
    if lost := had - now:
        return f"its file no longer includes {min(lost)}"
    if renumbers := file.new.renumbering() - file.old.renumbering():
        return f"`#{min(renumbers)}` gives lines of its file another place"
    return None


def _by_region(file: _File, items: Sequence[Known], lines: LineMap) -> dict[int, str]:
    found = {}
    for item in items:
        if item.anchor is not None and (region := file.new.around(_places(file, item.anchor, lines))) is not None:
            place = f"`{region.text[:_LONGEST]}` of line {region.first}"
            found[item.row_id] = f"its place is within {place}, and directives were edited"
    return found


def _places(file: _File, anchor: Anchor, lines: LineMap) -> Iterator[tuple[int, int]]:
    """Yield the first and the last lines where the code of a finding is now, or was taken away."""
    now, hunk = lines.successor(anchor.line or 0), lines.hunk_at(anchor.line or 0)
    if now is not None:
        yield now, now
    if hunk is not None:
        # Of a deletion git names the line before the hole.
        yield hunk.new_start, hunk.new_start + max(1, hunk.new_count - 1)
        equal = file.source.places_of(anchor.text)
        yield from ((line, line) for line in equal[:MOST_PLACES] if lines.hunk_of_new(line))


def _targets(read: Preprocessed, path: str, journey: Journey | None = None) -> set[str]:
    """Return the paths that a source includes, by their present names where a journey renamed them."""
    folder = posixpath.dirname(path)
    paths = {posixpath.normpath(posixpath.join(folder, name.replace("\\", "/"))) for name in read.included()}
    renames = (
        {change.old_path: change.new_path for change in journey.changes if change.letter == "R"} if journey else {}
    )
    return {renames.get(name, name) for name in paths}


def _files(
    git: Git, places: Iterable[tuple[str, str]], travels: Mapping[str, Journey], tracked: Mapping[str, TreeFile]
) -> Iterator[tuple[tuple[str, str], _File]]:
    """Yield the source of each commit and path, but for those that are too long; a single process of git reads all."""
    by_name = {f"{commit}:{path}": (commit, path) for commit, path in places}
    asked = [(name, blob) for name, place in by_name.items() for blob in _blobs(*place, travels, tracked)]
    for name, read in groupby(contents(git, asked), key=itemgetter(0)):
        old, new = (text for _, text in read)
        if len(old) <= MOST_SEARCHED and len(new) <= MOST_SEARCHED:
            commit, path = by_name[name]
            source = SourceText(travels[commit].travel.path(path), new)
            now = Preprocessed(source.text)
            before = now if old == new else Preprocessed(SourceText(source.path, old).text)
            yield (commit, path), _File(source.path, before, now, source)


def _blobs(commit: str, path: str, travels: Mapping[str, Journey], tracked: Mapping[str, TreeFile]) -> tuple[str, str]:
    """Return the blobs of a source before and after its journey."""
    new = tracked[travels[commit].travel.path(path)].blob
    return next((change.old_blob for change in travels[commit].changes if change.old_path == path), new), new


class _Includes:
    """The files that sources of a commit include, directly and through other files; each file is read once."""

    def __init__(self, git: Git, tracked: Mapping[str, TreeFile]) -> None:
        self._git = git
        self._tracked = tracked
        self._read: dict[str, Preprocessed] = {}

    def reach(self, file: _File, wanted: AbstractSet[str]) -> bool:
        """Say whether a source includes one of some files; where a macro names an included file, it may be any."""
        self._read[file.path] = file.new
        waiting, seen = {file.path} if wanted else set(), set[str]()
        while waiting:
            self._load(waiting)
            seen |= waiting
            read = {path: self._read[path] for path in waiting if path in self._read}
            if any(one.includes_by_macro() for one in read.values()):
                return True
            waiting = {target for path, one in read.items() for target in _targets(one, path)} - seen
            if not waiting.isdisjoint(wanted):
                return True
        return False

    def _load(self, paths: Iterable[str]) -> None:
        files = (self._tracked.get(path) for path in paths if path not in self._read)
        blobs = sorted((file.path, file.blob) for file in files if file is not None and file.is_file)
        for path, text in contents(self._git, blobs):
            if len(text) <= MOST_SEARCHED:
                self._read[path] = Preprocessed(text.decode("utf-8", "replace"))


def _steered(git: Git, journey: Journey) -> set[str]:
    """Return the files whose directives a change edited."""
    changed = [change for change in journey.changes if change.old_path.endswith(SUFFIXES)]
    blobs = {blob for change in changed for blob in (change.old_blob, change.new_blob) if blob.strip("0")}
    read = {
        blob: Preprocessed(text.decode("utf-8", "replace")).steering()
        for blob, text in contents(git, sorted((blob, blob) for blob in blobs))
        if len(text) <= MOST_SEARCHED
    }
    return {change.new_path for change in changed if read.get(change.old_blob) != read.get(change.new_blob)}

"""Places of known findings in a commit, or in the tree that an agent made."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from swarm.git.repository import TreeFile, contents, files_at
from swarm.git.runner import Git
from swarm.rules.anchors import LONGEST_TEXT, Anchor, SourceText
from swarm.rules.findings import Fate
from swarm.rules.known_findings import Known
from swarm.rules.line_map import Hunk
from swarm.rules.verification import Inspection
from swarm.waves.lost_lines import standing_at
from swarm.waves.moved_lines import Journey, journeys


class Place(NamedTuple):
    """The fate of a finding's line, the present path of its file, and the line there or in its place.

    `changed` says that the file's content differs from that of the commit where the finding was last seen; `added` are
    the lines that have no predecessor, `hunk` is the change that took the finding's line.
    """

    fate: Fate
    path: str | None
    line: int | None
    changed: bool
    added: frozenset[int] = frozenset()
    hunk: Hunk | None = None


def places_at(git: Git, known: Sequence[Known], until: str) -> dict[int, Place]:
    """Return, by row, the places of findings in a commit or a tree object."""
    # A diff for each commit that findings are anchored in, not for each finding.
    travels = journeys(git, known, until)
    tracked = {file.path: file for file in files_at(git, until)}
    fates, uncertain, _ = settled_fates(known, travels, tracked)
    moved: dict[int, int] = {}
    # In a single batch, and only files whose line map leaves a doubt.
    wanted = sorted(uncertain)
    for path, content in contents(git, [(path, tracked[path].blob) for path in wanted]):
        source = SourceText(path, content)
        fates |= fates_in(source, uncertain[path], travels)
        for item in uncertain[path]:
            if item.anchor is not None and (places := source.places_of(item.anchor.text)):
                moved[item.row_id] = places[0]
    elsewhere = standing_at(git, _removed(known, fates), travels, tracked, until)
    found: dict[int, Place] = {}
    fresh: dict[tuple[str, str], frozenset[int]] = {}
    for item in known:
        fate = fates.get(item.row_id, Fate.UNKNOWN)
        if item.anchor is None:
            found[item.row_id] = Place(fate, None, None, changed=False)
        elif (standing := elsewhere.get(item.row_id)) is not None:
            found[item.row_id] = Place(standing.fate, standing.path, standing.line, changed=True)
        else:
            journey = travels[item.anchor_commit]
            own = _own_place(item.anchor, fate, journey, moved.get(item.row_id), tracked)
            # Computed once per file: many findings share a large new file.
            file = item.anchor_commit, item.anchor.path
            if own.changed and file not in fresh:
                fresh[file] = frozenset(journey.travel.lines(item.anchor.path).added_lines())
            found[item.row_id] = own._replace(added=fresh.get(file, frozenset()))
    return found


def _own_place(
    anchor: Anchor, fate: Fate, journey: Journey, moved: int | None, tracked: Mapping[str, TreeFile]
) -> Place:
    """Return the place of a line in its own file; a removed line has the place of the line that replaced it."""
    path, lines, line = journey.travel.path(anchor.path), journey.travel.lines(anchor.path), anchor.line
    now = None
    if fate is Fate.STANDS and line is not None:
        now = lines.successor(line)
    elif fate is Fate.MOVED:
        now = moved
    elif fate is Fate.REMOVED and line is not None:
        now = lines.rewritten(line)
    changed = anchor.path in journey.changed or path != anchor.path
    own = path if path in tracked else None
    return Place(fate, own, now, changed, hunk=lines.hunk_at(line or 0) if changed else None)


def _removed(known: Iterable[Known], fates: Mapping[int, Fate]) -> list[Known]:
    return [item for item in known if fates.get(item.row_id) in {Fate.REMOVED, Fate.FILE_REMOVED}]


def settled_fates(
    known: Iterable[Known], travels: Mapping[str, Journey], tracked: Mapping[str, TreeFile]
) -> tuple[dict[int, Fate], dict[str, list[Known]], Mapping[str, Mapping[str, set[int]]]]:
    """Return the fates that follow from git's line map, and by path the findings whose file must be read.

    The third value holds the lines of the findings that stand, by path and rule, in the commit of the wave.
    """
    # Python before 3.12 calls a function for each reading of a member of an enum.
    fates, stands = dict[int, Fate](), Fate.STANDS
    uncertain: defaultdict[str, list[Known]] = defaultdict(list)
    lines: defaultdict[str, defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for item in known:
        anchor, journey = item.anchor, travels[item.anchor_commit]
        if anchor is None:
            fates[item.row_id] = Fate.UNKNOWN
            continue
        path = journey.travel.path(anchor.path)
        if anchor.path in journey.deleted or path not in tracked:
            fates[item.row_id] = Fate.FILE_REMOVED
        elif anchor.line is None:
            fates[item.row_id] = Fate.UNKNOWN
        # Git's line map settles nearly all lines without a file being read.
        elif (line := journey.travel.lines(anchor.path).successor(anchor.line)) is not None:
            fates[item.row_id] = stands
            lines[path][item.rule].add(line)
        elif not tracked[path].is_file:
            fates[item.row_id] = Fate.UNKNOWN
        else:
            uncertain[path].append(item)
    return fates, uncertain, lines


def fates_in(source: SourceText, known: Iterable[Known], travels: Mapping[str, Journey]) -> dict[int, Fate]:
    """Return, by row, the fates of lines of a file without a successor.

    A line moved where a new line of its file may be the same line.
    """
    fates: dict[int, Fate] = {}
    added: dict[tuple[str, str], _NewLines] = {}
    for item in known:
        anchor, journey = item.anchor, travels[item.anchor_commit]
        if anchor is None:
            fates[item.row_id] = Fate.UNKNOWN
        # The old commit is missing, so a line of the same text is the only trace left.
        elif not journey.is_known:
            fates[item.row_id] = Fate.MOVED if source.places_of(anchor.text) else Fate.UNKNOWN
        else:
            place = item.anchor_commit, anchor.path
            # Indexed a single time: n lost lines compared with n new lines would cost their square.
            if place not in added:
                added[place] = _NewLines(source, journey.travel.lines(anchor.path).added_lines())
            fates[item.row_id] = Fate.MOVED if added[place].may_hold(anchor) else Fate.REMOVED
    return fates


class _NewLines:
    """Lines of a file that have no predecessor, by their text."""

    def __init__(self, source: SourceText, added: Iterable[int]) -> None:
        self._source = source
        # Compared without white space: a formatter that indents a line does not fix the finding.
        self._alike: defaultdict[str, list[int]] = defaultdict(list)
        for line in added:
            self._alike["".join(source.folded[line - 1][:LONGEST_TEXT].split())].append(line)
        self._contexts: dict[str, set[str]] = {}

    def may_hold(self, anchor: Anchor) -> bool:
        """Say whether a lost line may be among the new lines of the same text.

        A text that occurred a single time in its scope is enough. A text that occurred several times, such as `else:`,
        is enough where as many occurrences are left, or where the neighbours of a new line are the same.
        """
        bare = "".join(anchor.text.split())
        alike = self._alike.get(bare)
        if alike is None:
            return False
        if anchor.occurrences <= 1:
            return True
        if len(self._source.alike(self._source.folded[alike[0] - 1], anchor.scope)) >= anchor.occurrences:
            return True
        if bare not in self._contexts:
            found = (self._source.anchor_at(line, anchor.anchored) for line in alike)
            self._contexts[bare] = {new.context_hash for new in found}
        return anchor.context_hash in self._contexts[bare]


def inspection_of(place: Place) -> Inspection:
    """Return a place as facts for a verdict, without evidence of a fix."""
    where = f"{place.path}:{place.line}" if place.line else place.path or "no file"
    return Inspection(
        place.fate,
        where,
        None,
        None,
        fix_is_there=False,
        same_content=False,
    )

"""Where known findings stand in a commit, or in the tree that an agent made."""

from collections.abc import Sequence
from typing import NamedTuple

from swarm.git.repository import contents, files_at
from swarm.git.runner import Git
from swarm.rules.anchors import SourceText
from swarm.rules.findings import Fate
from swarm.rules.matching import Known
from swarm.waves.collect.sightings import fate_in, settled_fates
from swarm.waves.travel import journeys


class Place(NamedTuple):
    """What became of a finding's line: where its file is now, the line that stands there or in its place.

    `changed` says that the content of the file is another than where the finding was last seen; `added` are the lines
    of it that no old line became.
    """

    fate: Fate
    path: str | None
    line: int | None
    changed: bool
    added: frozenset[int] = frozenset()


def places_at(git: Git, known: Sequence[Known], until: str) -> dict[int, Place]:
    """Return, by row, where findings stand in a commit or a tree object."""
    travels = journeys(git, known, until)
    tracked = {file.path: file for file in files_at(git, until)}
    fates, uncertain = settled_fates(known, travels, tracked)
    moved: dict[int, int] = {}
    wanted = sorted(uncertain)
    for path, content in contents(git, [(path, tracked[path].blob) for path in wanted]):
        source = SourceText(path, content)
        for item in uncertain[path]:
            fates[item.row_id] = fate_in(source, item, travels[item.anchor_commit])
            if item.anchor is not None and (places := source.places_of(item.anchor.text)):
                moved[item.row_id] = places[0]
    found: dict[int, Place] = {}
    fresh: dict[tuple[str, str], frozenset[int]] = {}
    for item in known:
        fate = fates.get(item.row_id, Fate.UNKNOWN)
        if item.anchor is None:
            found[item.row_id] = Place(fate, None, None, changed=False)
            continue
        journey = travels[item.anchor_commit]
        path = journey.travel.path(item.anchor.path)
        lines, line = journey.travel.lines(item.anchor.path), item.anchor.line
        now = None
        if fate is Fate.STANDS and line is not None:
            now = lines.successor(line)
        elif fate is Fate.MOVED:
            now = moved.get(item.row_id)
        elif fate is Fate.GONE and line is not None:
            now = lines.rewritten(line)
        changed = item.anchor.path in journey.changed or path != item.anchor.path
        place = item.anchor_commit, item.anchor.path
        if changed and place not in fresh:
            fresh[place] = frozenset(lines.added_lines())
        found[item.row_id] = Place(fate, path if path in tracked else None, now, changed, fresh.get(place, frozenset()))
    return found

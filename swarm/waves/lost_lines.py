"""Fates of lines that git follows no further: the code of such a line may stand in another form or place."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from swarm.git import diff
from swarm.git.repository import TreeFile, contents
from swarm.git.runner import Git
from swarm.rules.anchors import SourceText
from swarm.rules.code_text import KEYWORDS, CodeText
from swarm.rules.known_findings import Known
from swarm.rules.line_map import UNCHANGED
from swarm.rules.standing_code import Added, AddedCode, LostLine, Standing
from swarm.waves.moved_lines import MOST_SEARCHED, Journey

_WORDS: Final = re.compile(rb"[^\W\d]\w*")
_NO_BLOB: Final = re.compile("0+")


def standing_at(
    git: Git,
    gone: Iterable[Known],
    travels: Mapping[str, Journey],
    tracked: Mapping[str, TreeFile],
    until: str,
) -> dict[int, Standing]:
    """Return, by row, where the code of removed lines stands; a line whose code is removed has no entry.

    `gone` are findings whose line, or whose file, has no successor. Raises GitError.
    """
    by_commit: defaultdict[str, list[Known]] = defaultdict(list)
    for item in gone:
        if item.anchor is not None and item.anchor.line is not None and travels[item.anchor_commit].is_known:
            by_commit[item.anchor_commit].append(item)
    found: dict[int, Standing] = {}
    for commit, items in by_commit.items():
        journey = travels[commit]
        lost = _lost(git, items, journey)
        change = _change(git, commit, until, journey, tracked, lost.values())
        for row, line in lost.items():
            if (standing := change.standing(line)) is not None:
                found[row] = standing
    return found


def _lost(git: Git, items: Sequence[Known], journey: Journey) -> dict[int, LostLine]:
    """Return the lines with their files as they were, by row."""
    by_path: defaultdict[str, list[Known]] = defaultdict(list)
    for item in items:
        if item.anchor is not None:
            by_path[item.anchor.path].append(item)
    blobs = [(change.old_path, change.old_blob) for change in journey.changes if change.old_path in by_path]
    blobs = [(path, blob) for path, blob in blobs if not _NO_BLOB.fullmatch(blob)]
    found: dict[int, LostLine] = {}
    for path, content in contents(git, sorted(set(blobs))):
        code = CodeText(SourceText(path, content))
        lines = journey.travel.lines(path)
        for item in by_path[path]:
            anchor = item.anchor
            if anchor is not None and anchor.line is not None and anchor.line <= len(code.source.lines):
                now = journey.travel.path(path)
                found[item.row_id] = LostLine(code, anchor, now, lines.hunk_at(anchor.line))
    return found


def _change(
    git: Git,
    since: str,
    until: str,
    journey: Journey,
    tracked: Mapping[str, TreeFile],
    lost: Iterable[LostLine],
) -> AddedCode:
    """Return the files of a change that can hold the code of the lost lines."""
    lines = list(lost)
    # All words of the lines' files would let every file pass; the words of a line are few.
    words = {word.encode() for line in lines for word in _words(line)}
    paths = {line.path for line in lines}
    wanted = [
        change
        for change in journey.changes
        if change.letter in "AMRTC" and (file := tracked.get(change.new_path)) is not None
        if file.is_file
    ]
    by_path = {change.new_path: change for change in wanted}
    kept: list[tuple[str, bytes]] = []
    for path, content in contents(git, sorted((path, tracked[path].blob) for path in by_path)):
        # On the bytes first: nearly no file of a large change shares a word with the few lines that are lost.
        is_code = len(content) <= MOST_SEARCHED and b"\0" not in content
        if path in paths or (is_code and not words.isdisjoint(_WORDS.findall(content))):
            kept.append((path, content))
    missing = [by_path[path] for path, _ in kept if by_path[path].old_path not in journey.travel.line_maps]
    maps = {**journey.travel.line_maps}
    maps |= diff.line_maps(git, since, until, [change for change in missing if change.letter in "MRT"])
    added = []
    for path, content in kept:
        code = CodeText(SourceText(path, content))
        is_new = by_path[path].letter in "AC"
        every = range(1, len(code.source.lines) + 1)
        # A file that was only renamed has no map, and no new line.
        numbers = every if is_new else maps.get(by_path[path].old_path, UNCHANGED).added_lines()
        added.append(Added(code, frozenset(numbers)))
    return AddedCode(added)


def _words(lost: LostLine) -> set[str]:
    own = {token.text for token in lost.code.at_lines([lost.anchor.line or 0])} - KEYWORDS
    return own or {token.text for token in lost.code.in_scope(lost.anchor.scope)} - KEYWORDS

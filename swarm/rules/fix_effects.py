"""Effects of a program's fixes on the reports about a file: reports that stay, reports that are gone, and new ones."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

from swarm.rules.line_map import Hunk, LineMap

# Lines of a text of which every line is compared, in less than a second.
_LONG: Final = 3000


class LineReport(NamedTuple):
    """A report about a file: its rule, its line, and its message."""

    rule: str
    line: int
    message: str


class Effects(NamedTuple):
    """Reports by their position: each that stays with its successor, those that are gone, and those that came."""

    stayed: dict[int, int]
    gone: tuple[int, ...]
    came: tuple[int, ...]


def effects_of(before: Sequence[LineReport], after: Sequence[LineReport], old: str, new: str) -> Effects:
    """Pair the reports about a text with those about its fixed form, one to one, the surest pairs first."""
    lines = line_map(old, new)
    stayed: dict[int, int] = {}

    def pair(key_before: Callable[[LineReport], Any], key_after: Callable[[LineReport], Any]) -> None:
        waiting = defaultdict(list)
        taken = set(stayed.values())
        for position, report in enumerate(after):
            if position not in taken:
                waiting[key_after(report)].append(position)
        for position, report in enumerate(before):
            key = key_before(report)
            if position not in stayed and key is not None and waiting[key]:
                stayed[position] = waiting[key].pop(0)

    def on_line(report: LineReport) -> tuple[str, int] | None:
        line = lines.successor(report.line)
        return (report.rule, line) if line is not None else None

    pair(lambda report: (on_line(report), report.message), lambda report: ((report.rule, report.line), report.message))
    # A message may name what the fix changed.
    pair(on_line, lambda report: (report.rule, report.line))
    # A report on a changed line stays where its rule is still reported in what the lines became.
    pair(
        lambda report: (report.rule, hunk) if (hunk := lines.hunk_at(report.line)) else None,
        lambda report: (report.rule, lines.hunk_of_new(report.line)),
    )
    gone = tuple(position for position in range(len(before)) if position not in stayed)
    here = set(stayed.values())
    return Effects(stayed, gone, tuple(position for position in range(len(after)) if position not in here))


def changed_lines(old: str, new: str, line: int) -> range | None:
    """Return the lines of a text that became a changed line of another text, `None` for a line that is unchanged."""
    hunk = line_map(old, new).hunk_of_new(line)
    if hunk is None:
        return None
    if hunk.old_count == hunk.new_count:
        # Both sides face each other line by line.
        return range(hunk.old_start + line - hunk.new_start, hunk.old_start + line - hunk.new_start + 1)
    return range(hunk.old_start, hunk.old_start + max(hunk.old_count, 1))


def line_map(old: str, new: str) -> LineMap:
    """Return the map of the lines of a text to those of another, as a diff without context would give it."""
    before, after = old.split("\n"), new.split("\n")
    # A second time within each change: of a long text, the first looks for no line that stands everywhere.
    return LineMap(
        [
            # Lines count from 1, and a side without lines is named by the line before the hole.
            Hunk(a + e + (f > e), f - e, c + g + (h > g), h - g)
            for a, b, c, d in _changes(before, after)
            for e, f, g, h in _changes(before[a:b], after[c:d])
        ]
    )


def _changes(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Return the bounds of each change on both sides, from 0."""
    # Each empty line of a side is compared with each of the other: for 20,000 lines that takes half a minute.
    matcher = SequenceMatcher(None, before, after, autojunk=len(after) > _LONG)
    return [(a, b, c, d) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"]

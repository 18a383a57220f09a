"""Map of the lines of a file from a commit to another, from the hunks of git's diff."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple


class Hunk(NamedTuple):
    """A change as `diff -U0` writes it: `old_count` lines from `old_start` became `new_count` from `new_start`."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int


class LineMap:
    """Successor of each line of a file. Lines count from 1."""

    def __init__(self, hunks: Sequence[Hunk]) -> None:
        # Sorted for `bisect`: a linear search for each of 100,000 findings would be quadratic.
        self.hunks = tuple(sorted(hunks))
        # `diff -U0` names the line before a pure insertion, so only the lines after that line shift.
        self._starts = [hunk.old_start + (hunk.old_count == 0) for hunk in self.hunks]
        self._new_starts = [hunk.new_start for hunk in self.hunks]

    def successor(self, line: int) -> int | None:
        """Return the number of an unchanged line in the new file, `None` for a changed or removed line."""
        at = bisect_right(self._starts, line) - 1
        if at < 0:
            return line
        hunk = self.hunks[at]
        if line < self._starts[at] + hunk.old_count:
            return None
        old_end = self._starts[at] + hunk.old_count
        # For a pure deletion git names the line before the hole, so the end is a line later.
        new_end = hunk.new_start + hunk.new_count + (hunk.new_count == 0)
        return line - old_end + new_end

    def hunk_at(self, line: int) -> Hunk | None:
        """Return the hunk that took a line of the old file."""
        at = bisect_right(self._starts, line) - 1
        return self.hunks[at] if at >= 0 and line < self._starts[at] + self.hunks[at].old_count else None

    def hunk_of_new(self, line: int) -> Hunk | None:
        """Return the hunk that added a line of the new file, `None` for a line that was there before."""
        at = bisect_right(self._new_starts, line) - 1
        return self.hunks[at] if at >= 0 and line < self._new_starts[at] + self.hunks[at].new_count else None

    def rewritten(self, line: int) -> int | None:
        """Return the line that replaced a changed line, where the hunk has as many lines as before."""
        at = bisect_right(self._starts, line) - 1
        if at < 0:
            return None
        hunk = self.hunks[at]
        # Only where both sides have equally many lines do they face each other line by line.
        if line < hunk.old_start + hunk.old_count and hunk.old_count == hunk.new_count:
            return hunk.new_start + line - hunk.old_start
        return None

    def added_lines(self) -> list[int]:
        """Return the numbers of the new file's lines that no old line became."""
        return [number for hunk in self.hunks for number in range(hunk.new_start, hunk.new_start + hunk.new_count)]


UNCHANGED = LineMap(())

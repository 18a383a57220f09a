"""Effects of fixes on the reports about a file."""

import pytest

from swarm.rules.fix_effects import Effects, LineReport, changed_lines, effects_of, line_map
from swarm.rules.line_map import Hunk

OLD = "one\ntwo\nthree\nfour\n"


def reported(*places: tuple[str, int]) -> list[LineReport]:
    return [LineReport(rule, line, f"{rule} in {line}") for rule, line in places]


@pytest.mark.parametrize(
    ("before", "after", "new", "effects"),
    [
        # A line went, so that the reports below it stand a line higher.
        ([("A", 1), ("B", 3), ("B", 4)], [("B", 2), ("B", 3)], "two\nthree\nfour\n", Effects({1: 0, 2: 1}, (0,), ())),
        # A line changed, and its other rule is still reported.
        ([("A", 2), ("B", 2)], [("B", 2)], "one\n2\nthree\nfour\n", Effects({1: 0}, (0,), ())),
        # A line became two, the second of which has the report.
        ([("A", 2)], [("A", 3)], "one\n2\n2\nthree\nfour\n", Effects({0: 0}, (), ())),
        # The same rule on a line that was without it is a new report.
        ([("A", 2)], [("A", 4)], "one\n2\nthree\nfour\n", Effects({}, (0,), (0,))),
        # Of two equal reports on a line one went.
        ([("A", 2), ("A", 2)], [("A", 2)], "one\n2\nthree\nfour\n", Effects({0: 0}, (1,), ())),
        ([], [], "", Effects({}, (), ())),
    ],
)
def test_reports_are_paired_by_the_lines_that_became_theirs(
    before: list[tuple[str, int]], after: list[tuple[str, int]], new: str, effects: Effects
) -> None:
    assert effects_of(reported(*before), reported(*after), OLD, new) == effects


@pytest.mark.parametrize(
    ("new", "line", "lines"),
    [
        ("one\ntwo\n3\n4\n", 4, range(4, 5)),
        ("one\n2\n2\nthree\nfour\n", 3, range(2, 3)),
        ("one\ntwo\nthree\nfour\n", 2, None),
    ],
)
def test_a_changed_line_came_from_the_lines_of_its_change(new: str, line: int, lines: range | None) -> None:
    assert changed_lines(OLD, new, line) == lines


def test_a_long_text_has_its_changes_line_by_line_where_empty_lines_stand_between() -> None:
    old = [text for number in range(10_000) for text in (f"line {number}", "")]
    new = [*old]
    new[9_000] += " changed"
    new[9_002] += " changed"
    del new[12_000:12_002]
    assert line_map("\n".join(old), "\n".join(new)).hunks == (
        Hunk(9_001, 1, 9_001, 1),
        Hunk(9_003, 1, 9_003, 1),
        Hunk(12_001, 2, 12_000, 0),
    )

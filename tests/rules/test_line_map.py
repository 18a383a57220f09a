from hypothesis import given
from hypothesis import strategies as st

from swarm.rules.line_map import Hunk, LineMap


def test_lines_shift_around_insertions_changes_and_removals():
    line_map = LineMap([Hunk(0, 0, 1, 2), Hunk(3, 1, 5, 1), Hunk(5, 2, 6, 0)])
    assert [line_map.successor(line) for line in range(1, 9)] == [3, 4, None, 6, None, None, 7, 8]
    assert [line_map.rewritten(line) for line in (2, 3, 5)] == [None, 5, None]
    assert line_map.added_lines() == [1, 2, 5]


@st.composite
def hunks(draw: st.DrawFn) -> list[Hunk]:
    """Hunks as a diff without context has them: in order, apart, and some may only add or only remove."""
    found, old, new = [], 0, 0
    for _ in range(draw(st.integers(0, 5))):
        between, gone, added = draw(st.integers(1, 5)), draw(st.integers(0, 4)), draw(st.integers(0, 4))
        old, new = old + between, new + between
        if gone or added:
            # Where a side has no line, its number is that of the line before.
            found.append(Hunk(old + bool(gone), gone, new + bool(added), added))
        old, new = old + gone, new + added
    return found


@given(hunks())
def test_each_line_has_one_successor_or_none_in_order_and_no_added_line_is_one(found: list[Hunk]) -> None:
    line_map = LineMap(found)
    after = [line_map.successor(line) for line in range(1, 60)]
    kept = [line for line in after if line is not None]
    assert kept == sorted(set(kept))
    assert len(after) - len(kept) == sum(hunk.old_count for hunk in found)
    assert not set(kept) & set(line_map.added_lines())
    assert len(line_map.added_lines()) == sum(hunk.new_count for hunk in found)

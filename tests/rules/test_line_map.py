from swarm.rules.line_map import Hunk, LineMap


def test_lines_shift_around_insertions_changes_and_removals():
    line_map = LineMap([Hunk(0, 0, 1, 2), Hunk(3, 1, 5, 1), Hunk(5, 2, 6, 0)])
    assert [line_map.successor(line) for line in range(1, 9)] == [3, 4, None, 6, None, None, 7, 8]
    assert [line_map.rewritten(line) for line in (2, 3, 5)] == [None, 5, None]
    assert line_map.added_lines() == [1, 2, 5]

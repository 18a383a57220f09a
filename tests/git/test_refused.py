"""Items that git refuses, found in halves: neither a call for each item, nor a good item lost beside a bad one."""

from collections.abc import Sequence
from pathlib import Path

from swarm.git.agent_record import MOST_REFUSED, refused_by
from swarm.git.runner import GitError


def asked(items: Sequence[int], bad: set[int]) -> tuple[list[int], list[int], int]:
    """Return the refused items, the taken items, and the number of calls."""
    taken: list[int] = []
    calls = 0

    def take(part: Sequence[int]) -> None:
        nonlocal calls
        calls += 1
        if not bad.isdisjoint(part):
            raise GitError(("update-index",), 128, "refused", Path())
        taken.extend(part)

    return refused_by(take, items), taken, calls


def test_good_items_are_taken_in_their_order_and_bad_items_are_returned() -> None:
    assert asked(range(10), {3, 7}) == ([3, 7], [0, 1, 2, 4, 5, 6, 8, 9], 13)
    assert asked(range(10), set()) == ([], list(range(10)), 1)
    assert asked((), set()) == ([], [], 1)


def test_the_number_of_calls_is_bounded() -> None:
    refused, taken, calls = asked(range(100_000), set(range(100_000)))
    assert (refused, taken) == (list(range(100_000)), [])
    assert calls < MOST_REFUSED * 20

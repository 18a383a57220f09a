"""Comparison of two globs, each as its steps: whether a path could match both. A no is certain, a yes may be wrong."""

import re
from functools import cache
from typing import Final

_ANY_DEPTH: Final = "**"
_WILDCARDS: Final = ("*", "?")
_RUN: Final = re.compile(r"(?:\\.|[^*?\\])+|[*?]", re.DOTALL)


def may_both_match(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Say whether a path could match both globs."""
    # Without `**` a glob matches paths of exactly its own depth.
    if _ANY_DEPTH not in first and _ANY_DEPTH not in second and len(first) != len(second):
        return False
    # Compared from both ends, because `**` ends the comparison at its place.
    return not part_ways(first, second) and not part_ways(first[::-1], second[::-1])


def part_ways(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Say whether two globs, read from the same end, differ in a step before any depth begins."""
    for step, other in zip(first, second, strict=False):
        if _ANY_DEPTH in (step, other):
            return False
        if step != other and not _may_be_same_name(step, other):
            return True
    return False


def _may_be_same_name(step: str, other: str) -> bool:
    (head, tail), (other_head, other_tail) = _ends(step), _ends(other)
    # Neither step has a wildcard, so only equal names meet.
    if head == step and other_head == other:
        return step == other
    heads = head.startswith(other_head) or other_head.startswith(head)
    return heads and (tail.endswith(other_tail) or other_tail.endswith(tail))


@cache
def _ends(step: str) -> tuple[str, str]:
    """Return the text before the first wildcard of a step and the text after the last, or the whole step twice."""
    runs = _RUN.findall(step)
    head, tail = runs[0], runs[-1]
    return "" if head in _WILDCARDS else head, "" if tail in _WILDCARDS else tail

"""Records of `explain`."""

from typing import NamedTuple


class Explanation(NamedTuple):
    """What a thing means and what to do about it."""

    subject: str
    kind: str
    title: str
    meaning: tuple[str, ...]
    next_action: str

"""Records of `explain`."""

from typing import NamedTuple


class Explanation(NamedTuple):
    """The meaning of a thing, and what to do."""

    subject: str
    kind: str
    title: str
    meaning: tuple[str, ...]
    next_action: str

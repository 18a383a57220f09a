"""The fault for which a bundle of an agent's work is refused."""

from typing import Literal

Kind = Literal["header", "refs", "base", "size", "pack", "fsck", "stray objects", "history", "links", "paths"]


class BundleFault(Exception):
    """A bundle that does not count: the kind of its fault, and words for a person."""

    def __init__(self, kind: Kind, words: str) -> None:
        super().__init__(words)
        self.kind = kind
        self.words = words

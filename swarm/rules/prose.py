"""Likeness of two messages by their words of meaning, and the code that a message names."""

import re
from functools import lru_cache
from typing import Final

# Share of equal words from which two messages describe the same defect.
SIMILAR_PROSE: Final = 0.5
# Letters of a word that are compared.
STEM: Final = 5
# Words of meaning: the others stand in any two messages and would make them look alike.
_WORD: Final = re.compile(
    r"\b(?!(?:an?|and|are|as|at|be|but|by|can|could|do|does|for|from|has|have|here|how|if|in|into|is|its?|may|no|not|of"
    r"|on|or|so|than|that|the|then|there|this|to|was|when|where|which|will|with|would)\b)\w+"
)
# Code that a message names: in quotation marks, or with an underscore or a capital inside.
_QUOTED: Final = re.compile(r"""(?<!\w)[`'"]([^`'"\n]{1,100}+)[`'"](?!\w)""")
_IDENTIFIER: Final = re.compile(r"[^\W_]_[^\W_]|[a-z][A-Z]")
_NUMBER: Final = re.compile(r"\d++")
# Characters of a message that are searched for code.
_LONGEST: Final = 500


def shared_words(ours: str, theirs: str) -> float:
    """Return the share of the words of meaning of the shorter message that the other has, between 0 and 1."""
    mine, its = _words(ours), _words(theirs)
    # Relative to the shorter message, or a long explanation would never resemble a short one.
    return len(mine & its) / max(1, min(len(mine), len(its)))


# Findings of one place are compared with each other, at most 20 with 20: each message is taken apart once.
@lru_cache(maxsize=64)
def _words(prose: str) -> frozenset[str]:
    """Return the words of meaning, cut so that `documents`, `documented` and `documentation` are equal."""
    return frozenset(word[:STEM] for word in _WORD.findall(prose.lower()))


def numberless(prose: str) -> str:
    """Return a message with `0` for each number: counts and line numbers in it change with every edit."""
    return _NUMBER.sub("0", prose)


def code_words(description: str) -> set[str]:
    """Return the words of a message that are code: in quotation marks, or written as only identifiers are."""
    begun = description[:_LONGEST]
    quoted = {word for part in _QUOTED.findall(begun) for word in _WORD.findall(part)}
    return quoted | {word for word in _WORD.findall(begun) if _IDENTIFIER.search(word)}

"""Anchor of a finding: its place in terms that survive edits (path, scope, text of the line, occurrence)."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Final, NamedTuple

from swarm.rules.scopes import scopes_of
from swarm.rules.source_text import source_text
from swarm.rules.suppressions import MARK, without_comment

# The hash covers the whole line; only the stored text is cut, so that a minified file fits in the database.
LONGEST_TEXT: Final = 500
_WORD: Final = re.compile(r"\w+")
_SAME_QUOTE: Final = str.maketrans({'"': "'", "`": "'", "“": "'", "”": "'", "‘": "'", "’": "'"})  # noqa: RUF001

_LAST_MARKS: Final = ";,"


class Anchored(StrEnum):
    """Bases of an anchor: the reported quote, the line's number alone, or nothing."""

    QUOTE = "quote"
    LINE = "line"
    NONE = "none"


# Python before 3.12 calls a function for each reading of a member of an enum.
QUOTED: Final = Anchored.QUOTE
UNANCHORED: Final = Anchored.NONE


class Anchor(NamedTuple):
    """Place of a finding. `line` counts from 1; hashes are hex; without a line all but `path` is empty."""

    path: str
    line: int | None
    scope: str
    text: str
    text_hash: str
    occurrence: int
    occurrences: int
    context_hash: str
    anchored: Anchored


def folded(text: str) -> str:
    """Fold white space: each run becomes a blank, both ends are stripped."""
    return " ".join(text.split())


def tightened(text: str) -> str:
    """Drop all blanks and the last semicolons or commas, and make all quotation marks alike."""
    return text.replace(" ", "").translate(_SAME_QUOTE).rstrip(_LAST_MARKS)


def squeezed(text: str) -> str:
    """Keep the letters and digits."""
    return "".join(filter(str.isalnum, text))


def digest(*parts: str) -> str:
    """Return the hex SHA-256 over the parts, kept apart by NUL."""
    # Names in git that are no UTF-8 hold lone surrogates, which plain UTF-8 refuses.
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


class SourceText:
    """One file of a commit, read once, with the indexes that anchors need, each made on first use."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        # A byte order mark would make the text of the first line differ from the agent's quote.
        self.text = source_text(content)
        # Not `splitlines`: git counts lines by `\n` alone, and form feeds would shift every later number.
        self.lines = self.text.split("\n")
        self.is_marked = MARK in self.text
        self.folded = [" ".join(line.split()) for line in self.lines]
        if self.is_marked:
            # A suppression must not change the text of its line, or the comment would hide the finding by itself.
            bare = (without_comment(line) if MARK in line else line for line in self.lines)
            self.folded = [" ".join(line.split()) for line in bare]
        self._alike: dict[tuple[str, str], list[int]] = {}
        self._anchors: dict[int, Anchor] = {}
        self._hashes: dict[str, str] = {}
        self._contexts: dict[tuple[int, int], str] = {}
        self._words: dict[int, frozenset[str]] = {}
        self._by_name: dict[int, tuple[Sequence[int], dict[str, list[int]]]] = {}
        # Lines that inexact quotes without a line number were found to mean, by quote.
        self.searched: dict[str, list[int]] = {}

    # Indexes are made on first use: most files have a single report, which its line number finds.

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        return _numbers_by(self.folded)

    @cached_property
    def _scopes(self) -> list[str]:
        return scopes_of(self.path, self.text, self.lines)

    @cached_property
    def tightened(self) -> list[str]:
        """The lines without blanks, last semicolons and kinds of quotation marks."""
        # In the whole text at once: a call for each line of a large file would take three times as long.
        bare = "\n".join(self.folded).replace(" ", "").translate(_SAME_QUOTE)
        return [text.rstrip(_LAST_MARKS) for text in bare.split("\n")]

    @cached_property
    def squeezed(self) -> list[str]:
        """The letters and digits of each line."""
        return [squeezed(text) for text in self.folded]

    @cached_property
    def _by_tightened(self) -> dict[str, list[int]]:
        return _numbers_by(self.tightened)

    @cached_property
    def _by_squeezed(self) -> dict[str, list[int]]:
        return _numbers_by(self.squeezed)

    @cached_property
    def _written(self) -> list[int]:
        return [index for index, text in enumerate(self.folded) if text]

    def places_of(self, folded_text: str) -> list[int]:
        """Return the numbers of the lines whose folded text is this, ascending."""
        return self._places.get(folded_text, [])

    def scope_at(self, line: int) -> str:
        """Return the enclosing definition of a line."""
        return self._scopes[line - 1]

    def alike(self, folded_text: str, scope: str) -> Sequence[int]:
        """Return the numbers of the lines of this folded text in a scope, ascending."""
        places = self.places_of(folded_text)
        if len(places) <= 1:
            return places if places and self.scope_at(places[0]) == scope else ()
        # All scopes of a text at once: with a search for each of n reports n equal lines would cost their square.
        if (folded_text, self.scope_at(places[0])) not in self._alike:
            for place in places:
                self._alike.setdefault((folded_text, self.scope_at(place)), []).append(place)
        return self._alike.get((folded_text, scope), ())

    def quoted_at(self, line: int, quote: str | None) -> Anchor | None:
        """Return the anchor of a line that a report quotes exactly, `None` for any other report."""
        if 0 < line <= len(self.lines) and quote == self.lines[line - 1] and self.folded[line - 1]:
            return self.anchor_at(line, QUOTED)
        return None

    def anchor_at(self, line: int, anchored: Anchored) -> Anchor:
        """Return the anchor of a line of this file."""
        # Kept by line: many reports can name a line that is long to hash.
        found = self._anchors.get(line)
        if found is None:
            found = self._anchors[line] = self._anchor_of(line, anchored)
        return found if found.anchored is anchored else found._replace(anchored=anchored)

    def _anchor_of(self, line: int, anchored: Anchored) -> Anchor:
        text, scope = self.folded[line - 1], self._scopes[line - 1]
        occurrence = occurrences = 1
        if len(self._places[text]) == 1:
            text_hash = digest(text)
        else:
            # Counted within the scope: an equal line in another function must not shift the number.
            alike = self.alike(text, scope)
            occurrence, occurrences = bisect_left(alike, line) + 1, len(alike)
            # Equal lines are hashed once: an agent may report each of them.
            text_hash = self._hashes.get(text) or self._hashes.setdefault(text, digest(text))
        context = self._context_hash(line)
        # In the order of the fields: by keyword an anchor takes three times as long.
        return Anchor._make(
            (self.path, line, scope, text[:LONGEST_TEXT], text_hash, occurrence, occurrences, context, anchored)
        )

    def places_within(self, places: Sequence[int], name: str) -> Sequence[int]:
        """Return those of some lines that lie in a definition of this name."""
        # The entry holds the list, so that its id stays its own.
        if id(places) not in self._by_name:
            by_name: dict[str, list[int]] = {}
            for place in places:
                for part in set(self.scope_at(place).split(".")):
                    by_name.setdefault(part, []).append(place)
            self._by_name[id(places)] = places, by_name
        return self._by_name[id(places)][1].get(name, ())

    def words_at(self, line: int) -> frozenset[str]:
        """Return the words of a line."""
        if line not in self._words:
            self._words[line] = frozenset(_WORD.findall(self.folded[line - 1][:LONGEST_TEXT]))
        return self._words[line]

    def texts_after(self, line: int, count: int) -> list[str]:
        """Return the folded texts of the next lines that are not blank."""
        at = bisect_right(self._written, line - 1)
        return [self.folded[index] for index in self._written[at : at + count]]

    def careless_places_of(self, wanted: str) -> list[int]:
        """Return the lines that equal a quote but for blanks and quotation marks, else in letters and digits alone."""
        # A tightened text wins: two lines can share their letters and differ in operators.
        for text in (tightened(wanted), squeezed(wanted)):
            if found := self._by_tightened.get(text):
                return found
        return self._by_squeezed.get(squeezed(wanted), [])

    def _context_hash(self, line: int) -> str:
        """Return the hash over the neighbours of a line: they tell equal lines apart when lines above come and go."""
        # Nearly every line: its neighbours are the lines beside it.
        if 1 < line < len(self.folded):
            before, own, after = self.folded[line - 2 : line + 1]
            if before and own and after:
                return digest(f"{before}\0{after}")
        # Empty lines are passed over: a formatter that adds a blank line must not change the neighbours.
        at = bisect_left(self._written, line - 1)
        behind = at + (at < len(self._written) and self._written[at] == line - 1)
        if (at, behind) not in self._contexts:
            before = self.folded[self._written[at - 1]] if at else ""
            after = self.folded[self._written[behind]] if behind < len(self._written) else ""
            self._contexts[at, behind] = digest(before, after)
        return self._contexts[at, behind]


def _numbers_by(texts: Iterable[str]) -> dict[str, list[int]]:
    """Return the numbers of the lines of each text, ascending."""
    numbers: dict[str, list[int]] = {}
    for number, text in enumerate(texts, 1):
        numbers.setdefault(text, []).append(number)
    return numbers


def no_anchor(path: str) -> Anchor:
    """Return the anchor of a report that has no place in its file."""
    return Anchor(
        path=path,
        line=None,
        scope="",
        text="",
        text_hash="",
        occurrence=0,
        occurrences=0,
        context_hash="",
        anchored=Anchored.NONE,
    )

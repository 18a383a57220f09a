"""Where a finding sits, in terms that survive edits: path, scope, the line's text, which occurrence of it."""

import hashlib
from enum import StrEnum
from typing import Final, NamedTuple

from swarm.rules.scopes import scopes_of

SIMILAR_ENOUGH: Final = 0.72
SHORTEST_PART: Final = 10
WINDOW: Final = 10
LONGEST_TEXT: Final = 500


class Anchored(StrEnum):
    """What an anchor rests on: the reported quote, the line's number alone, or nothing."""

    QUOTE = "quote"
    LINE = "line"
    NONE = "none"


class Anchor(NamedTuple):
    """Where a finding sits. `line` counts from 1; the hashes are hex; without a place all but `path` is empty."""

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
    """Fold white space: runs become one blank, the ends go."""
    return " ".join(text.split())


def digest(*parts: str) -> str:
    """Return the hex SHA-256 over the parts, kept apart by NUL."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


class SourceText:
    """One file of a commit, read once, with the indexes that anchors need, each made on first use."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.text = content.decode("utf-8-sig", "replace")
        self.lines = self.text.split("\n")
        self.folded = [" ".join(line.split()) for line in self.lines]
        self._places: dict[str, list[int]] | None = None
        self._scopes: list[str] | None = None
        self._squeezed: list[str] | None = None

    def places_of(self, folded_text: str) -> list[int]:
        """Return the numbers of the lines whose folded text is this, ascending."""
        if self._places is None:
            self._places = {}
            for number, text in enumerate(self.folded, 1):
                self._places.setdefault(text, []).append(number)
        return self._places.get(folded_text, [])

    def scope_at(self, line: int) -> str:
        """Return the enclosing definition of a line."""
        if self._scopes is None:
            self._scopes = scopes_of(self.path, self.text, self.lines)
        return self._scopes[line - 1]

    def anchor_at(self, line: int, anchored: Anchored) -> Anchor:
        """Return the anchor of a line of this file."""
        text = self.folded[line - 1]
        scope = self.scope_at(line)
        alike = [place for place in self.places_of(text) if self.scope_at(place) == scope]
        return Anchor(
            self.path,
            line,
            scope,
            text[:LONGEST_TEXT],
            digest(text),
            alike.index(line) + 1,
            len(alike),
            digest(self._neighbour(line, -1), self._neighbour(line, 1)),
            anchored,
        )

    def squeezed(self) -> list[str]:
        """Return the letters and digits of each line."""
        if self._squeezed is None:
            self._squeezed = ["".join(filter(str.isalnum, text)) for text in self.folded]
        return self._squeezed

    def _neighbour(self, line: int, step: int) -> str:
        index = line - 1 + step
        while 0 <= index < len(self.folded):
            if self.folded[index]:
                return self.folded[index]
            index += step
        return ""


def no_anchor(path: str) -> Anchor:
    """Return the anchor of a report that has no place in its file."""
    return Anchor(path, None, "", "", "", 0, 0, "", Anchored.NONE)


def locate(source: SourceText, line: int | None, quote: str | None, symbol: str | None) -> Anchor:
    """Return the anchor of a report: from its quote, else from its line, else none."""
    wanted = _first_line(quote)
    if wanted:
        places = source.places_of(wanted) or _misquoted(source, wanted, line)
        if places:
            return source.anchor_at(_nearest(source, places, line, symbol), Anchored.QUOTE)
    if line is not None and 1 <= line <= len(source.lines):
        return source.anchor_at(line, Anchored.LINE)
    return no_anchor(source.path)


def _first_line(quote: str | None) -> str:
    for line in (quote or "").split("\n"):
        if text := folded(line):
            return text
    return ""


def _nearest(source: SourceText, places: list[int], line: int | None, symbol: str | None) -> int:
    if len(places) == 1:
        return places[0]
    if symbol:
        name = symbol.rsplit(".", 1)[-1].removesuffix("()")
        inside = [place for place in places if source.scope_at(place).rsplit(".", 1)[-1] == name]
        places = inside or places
    return places[0] if line is None else min(places, key=lambda place: (abs(place - line), place))


def _misquoted(source: SourceText, wanted: str, line: int | None) -> list[int]:
    """Return the lines that a careless quote may have meant: other punctuation, a part, a slip of the pen."""
    letters = "".join(filter(str.isalnum, wanted))
    if not letters:
        return []
    squeezed = source.squeezed()
    same = [number for number, text in enumerate(squeezed, 1) if text == letters]
    if same:
        return same
    around = range(1, len(squeezed) + 1)
    if line is not None:
        around = range(max(1, line - WINDOW), min(len(squeezed), line + WINDOW) + 1)
    if len(letters) >= SHORTEST_PART:
        holding = [number for number in around if letters in squeezed[number - 1]]
        if holding:
            return holding
    return [] if line is None else _most_similar(letters, squeezed, around)


def _most_similar(letters: str, squeezed: list[str], around: range) -> list[int]:
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(letters[:LONGEST_TEXT])
    best, ratio = [], SIMILAR_ENOUGH
    for number in around:
        matcher.set_seq1(squeezed[number - 1][:LONGEST_TEXT])
        if matcher.real_quick_ratio() >= ratio and matcher.quick_ratio() >= ratio and matcher.ratio() > ratio:
            best, ratio = [number], matcher.ratio()
    return best

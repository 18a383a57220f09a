"""Where a finding sits, in terms that survive edits: path, scope, the line's text, which occurrence of it."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from swarm.rules.scopes import scopes_of
from swarm.rules.suppressions import MARK, without_comment

SIMILAR_ENOUGH: Final = 0.6
SHORTEST_PART: Final = 10
SHORTEST_BEGINNING: Final = 4
MOST_TOGETHER: Final = 12
WINDOW: Final = 10
LONGEST_TEXT: Final = 500
_ONE_QUOTE: Final = str.maketrans({'"': "'", "`": "'", "“": "'", "”": "'", "‘": "'", "’": "'"})  # noqa: RUF001


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


def tightened(text: str) -> str:
    """Drop all white space and the last semicolon or comma, and make all quotes one."""
    return text.replace(" ", "").translate(_ONE_QUOTE).rstrip(";,")


def squeezed(text: str) -> str:
    """Keep the letters and digits."""
    return "".join(filter(str.isalnum, text))


def digest(*parts: str) -> str:
    """Return the hex SHA-256 over the parts, kept apart by NUL."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


class SourceText:
    """One file of a commit, read once, with the indexes that anchors need, each made on first use."""

    def __init__(self, path: str, content: bytes) -> None:
        self.path = path
        self.text = content.decode("utf-8-sig", "replace")
        self.lines = self.text.split("\n")
        self.is_marked = MARK in self.text
        self.folded = [" ".join(line.split()) for line in self.lines]
        if self.is_marked:
            # A comment that rejects a finding is no part of the line that the finding is about.
            bare = (without_comment(line) if MARK in line else line for line in self.lines)
            self.folded = [" ".join(line.split()) for line in bare]
        self._places: dict[str, list[int]] | None = None
        self._scopes: list[str] | None = None
        self._squeezed: list[str] | None = None
        self._tightened: list[str] | None = None
        self._careless: dict[str, list[int]] | None = None

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
            path=self.path,
            line=line,
            scope=scope,
            text=text[:LONGEST_TEXT],
            text_hash=digest(text),
            occurrence=alike.index(line) + 1,
            occurrences=len(alike),
            context_hash=digest(self._neighbour(line, -1), self._neighbour(line, 1)),
            anchored=anchored,
        )

    def squeezed(self) -> list[str]:
        """Return the letters and digits of each line."""
        if self._squeezed is None:
            self._squeezed = [squeezed(text) for text in self.folded]
        return self._squeezed

    def tightened(self) -> list[str]:
        """Return each line without what a careless quote gets wrong."""
        if self._tightened is None:
            self._tightened = [tightened(text) for text in self.folded]
        return self._tightened

    def careless_places_of(self, wanted: str) -> list[int]:
        """Return the lines that a quote fits but for blanks and quotes, else but for all that is no letter or digit."""
        if self._careless is None:
            self._careless = {}
            for texts in (self.tightened(), self.squeezed()):
                by_text: defaultdict[str, list[int]] = defaultdict(list)
                for number, text in enumerate(texts, 1):
                    by_text[text].append(number)
                # A tight text comes first: the letters of one line may be all that another one has.
                self._careless = dict(by_text) | self._careless
        return self._careless.get(tightened(wanted)) or self._careless.get(squeezed(wanted), [])

    def _neighbour(self, line: int, step: int) -> str:
        index = line - 1 + step
        while 0 <= index < len(self.folded):
            if self.folded[index]:
                return self.folded[index]
            index += step
        return ""


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


class Claim(NamedTuple):
    """Where a report says that it stands. Lines count from 1 and may be off; `teller` is who says it."""

    line: int | None
    quote: str | None
    symbol: str | None
    rule: str
    teller: int


def locate(
    source: SourceText,
    line: int | None,
    quote: str | None,
    symbol: str | None,
    expected: Collection[int] = (),
) -> Anchor:
    """Return the anchor of a report: from its quote, else from its line, else none.

    `expected` are the lines where the same was reported before: where a quote fits several lines and none of them
    is the one that was told, it is likelier that one near by is meant again than that another one is new.
    """
    if places := _places(source, line, quote, symbol):
        return source.anchor_at(_nearest(places, line, expected), Anchored.QUOTE)
    if line is not None and 1 <= line <= len(source.lines):
        return source.anchor_at(line, Anchored.LINE)
    return no_anchor(source.path)


def locate_all(
    source: SourceText, claims: Sequence[Claim], expected: Mapping[str, Collection[int]] | None = None
) -> list[Anchor]:
    """Return the anchors of all reports on one file. `expected` holds known lines by rule.

    Who tells the same of several lines that read the same, means as many lines: if two reports would fall on one,
    the lines are given out together, in their order.
    """
    known = expected or {}
    anchors = [locate(source, told.line, told.quote, told.symbol, known.get(told.rule, ())) for told in claims]
    fallen: defaultdict[tuple[object, ...], dict[int, list[int]]] = defaultdict(dict)
    for at, (told, anchor) in enumerate(zip(claims, anchors, strict=True)):
        if anchor.anchored is Anchored.QUOTE and told.line is not None:
            fallen[told.teller, told.rule, anchor.text_hash].setdefault(told.line, []).append(at)
    for by_line in fallen.values():
        if len(by_line) > len({anchors[positions[0]].line for positions in by_line.values()}):
            _part(source, claims, by_line, anchors, known)
    return anchors


def _part(
    source: SourceText,
    claims: Sequence[Claim],
    by_line: Mapping[int, Sequence[int]],
    anchors: list[Anchor],
    known: Mapping[str, Collection[int]],
) -> None:
    for lines in _neighbourhoods(sorted(by_line)):
        costs: list[dict[int, int]] = []
        for line in lines:
            told = claims[by_line[line][0]]
            places = _places(source, line, told.quote, told.symbol)
            expected = known.get(told.rule, ())
            costs.append({place: _distance(place, line, expected) for place in places if abs(place - line) <= WINDOW})
        for line, place in zip(lines, given_out(costs), strict=True):
            if place is not None:
                for at in by_line[line]:
                    anchors[at] = source.anchor_at(place, Anchored.QUOTE)


def _neighbourhoods(lines: Sequence[int]) -> list[list[int]]:
    """Part ascending lines where no place can be near to both sides, and where too many would be weighed at once."""
    parts: list[list[int]] = []
    for line in lines:
        if parts and line - parts[-1][-1] <= 2 * WINDOW and len(parts[-1]) < MOST_TOGETHER:
            parts[-1].append(line)
        else:
            parts.append([line])
    return parts


def given_out(costs: Sequence[Mapping[int, int]]) -> list[int | None]:
    """Give each wish one of its places, each place once and in ascending order, at the least cost in all.

    `costs` holds what each place would cost each wish, at most 2 x WINDOW; a wish that can have none gets `None`.
    """
    places = sorted(set().union(*costs))
    refused = 4 * WINDOW
    # best[n]: the least cost with the first n places, and the places that the wishes so far got.
    best: list[tuple[int, tuple[int | None, ...]]] = [(0, ())] * (len(places) + 1)
    for wish in costs:
        row = [(best[0][0] + refused, (*best[0][1], None))]
        for n, place in enumerate(places, 1):
            options = [row[n - 1], (best[n][0] + refused, (*best[n][1], None))]
            if place in wish:
                options.append((best[n - 1][0] + wish[place], (*best[n - 1][1], place)))
            row.append(min(options, key=lambda option: option[0]))
        best = row
    return list(best[-1][1])


def _first_line(quote: str | None) -> str:
    for line in (quote or "").split("\n"):
        if text := folded(without_comment(line)):
            return text
    return ""


def _places(source: SourceText, line: int | None, quote: str | None, symbol: str | None) -> list[int]:
    """Return the lines that a quote may mean: the near ones, of these the ones in the named definition."""
    wanted = _first_line(quote)
    places = (source.places_of(wanted) or _misquoted(source, wanted, line)) if wanted else []
    if len(places) > 1 and line is not None:
        places = [place for place in places if abs(place - line) <= WINDOW] or places
    if len(places) > 1 and symbol:
        name = symbol.rsplit(".", 1)[-1].removesuffix("()")
        places = [p for p in places if p == line or name in source.scope_at(p).split(".")] or places
    return places


def _nearest(places: Sequence[int], line: int | None, expected: Collection[int]) -> int:
    if len(places) == 1 or line is None:
        return places[0]
    return min(places, key=lambda place: (_distance(place, line, expected), place))


def _distance(place: int, line: int, expected: Collection[int]) -> int:
    return abs(place - line) + (WINDOW if place != line and place not in expected else 0)


def _misquoted(source: SourceText, wanted: str, line: int | None) -> list[int]:
    """Return the lines that a careless quote may have meant: other blanks and quotes, a part, a slip of the pen."""
    part = wanted.rstrip(".…") if wanted.endswith(("...", "…")) else ""
    tight, letters = tightened(part or wanted), squeezed(part or wanted)
    if not letters:
        return []
    if not part and (same := source.careless_places_of(wanted)):
        return same
    around = range(1, len(source.lines) + 1)
    if line is not None:
        around = range(max(1, line - WINDOW), min(len(source.lines), line + WINDOW) + 1)
    shortest = SHORTEST_BEGINNING if part and line is not None else SHORTEST_PART
    tights, bare = source.tightened(), source.squeezed()
    if begun := [number for number in around if _begins(tights[number - 1], tight, shortest)]:
        return begun
    if len(letters) >= SHORTEST_PART and (holding := [number for number in around if letters in bare[number - 1]]):
        return holding
    return [] if line is None else _most_similar(letters, bare, around)


def _begins(line: str, tight: str, shortest: int) -> bool:
    """Say whether a tight line begins with a quote that is long enough, or that lacks the line's comment alone."""
    if not line.startswith(tight):
        return False
    rest = line[len(tight) :].lstrip(";,")
    return len(tight) >= shortest or (len(tight) >= SHORTEST_BEGINNING and rest.startswith(("#", "//", "/*")))


def _most_similar(letters: str, bare: Sequence[str], around: range) -> list[int]:
    # By pairs of letters, in linear time: an agent could send long random quotes to a quadratic measure.
    wanted = _letter_pairs(letters)
    best, most = [], SIMILAR_ENOUGH
    for number in around:
        found = _letter_pairs(bare[number - 1])
        if (alike := 2 * len(wanted & found) / max(1, len(wanted) + len(found))) > most:
            best, most = [number], alike
    return best


def _letter_pairs(letters: str) -> set[str]:
    return {first + second for first, second in pairwise(letters[:LONGEST_TEXT])}

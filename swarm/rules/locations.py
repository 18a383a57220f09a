"""Location of a report: the line of a file that its quote, its line number and its symbol mean."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from swarm.rules.anchors import LONGEST_TEXT, Anchor, Anchored, SourceText, folded, no_anchor, squeezed, tightened
from swarm.rules.suppressions import without_comment

# Lines around a reported line within which its quote is looked for first: agents count lines badly.
WINDOW: Final = 10
# Share of letter pairs above which a misquoted line is the line that was meant.
SIMILAR_ENOUGH: Final = 0.6
# Characters that a part of a line needs to mean that line: at its beginning few, elsewhere more.
SHORTEST_BEGINNING: Final = 4
SHORTEST_PART: Final = 10
# Reports that are weighed together; the cost grows with their square, and an agent chooses their number.
MOST_TOGETHER: Final = 12


class ReportedPlace(NamedTuple):
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
    source: SourceText, claims: Sequence[ReportedPlace], expected: Mapping[str, Collection[int]] | None = None
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
    claims: Sequence[ReportedPlace],
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

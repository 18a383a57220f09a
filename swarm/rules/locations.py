"""Location of a report: the line of a file that its quote, its line number and its symbol mean."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from typing import Final, NamedTuple

from swarm.rules.anchors import LONGEST_TEXT, Anchor, Anchored, SourceText, folded, no_anchor, squeezed, tightened
from swarm.rules.prose import code_words
from swarm.rules.suppressions import MARK, without_comment

# Lines around a reported line in which its quote is searched first: agents count lines badly.
WINDOW: Final = 10
# Share of letter pairs above which a misquoted line is the line that was meant.
SIMILAR_ENOUGH: Final = 0.6
# Characters that a part of a line needs to mean that line: at its beginning few, elsewhere more.
SHORTEST_BEGINNING: Final = 4
SHORTEST_PART: Final = 10
# Reports that are weighed together; the cost grows with their square, and an agent chooses their number.
MOST_TOGETHER: Final = 12
# Characters of a long line that are searched for a part that a report quotes.
LONGEST_SEARCHED: Final = 20_000
# Characters of a file that quotes without a line number are searched in, all together: each such quote needs a search
# of the whole file.
MOST_SEARCHED: Final = 10_000_000
# Lines of a quote that are compared, and places that are compared with them where no line number is given.
_MOST_LINES: Final = 8
_MOST_COMPARED: Final = 100
_ENDS_IN_COMMENT: Final = re.compile(r"[;,]{0,100}+(?:#|//|/\*)")


class ReportedPlace(NamedTuple):
    """Place that a report gives, by its agent run. Lines count from 1 and may be off by some.

    `description` is the message of the report, which can name code of the line.
    """

    line: int | None
    quote: str | None
    symbol: str | None
    rule: str
    agent_run_id: int
    description: str = ""


def locate(
    source: SourceText,
    line: int | None,
    quote: str | None,
    symbol: str | None,
    expected: Collection[int] = (),
    description: str = "",
) -> Anchor:
    """Return the anchor of a report: from its quote, else from its line, else none.

    `expected` are the lines of known findings of the same rule: where a quote fits several lines and none has the
    reported number, the report more likely repeats a known finding near by than names a new line.
    """
    is_there = line is not None and 1 <= line <= len(source.lines)
    # Nearly every report: no other line can be as near as the reported line itself.
    if line is not None and is_there and (text := source.folded[line - 1]):
        written = source.lines[line - 1]
        # A twin with the indentation of the quote, or with its next lines, is a better sign than a number that is off.
        is_quoted = text == _first_line(quote) and _indentation(quote) in {"", _indentation(written)}
        if quote == written or (is_quoted and _continued(source, [line], quote)):
            return source.anchor_at(line, Anchored.QUOTE)
    # The quote before the number: agents quote well and count badly.
    if places := _places(source, line, quote, symbol, description):
        return source.anchor_at(_nearest(places, line, expected), Anchored.QUOTE)
    # A number beyond the file names nothing, and guessing a line would make a false identity.
    if line is not None and is_there:
        return source.anchor_at(line, Anchored.LINE)
    return no_anchor(source.path)


def locate_all(
    source: SourceText, places: Sequence[ReportedPlace], expected: Mapping[str, Collection[int]] | None = None
) -> list[Anchor]:
    """Return the anchors of all reports on a file. `expected` holds lines of known findings by rule.

    An agent that reports the same rule on several equal lines means as many lines: where two reports would get the
    same line, the equal lines are distributed over the reports, in their order.
    """
    known = expected or {}
    anchors = [
        # Nearly every report names a line and quotes it exactly.
        (line and source.quoted_at(line, quote)) or locate(source, line, quote, symbol, known.get(rule, ()), words)
        for line, quote, symbol, rule, _, words in places
    ]
    met = {(rule, anchor.line, agent) for (_, _, _, rule, agent, _), anchor in zip(places, anchors, strict=True)}
    if len(met) == len(places):
        return anchors
    fallen: defaultdict[tuple[object, ...], dict[int, list[int]]] = defaultdict(dict)
    for at, (place, anchor) in enumerate(zip(places, anchors, strict=True)):
        if anchor.anchored is Anchored.QUOTE and place.line is not None and anchor.line is not None:
            # Lines of another indentation are in no order with these: quotes tell them apart.
            indentation = _indentation(source.lines[anchor.line - 1])
            group = (place.agent_run_id, place.rule, anchor.text_hash, indentation)
            fallen[group].setdefault(place.line, []).append(at)
    # More reported lines than places: at least two reports fell on the same line.
    for by_line in fallen.values():
        if len(by_line) > len({anchors[positions[0]].line for positions in by_line.values()}):
            _distribute(source, places, by_line, anchors, known)
    return anchors


def _distribute(
    source: SourceText,
    reported: Sequence[ReportedPlace],
    by_line: Mapping[int, Sequence[int]],
    anchors: list[Anchor],
    known: Mapping[str, Collection[int]],
) -> None:
    for lines in _neighbourhoods(sorted(by_line)):
        costs: list[dict[int, int]] = []
        for line in lines:
            report = reported[by_line[line][0]]
            places = _places(source, line, report.quote, report.symbol, report.description)
            expected = known.get(report.rule, ())
            near = _around(places, line, WINDOW)
            costs.append({place: _distance(place, line, expected) for place in near})
        for line, place in zip(lines, given_out(costs), strict=True):
            if place is not None:
                for at in by_line[line]:
                    anchors[at] = source.anchor_at(place, Anchored.QUOTE)


def _neighbourhoods(lines: Sequence[int]) -> list[list[int]]:
    """Split ascending lines where no place is near to both sides, and after MOST_TOGETHER lines."""
    parts: list[list[int]] = []
    for line in lines:
        if parts and line - parts[-1][-1] <= 2 * WINDOW and len(parts[-1]) < MOST_TOGETHER:
            parts[-1].append(line)
        else:
            parts.append([line])
    return parts


def given_out(costs: Sequence[Mapping[int, int]]) -> list[int | None]:
    """Give each wish a place, each place once and in ascending order, at the least total cost.

    `costs` holds, for each wish, the cost of each place, at most 2 x WINDOW; a wish without a place gets `None`.
    """
    places = sorted(set().union(*costs))
    # More than any place can cost, so a wish is left out only where no place is free.
    refused = 4 * WINDOW
    # best[n]: the least cost of the wishes so far with the first n places, and their places.
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
        if text := folded(without_comment(line) if MARK in line else line):
            return text
    return ""


def _indentation(quote: str | None) -> str:
    """Return the white space before the first text of a quote."""
    first = next((line for line in (quote or "").split("\n") if line.strip()), "")
    return first[: len(first) - len(first.lstrip())]


def _places(
    source: SourceText, line: int | None, quote: str | None, symbol: str | None, description: str
) -> Sequence[int]:
    """Return the lines that a quote may mean: the near lines, among these the lines in the named definition."""
    wanted = _first_line(quote)
    # An exact line is cheap to find and sure; only a miss pays for the search of similar lines.
    places: Sequence[int] = (source.places_of(wanted) or _misquoted(source, wanted, line)) if wanted else []
    if len(places) <= 1:
        return places
    # Agents write `Class.method()` where the scope is `method`.
    name = symbol.rsplit(".", 1)[-1].removesuffix("()") if symbol else None
    near = _around(places, line, WINDOW) if line is not None else ()
    # Never down to nothing: a quote far from the reported number is still a better sign than the number.
    if not near:
        within = (name is not None and source.places_within(places, name)) or places
        return within if len(within) > _MOST_COMPARED else _continued(source, within, quote) or within
    near = _continued(source, near, quote) or near
    if indentation := _indentation(quote):
        near = [place for place in near if _indentation(source.lines[place - 1]) == indentation] or near
    if len(near) > 1 and (named := code_words(description)):
        near = _most_named(near, named, source.words_at)
    if len(near) == 1 or name is None:
        return near
    return [place for place in near if place == line or name in source.scope_at(place).split(".")] or near


def _continued(source: SourceText, places: Sequence[int], quote: str | None) -> Sequence[int]:
    """Return those of some lines that the next lines of a quote follow; its last line can be cut."""
    if quote is None or "\n" not in quote:
        return places
    _, *rest = [text for line in quote.split("\n", _MOST_LINES)[:_MOST_LINES] if (text := folded(line))] or [""]
    return [place for place in places if _begins_all(source.texts_after(place, len(rest)), rest)]


def _begins_all(texts: Sequence[str], beginnings: Sequence[str]) -> bool:
    return len(texts) == len(beginnings) and all(map(str.startswith, texts, beginnings))


def _most_named(
    places: Sequence[int], named: AbstractSet[str], words_at: Callable[[int], AbstractSet[str]]
) -> Sequence[int]:
    """Return those of some lines that have most of the words that a message names; all lines, where none has any."""
    counts = [len(named & words_at(place)) for place in places]
    most = max(counts)
    return [place for place, count in zip(places, counts, strict=True) if count == most]


def _around(places: Sequence[int], line: int, reach: int) -> Sequence[int]:
    """Return those of ascending lines that are at most so far from a line."""
    return places[bisect_left(places, line - reach) : bisect_right(places, line + reach)]


def _nearest(places: Sequence[int], line: int | None, expected: Collection[int]) -> int:
    if len(places) == 1 or line is None:
        return places[0]
    # The distance of a place is at most WINDOW more than its lines, so that no farther place can be the nearest.
    at = bisect_left(places, line)
    reach = min(abs(place - line) for place in places[max(0, at - 1) : at + 1])
    return min(_around(places, line, reach + WINDOW), key=lambda place: (_distance(place, line, expected), place))


def _distance(place: int, line: int, expected: Collection[int]) -> int:
    # A line of a known finding counts as near: a report more likely repeats a finding than names its twin.
    return abs(place - line) + (WINDOW if place != line and place not in expected else 0)


def _misquoted(source: SourceText, wanted: str, line: int | None) -> list[int]:
    """Return the lines that an inexact quote may mean: other blanks or quotation marks, a part, or a misspelling."""
    # Agents shorten a long line with dots.
    part = wanted.rstrip(".…") if wanted.endswith(("...", "…")) else ""
    tight, letters = tightened(part or wanted), squeezed(part or wanted)
    if not letters:
        return []
    if not part and (same := source.careless_places_of(wanted)):
        return same
    if line is not None:
        around = range(max(1, line - WINDOW), min(len(source.lines), line + WINDOW) + 1)
        shortest = SHORTEST_BEGINNING if part else SHORTEST_PART
        found = _holding(source, tight, letters, around, shortest)
        return found or _most_similar(letters, source.squeezed, around)
    # Kept by quote: an equal quote is found at an equal place, although the last search was the last that is allowed.
    known = source.searched
    if wanted not in known and (not known or (len(known) + 1) * len(source.text) <= MOST_SEARCHED):
        known[wanted] = _holding(source, tight, letters, range(1, len(source.lines) + 1), SHORTEST_PART)
    return known.get(wanted, [])


def _holding(source: SourceText, tight: str, letters: str, around: range, shortest: int) -> list[int]:
    """Return the lines that begin with a quote, else the lines that hold its letters."""
    tights, bare = source.tightened, source.squeezed
    if begun := [number for number in around if _begins(tights[number - 1], tight, shortest)]:
        return begun
    if len(letters) < SHORTEST_PART:
        return []
    return [number for number in around if bare[number - 1].find(letters, 0, LONGEST_SEARCHED) >= 0]


def _begins(line: str, tight: str, shortest: int) -> bool:
    """Say whether a tightened line begins with a quote that is long enough, or that lacks only the line's comment."""
    if not line.startswith(tight):
        return False
    if len(tight) < min(shortest, SHORTEST_BEGINNING):
        return False
    return len(tight) >= shortest or _ENDS_IN_COMMENT.match(line, len(tight)) is not None


def _most_similar(letters: str, bare: Sequence[str], around: range) -> list[int]:
    # By pairs of letters, in linear time: with a quadratic measure an agent's long random quotes would stall collect.
    wanted = _letter_pairs(letters)
    best, most = [], SIMILAR_ENOUGH
    for number in around:
        found = _letter_pairs(bare[number - 1])
        if (alike := 2 * len(wanted & found) / max(1, len(wanted) + len(found))) > most:
            best, most = [number], alike
    return best


def _letter_pairs(letters: str) -> set[str]:
    return {first + second for first, second in pairwise(letters[:LONGEST_TEXT])}

"""Findings of a page as JSON: all of them, or what changed since the list before."""

import json
from array import array
from collections.abc import Iterable, Iterator
from operator import sub
from typing import Any, Final, NamedTuple

from swarm.results.findings import FindingShown
from swarm.results.report import ReportFacts
from swarm.rules.findings import OPEN_STATUSES, SEVERITIES, STATUSES
from swarm.show.escape import plain
from swarm.show.page.html import AS_TEXT, shortened
from swarm.show.reviews import review_note
from swarm.show.text import SEVERITY_ICONS

MOST_TEXT: Final = 1_000
MOST_QUOTE: Final = 240
# These could end the `<script>` or open a comment; the last two end a line in older JavaScript.
_IN_SCRIPT: Final = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class PageRow(NamedTuple):
    """A finding in the field order of page.js."""

    id: str
    numbers: tuple[int, int, int, int, int, int]
    texts: tuple[str, ...]


def row_of(finding: FindingShown) -> PageRow:
    """Return a finding as a row of the page."""
    numbers = (
        SEVERITIES.index(finding.severity),
        STATUSES.index(finding.status),
        finding.line or 0,
        finding.first_seen_wave,
        finding.last_seen_wave,
        finding.sightings,
    )
    texts = (
        finding.file or "",
        finding.rule_id or finding.category,
        finding.domain,
        shortened(finding.description, MOST_TEXT),
        shortened("; ".join(filter(None, (finding.reason, review_note(finding)))), MOST_TEXT),
        shortened(finding.symbol or "", MOST_QUOTE),
        shortened(finding.quote, MOST_QUOTE),
        shortened(finding.recommendation or "", MOST_TEXT),
        finding.evidence or "",
    )
    return PageRow(finding.finding_id, numbers, texts)


def data(facts: ReportFacts, rows: Iterable[PageRow]) -> Iterator[str]:
    """Yield the findings as JSON that is safe inside `<script>`.

    A text stands in a row on its first appearance, and as a number, in order of appearance, on every later one.
    """
    yield _safe(_head(facts))[:-1] + ',"rows":['
    numbers: dict[str, int] = {}
    before = "\n"
    for row in rows:
        yield before + _safe(_spelled(row, numbers))
        before = ",\n"
    yield "\n]}"


def _head(facts: ReportFacts) -> dict[str, Any]:
    return {
        "run": facts.run_id,
        "total": facts.total,
        "severities": [[name, SEVERITY_ICONS[name] + AS_TEXT] for name in SEVERITIES],
        "statuses": list(STATUSES),
        "open": [STATUSES.index(status) for status in OPEN_STATUSES],
        "waves": [wave.number for wave in facts.waves],
    }


def _spelled(row: PageRow, numbers: dict[str, int]) -> list[str | int]:
    return [row.id, *row.numbers, *(_once(text, numbers) for text in row.texts)]


def _once(text: str, numbers: dict[str, int]) -> str | int:
    known = numbers.get(text)
    # Messages and paths repeat: numbers make a page of 100,000 findings several times smaller.
    if known is not None:
        return known
    numbers[text] = len(numbers)
    return plain(text)


def _safe(value: object) -> str:
    return _encode(value).translate(_IN_SCRIPT)


class RowsListed(NamedTuple):
    """Facts of a list that was written: the place of each finding, a digest of its texts, and its numbers."""

    # In place of the texts themselves: 100,000 findings would not fit in memory twice.
    places: dict[str, int]
    digests: "array[int]"
    numbers: "array[int]"


class RowListing:
    """Notes the rows of a list as they are written, and says how they differ from the list `before`."""

    def __init__(self, before: RowsListed | None = None) -> None:
        self.listed = RowsListed({}, array("q"), array("q"))
        self._before = before
        self._gone = set(range(len(before.places))) if before else set()
        self._last_kept = -1
        self._fresh: list[PageRow] = []
        self._fresh_places: list[int] = []
        self._moved: dict[tuple[int, ...], list[int]] = {}

    def noting(self, rows: Iterable[PageRow]) -> Iterator[PageRow]:
        """Yield the rows, and note each of them."""
        places, digests, numbers = self.listed
        for place, row in enumerate(rows):
            yield row
            places[row.id] = place
            digests.append(hash(row.texts))
            numbers.extend(row.numbers)
            if self._before is not None:
                self._compare(self._before, row, place, digests[-1])

    def _compare(self, before: RowsListed, row: PageRow, place: int, digest: int) -> None:
        old, width = before.places.get(row.id, -1), len(row.numbers)
        known = before.numbers[old * width : (old + 1) * width]
        # A row that overtook others is taken out and put in again, so that the rows that stay keep their order. By its
        # severity it would overtake very many, and all of these would be sent for it.
        if old <= self._last_kept or before.digests[old] != digest or known[0] != row.numbers[0]:
            self._fresh.append(row)
            _extend(self._fresh_places, place)
            # More rows than there were: the whole list is as short, and none need be kept for a step.
            if len(self._fresh) > len(before.places):
                self._before, self._fresh = None, []
            return
        self._last_kept = old
        self._gone.discard(old)
        added = tuple(map(sub, row.numbers, known))
        if any(added):
            _extend(self._moved.setdefault(added, []), place)

    def step(self, facts: ReportFacts) -> str | None:
        """Return the change since the list before as JSON, `None` if a page needs the whole list.

        Rows are named by their places, as pairs of the first place and a count: `gone` in the list before; in this
        list `at`, the places of the new `rows`, and `moved`, what is added to the numbers of which rows. A wave that
        sees 100,000 findings again is a line.
        """
        if self._before is None:
            return None
        gone: list[int] = []
        for place in sorted(self._gone):
            _extend(gone, place)
        texts: dict[str, int] = {}
        rows = [_spelled(row, texts) for row in self._fresh]
        moved = list(self._moved.items())
        return _safe(_head(facts) | {"gone": gone, "at": self._fresh_places, "rows": rows, "moved": moved})


def _extend(ranges: list[int], place: int) -> None:
    """Add a place to pairs of the first place and a count."""
    if ranges and ranges[-2] + ranges[-1] == place:
        ranges[-1] += 1
    else:
        ranges.extend((place, 1))

"""Steps between two lists of findings on a served page."""

import json
import random
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from swarm.show.page.rows import PageRow, RowListing, RowsListed

if TYPE_CHECKING:
    from swarm.results.report import ReportFacts

FACTS = cast("ReportFacts", SimpleNamespace(run_id="swarm-1-a", total=1, waves=()))
Rows = list[list[Any]]
WORDS = ["", "src/app.py", "a word", "</script>", "\u202e"]


def places(ranges: list[int]) -> Iterator[int]:
    for first, count in zip(ranges[::2], ranges[1::2], strict=True):
        yield from range(first, first + count)


def flat(rows: Iterable[PageRow]) -> Rows:
    return [[row.id, *row.numbers, *row.texts] for row in rows]


def spelled(rows: Rows) -> Rows:
    texts: list[str] = []
    for row in rows:
        for column in range(7, len(row)):
            if isinstance(row[column], str):
                texts.append(row[column])
            else:
                row[column] = texts[row[column]]
    return rows


def stepped(rows: Rows, step: dict[str, Any]) -> Rows:
    """Return the rows after a step, as live.js makes them."""
    gone, at = set(places(step["gone"])), set(places(step["at"]))
    kept = iter([row for place, row in enumerate(rows) if place not in gone])
    fresh = iter(spelled(step["rows"]))
    after = [list(next(fresh if place in at else kept)) for place in range(len(rows) - len(gone) + len(at))]
    for added, ranges in step["moved"]:
        for place in places(ranges):
            for column, number in enumerate(added, 1):
                after[place][column] += number
    return after


def listed(rows: Iterable[PageRow], before: RowsListed | None) -> tuple[RowsListed, str | None]:
    listing = RowListing(before)
    assert list(listing.noting(rows)) == list(rows)
    return listing.listed, listing.step(FACTS)


def row(number: int, *numbers: int, text: str = "") -> PageRow:
    return PageRow(f"F-{number}", (0, *numbers, 0, 0, 0, 0, 0)[:6], (text,) * 9)  # type: ignore[arg-type]


def test_steps_lead_to_the_same_rows_as_the_whole_list() -> None:
    chance = random.Random(16)

    def drawn(number: int) -> PageRow:
        return row(number, *(chance.randrange(3) for _ in range(5)), text=chance.choice(WORDS[:3]))

    rows: list[PageRow] = []
    shown: Rows = []
    known, steps = listed(rows, None)[0], 0
    for _ in range(300):
        # Some are gone, some came, some changed, some changed places.
        rows = [one if chance.random() < 0.8 else drawn(int(one.id[2:])) for one in rows if chance.random() < 0.9]
        rows += [drawn(number) for number in {chance.randrange(1000) for _ in range(4)} - {int(o.id[2:]) for o in rows}]
        if chance.random() < 0.5:
            rows.sort(key=lambda one: (one.numbers, one.id))
        known, step = listed(rows, known)
        steps += step is not None
        shown = stepped(shown, json.loads(step)) if step else flat(rows)
        assert shown == flat(rows)
    assert steps > 200


def test_a_wave_that_sees_all_findings_again_is_a_line_however_many_there_are() -> None:
    rows = [row(number, 1, 5, 1, 1, 1, text=f"text {number}") for number in range(5000)]
    known, step = listed(rows, None)
    assert step is None
    again = [one._replace(numbers=(0, 2, 5, 1, 2, 2)) for one in rows]
    step = listed(again, known)[1]
    assert step is not None
    changes = {name: json.loads(step)[name] for name in ("gone", "at", "rows", "moved")}
    assert changes == {"gone": [], "at": [], "rows": [], "moved": [[[0, 1, 0, 0, 1, 1], [0, 5000]]]}


def test_a_finding_that_becomes_graver_is_a_row_however_many_it_overtakes() -> None:
    rows = [row(n, text=f"text {n}")._replace(numbers=(3, 0, 0, 1, 1, 1)) for n in range(5000)]
    known = listed(rows, None)[0]
    grave = rows[-1]._replace(numbers=(0, 0, 0, 1, 2, 2))
    step = listed([grave, *rows[:-1]], known)[1]
    assert step is not None
    changes = json.loads(step)
    assert (changes["gone"], changes["at"], changes["moved"]) == ([4999, 1], [0, 1], [])
    assert [made[0] for made in changes["rows"]] == ["F-4999"]


def test_a_change_of_more_rows_than_there_were_needs_the_whole_list() -> None:
    known = listed([row(1)], None)[0]
    assert listed([row(2), row(3)], known)[1] is None
    assert listed([row(1), row(2)], known)[1] is not None


def test_text_of_agents_is_plain_in_a_step() -> None:
    known = listed([row(1)], None)[0]
    step = listed([row(1, text="</script>\u202e")], known)[1]
    assert step is not None
    assert "<" not in step
    assert spelled(json.loads(step)["rows"])[0][7] == "</script>\\u{202e}"

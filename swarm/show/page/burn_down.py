"""Burn-down: open findings after each wave, as SVG bars and as a table."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from math import ceil, floor, log10
from typing import Final

from swarm.results.report import OpenAfter
from swarm.rules.findings import SEVERITIES
from swarm.show.page.html import counted, safe, severity_icon

HEIGHT: Final = 260
_TOP, _BOTTOM = 22, 44
_BAR_WIDTH: Final = 52  # Smallest room of a bar, in pixels; a longer history scrolls.
_WIDE_ENOUGH_FOR_PHASES: Final = 12
_STEPS: Final = (1, 2, 2.5, 5, 10)
_LINES: Final = 4
_SHARE: Final = 0.62  # Share of its room that a bar fills.
_MOST_OF_A_BAR: Final = 8.0  # In percent of the width: a single wave would fill the whole chart.


def burn_down(history: tuple[OpenAfter, ...]) -> str:
    """Return the chart and the table, or a sentence where no wave has ended."""
    if not history:
        return '<p class="empty">No wave has ended yet, so there is nothing to count.</p>'
    top = _top(max(sum(after.counts) for after in history))
    parts = [*_legend(), *_chart(history, top), *_table(history)]
    if any(after.derived for after in history):
        parts.append(
            '<p class="note">* Waves from before open findings were recorded: derived from where findings were first'
            " seen and fixed. What was fixed and came back in between counts as open there, and what was deferred or"
            " rejected without a date as closed.</p>"
        )
    return "\n".join(parts)


def _top(most: int) -> int:
    """Return a round number above the highest bar, a multiple of the grid lines."""
    # At least a finding a line: a grid of fractions would label lines with equal numbers.
    step = max(1.0, most / _LINES)
    power: float = 10.0 ** floor(log10(step))
    rounded = next(nice * power for nice in _STEPS if nice * power >= step)
    return ceil(rounded) * _LINES


def _legend() -> Iterator[str]:
    yield '<ul class="legend" aria-hidden="true">'
    for name in SEVERITIES:
        yield f'<li><span class="swatch {name.lower()}"></span>{severity_icon(name)} {name}</li>'
    yield "</ul>"


def _chart(history: tuple[OpenAfter, ...], top: int) -> Iterator[str]:
    first, last = sum(history[0].counts), sum(history[-1].counts)
    change = f"{first:,} open after wave {history[0].wave}, {last:,} {_when(history[-1])}."
    yield '<div class="chart">'
    # The scale is a drawing of its own, so that it stays in view while the bars scroll.
    yield f'<svg class="scale" width="44" height="{HEIGHT}" aria-hidden="true">'
    for line in range(_LINES + 1):
        value = top * line // _LINES
        yield f'<text x="36" y="{_y(value, top) + 4:.1f}" text-anchor="end">{value:,}</text>'
    yield "</svg>"
    yield '<div class="scroll" tabindex="0" role="group" aria-label="Chart of open findings over waves">'
    # The first drawing only keeps the room that the bars need.
    yield f'<svg class="room" width="{len(history) * _BAR_WIDTH}" height="1" aria-hidden="true"></svg>'
    yield f'<svg class="plot" height="{HEIGHT}" role="img" aria-labelledby="burn-title burn-desc">'
    yield '<title id="burn-title">Open findings by severity after each wave</title>'
    yield f'<desc id="burn-desc">{change} The table below has every number.</desc>'
    for line in range(_LINES + 1):
        y = _y(top * line // _LINES, top)
        yield f'<line class="{"grid" if line else "base"}" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
    # In percent: the drawing stretches with the page, without a script.
    room = 100 / len(history)
    for place, (before, after) in enumerate(pairwise((None, *history))):
        if after is not None:
            yield from _bar(after, before, place, room, top, has_phase=len(history) <= _WIDE_ENOUGH_FOR_PHASES)
    yield "</svg></div></div>"


def _bar(
    after: OpenAfter, before: OpenAfter | None, place: int, room: float, top: int, *, has_phase: bool
) -> Iterator[str]:
    total, middle = sum(after.counts), (place + 0.5) * room
    size = min(room * _SHARE, _MOST_OF_A_BAR)
    left = middle - size / 2
    numbers = ", ".join(f"{count:,} {name}" for name, count in after.counts._asdict().items())
    # The first wave has nothing to differ from.
    change = "" if before is None else f" ({total - sum(before.counts):+,})"
    yield f'<g class="{"bar derived" if after.derived else "bar"}">'
    yield f"<title>{safe(_when(after))}: {total:,} open{change}: {numbers}</title>"
    yield f'<rect class="reach" x="{place * room:.3f}%" y="0" width="{room:.3f}%" height="{HEIGHT - _BOTTOM}"/>'
    below = 0
    for name, count in after.counts._asdict().items():
        y, bottom = _y(below + count, top), _y(below, top)
        below += count
        if count:
            shape = f'x="{left:.3f}%" y="{y:.1f}" width="{size:.3f}%" height="{bottom - y:.1f}"'
            yield f'<rect class="{name.lower()}" {shape}/>'
    yield f'<text class="total" x="{middle:.3f}%" y="{_y(total, top) - 7:.1f}" text-anchor="middle">{total:,}</text>'
    mark = "*" if after.derived else ""
    label = "now" if after.wave is None else f"{after.wave}{mark}"
    yield f'<text x="{middle:.3f}%" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle">{label}</text>'
    if has_phase and after.phase:
        word = _short(after.phase)
        yield f'<text class="phase" x="{middle:.3f}%" y="{HEIGHT - _BOTTOM + 34}" text-anchor="middle">{word}</text>'
    yield "</g>"


def _table(history: tuple[OpenAfter, ...]) -> Iterator[str]:
    yield '<details class="numbers"><summary>The same as numbers</summary><div class="scroll" tabindex="0"'
    yield ' role="group" aria-label="Open findings over waves, as a table"><table class="plain">'
    yield "<caption>Open findings by severity after each wave</caption>"
    heads = ("Wave", "Phase", *SEVERITIES, "Open", "Change")
    yield "<thead><tr>" + "".join(f'<th scope="col">{head}</th>' for head in heads) + "</tr></thead><tbody>"
    for before, after in pairwise((None, *history)):
        if after is None:
            continue
        total = sum(after.counts)
        change = "" if before is None else f"{total - sum(before.counts):+,}"
        mark = "*" if after.derived else ""
        name = "now" if after.wave is None else f"{after.wave}{mark}"
        cells = (*(f"{count:,}" for count in after.counts), f"{total:,}", change)
        yield f'<tr><th scope="row">{name}</th><td>{safe(after.phase or "")}</td>{_cells(cells)}</tr>'
    yield "</tbody></table></div></details>"


def _cells(values: Iterable[str]) -> str:
    return "".join(f'<td class="number">{value}</td>' for value in values)


def _y(value: int, top: int) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - value / top)


def _when(after: OpenAfter) -> str:
    return "at present" if after.wave is None else f"after wave {after.wave}"


def _short(phase: str) -> str:
    """Return a short name of a phase: `audit A` for `health-audit-a`."""
    kind, _, rest = phase.partition("-")
    what, _, letter = rest.partition("-")
    if kind == "feature":
        return "feature" if what == "audit" else "execute"
    return f"{letter} D" if kind == "stage" else f"{what} {letter.upper()}"


def summary(history: tuple[OpenAfter, ...]) -> str:
    """Return the history in a sentence."""
    if not history:
        return ""
    peak, last = max(sum(after.counts) for after in history), sum(history[-1].counts)
    return f"{counted(last, 'finding')} open {_when(history[-1])}; {peak:,} at the most."

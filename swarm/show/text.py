"""Text for people: tables, severities with icons, and colour on a terminal."""

import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from swarm.rules.decisions import CLOSED
from swarm.rules.findings import SEVERITIES
from swarm.show.colour import has_colour
from swarm.show.escape import plain

if TYPE_CHECKING:
    from swarm.results.findings import FindingShown, FindingsResult
    from swarm.results.fix import FindingToFix
    from swarm.results.show import SightingShown

_TAB: Final = 4
_LONGEST_CODE: Final = 200
_COLOURS: Final = {"CRITICAL": "31;1", "HIGH": "31", "MEDIUM": "33", "LOW": "36"}
_PAINT: Final = re.compile(r"(\x1b\[(?:0|3[136]|31;1)m)")
DEFAULT_WIDTH: Final = 100
_NARROWEST: Final = 8
SANDBOX_INSTALL: Final = "install bubblewrap (`apt-get install bubblewrap`)"


def is_terminal() -> bool:
    """Say whether stdout is a terminal."""
    return sys.stdout.isatty()


def width() -> int:
    """Return the columns of the terminal, or a fixed number for a pipe."""
    if not is_terminal():
        return DEFAULT_WIDTH
    # Imported here: most output goes into pipes, which have no width.
    import shutil

    return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns


def code(line: str) -> str:
    """Return a line of code with its tabs as spaces: as codes they would hide what stands where."""
    return shortened(plain(line[:_LONGEST_CODE].expandtabs(_TAB)), _LONGEST_CODE)


def painted(text: str, code: str) -> str:
    """Return text in a colour where colour may be used."""
    return f"\x1b[{code}m{text}\x1b[0m" if has_colour() else text


def harmless(line: str) -> str:
    """Return a line with every control character escaped, except the colours that `painted` adds."""
    # Only the exact codes that `painted` makes pass, and only where colour is on: an agent cannot add others.
    return "".join(part if _PAINT.fullmatch(part) and has_colour() else plain(part) for part in _PAINT.split(line))


def without_sandbox(done: str, reason: str) -> str:
    """Return the warning that agents ran without a sandbox, and how to have a sandbox."""
    return f"⚠ {done} without a sandbox: {plain(reason)}. To have one, {SANDBOX_INSTALL}."


# A tick would say that a finding is fine, so LOW has another sign than among errors.
SEVERITY_ICONS: Final = dict(zip(SEVERITIES, "⊘⚠ℹ○", strict=True))  # noqa: RUF001


def severity(name: str) -> str:
    """Return the severity of a finding in its colour, without an icon: a tick would say that it is fine."""
    return painted(name, _COLOURS[name])


def table(rows: Iterable[Sequence[str]], head: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table whose columns fit their cells; cells are escaped.

    On a terminal that is narrower, long cells go on in the lines below: a cut id or path could not be copied.
    """
    # Made harmless before the widths are measured: a code is longer than the character that it shows.
    cells = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(columns, column)) for column in zip(head, *cells, strict=True)]
    if is_terminal():
        _narrow(widths, [columns(name) for name in head], width())
    for row in (list(head), *cells):
        parts = [pieces(cell, size) for cell, size in zip(row, widths, strict=True)]
        for line in zip_longest(*parts, fillvalue=""):
            padded = (cell + " " * (size - columns(cell)) for cell, size in zip(line, widths, strict=True))
            yield "  ".join(padded).rstrip()


def _narrow(widths: list[int], heads: Sequence[int], room: int) -> None:
    """Take columns from the widest until a table fits, but none of a head and none of the last `_NARROWEST`.

    The first column, with the name or id of the row, stays as it is: a reader copies it.
    """
    least = [widths[0], *(max(_NARROWEST, head) for head in heads[1:])]
    while sum(widths) + 2 * (len(widths) - 1) > room:
        position = max(range(len(widths)), key=lambda index: widths[index] - least[index])
        if widths[position] <= least[position]:
            return
        widths[position] -= 1


def pieces(cell: str, size: int) -> list[str]:
    """Return a text in pieces of at most `size` columns, cut after a space, `/`, `,` or `-` where one is near."""
    found = []
    while columns(cell) > size:
        end = next(count for count in range(1, len(cell) + 1) if columns(cell[:count]) > size) - 1
        # A character of two columns needs its place even where the column is narrower.
        end = max(end, 1)
        if cell[end] != " ":
            near = max(cell.rfind(mark, end // 2, end) for mark in " /,-")
            end = near + 1 if near >= 0 else end
        found.append(cell[:end].rstrip(" "))
        cell = cell[end:].lstrip(" ")
    return [*found, cell]


def columns(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    # Wide characters take two columns on a terminal.
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def were(count: int) -> str:
    """Return the verb of a number of things in the past."""
    return "was" if count == 1 else "were"


def severities(counts: Mapping[str, int]) -> str:
    """Return counts by severity on a line."""
    return ", ".join(f"{counts[name]:,} {name}" for name in SEVERITIES if counts.get(name)) or "none"


def place(finding: "FindingShown | SightingShown | FindingToFix") -> str:
    """Return `path:line:column`, which terminals turn into a link."""
    if finding.file is None:
        return "(no file)"
    column = getattr(finding, "column", None)
    return plain(finding.file) + (f":{finding.line}" if finding.line else "") + (f":{column}" if column else "")


def decision(finding: "FindingShown") -> str:
    """Return the author and last day of a decision, or an empty text."""
    if finding.status in CLOSED:
        source = {"coordinator": "", "imported": " in a file", "inline": " by a comment"}
        by = f" by {plain(finding.decided_by)}" if finding.decided_by else ""
        until = f" until {finding.expires}" if finding.expires else ""
        return f"{finding.status}{until}{source.get(finding.decision_source or '', '')}{by}"
    if finding.status == "fixed" and finding.verified_how:
        commit = f" at {finding.fixed_commit[:12]}" if finding.fixed_commit else ""
        return f"by an operator ({finding.verified_how}){commit}: {plain(finding.evidence_note or '')}"
    return ""


def coloured(severity_name: str, size: int) -> str:
    """Return the word of a severity in a column of this size, in its colour."""
    return severity(severity_name) + " " * (size - len(severity_name))


def padded(text: str, size: int) -> str:
    """Return a text with blanks up to a number of columns."""
    return text + " " * (size - columns(text))


def fitted(text: str, room: int) -> str:
    """Cut a text to a number of columns of the terminal, where a wide character takes two."""
    if columns(text) <= room:
        return text
    taken = 0
    for at, character in enumerate(text):
        taken += _columns_of(character)
        if taken > room - 1:
            return text[:at] + "…"
    return text


def shortened(text: str, room: int) -> str:
    """Cut a text to a number of columns."""
    return text if len(text) <= room else text[: room - 1] + "…"


def refused(count: int) -> str:
    """Return how many reports were refused, as the rest of a sentence."""
    return f"{counted(count, 'report')} {'was' if count == 1 else 'were'} refused"


def totals(result: "FindingsResult", of_all: int | None = None) -> str:
    """Return the summary line of a digest; `of_all` counts the findings that filters which keep nothing left out."""
    if not result.total and result.state == "clean" and of_all:
        return f"0 of {counted(of_all, 'finding')} match."
    if not result.total and result.state == "findings":
        return f"No findings, but {refused(result.refused)}."
    if not result.total:
        return "No findings." if result.state == "clean" else "No findings, but the audit is not whole."
    return f"{counted(result.total, 'finding')}: {severities(result.counts._asdict())}"

"""Regions of a file as a line, a column and the line's text (SARIF 2.1.0, 3.30)."""

import json
import re
from array import array
from bisect import bisect_left
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple

from swarm.rules.notebooks import code_cells
from swarm.sarif.problems import Refused
from swarm.sarif.values import at, whole, word

# A quote that is longer would be compared by its beginning alone.
LONGEST_QUOTE: Final = 2000
_LINE_FEED: Final = 10
_LAST_OF_FIRST_PLANE: Final = "\uffff"


class Region(NamedTuple):
    """A region as the log gives it: `line` or an offset, and the tool's own copy of the text.

    `cell` is the cell of a notebook that the line is counted in, 0 where it is counted through all code cells.
    """

    line: int | None
    column: int | None
    end: tuple[int | None, int | None]
    char_offset: int | None
    byte_offset: int | None
    snippet: str
    cell: int | None = None


class Spot(NamedTuple):
    """A place in a file; `quote` is the text of the line, or a text to look the line up by."""

    line: int | None
    column: int | None
    quote: str


def region_of(document: Any) -> Region:
    """Return a region of a physical location. Raises Refused for a line that no file can have."""
    given = at(document, "startLine")
    line = whole(given)
    if given is not None and (line is None or line < 1):
        raise Refused(".startLine", f"{shown(given)} is no line: lines are counted from 1")
    return Region(
        line=line,
        column=whole(at(document, "startColumn")),
        end=(whole(at(document, "endLine")), whole(at(document, "endColumn"))),
        char_offset=_offset(at(document, "charOffset")),
        byte_offset=_offset(at(document, "byteOffset")),
        snippet=word(document, "snippet", "text"),
    )


def shown(value: Any) -> str:
    """Return a value of a log as its JSON."""
    return json.dumps(value)[:80]


def _offset(value: Any) -> int | None:
    number = whole(value)
    # -1 is the default of the standard, and means that there is none.
    return number if number is not None and number >= 0 else None


class Lines:
    """The lines of a file, counted as git counts them."""

    def __init__(self, content: bytes, *, is_notebook: bool = False, in_utf16: bool = False) -> None:
        self._content = content
        self._in_utf16 = in_utf16
        self._text = content.decode("utf-8-sig", "replace")
        self._lines = self._text.split("\n")
        self._is_notebook = is_notebook

    def spot_of(self, region: Region) -> Spot:
        """Return where a region begins. A line that the file has stands, whatever the snippet of the tool is."""
        line = region.line
        if line is None:
            line = self._line_at(region)
        elif self._is_notebook and region.cell is not None:
            line = self._line_of_cell(region.cell, line)
        if line is None or line > len(self._lines):
            # With no line of the file, the text that the tool copied is the only sign.
            return Spot(line, region.column, region.snippet)
        text = self._lines[line - 1].rstrip("\r")
        return Spot(line, self._column(region, text), text if len(text) <= LONGEST_QUOTE else "")

    def _line_at(self, region: Region) -> int | None:
        if region.char_offset is not None and region.char_offset <= len(self._content):
            return bisect_left(self._ends_by_char, region.char_offset) + 1
        if region.byte_offset is not None and region.byte_offset <= len(self._content):
            return bisect_left(self._ends_by_byte, region.byte_offset) + 1
        return None

    def _column(self, region: Region, text: str) -> int | None:
        column = region.column
        if column is None or not self._in_utf16 or text.isascii():
            return column
        # A character has at least one unit, so the rest of a long line plays no part.
        begin = text[: column - 1].encode("utf-16-le")[: 2 * (column - 1)]
        return len(begin.decode("utf-16-le", "ignore")) + 1

    def _line_of_cell(self, cell: int, row: int) -> int | None:
        rows = self._cells.get(cell, ()) if cell else self._rows
        return rows[row - 1] if row <= len(rows) else None

    @cached_property
    def _rows(self) -> tuple[int, ...]:
        # Through all code cells: each is joined to the next by a line feed.
        return tuple(line for rows in self._cells.values() for line in rows)

    @cached_property
    def _cells(self) -> dict[int, tuple[int, ...]]:
        return code_cells(self._text)

    @cached_property
    def _ends_by_char(self) -> list[int]:
        # Units of UTF-16 differ from characters beyond the first plane alone.
        if self._in_utf16 and max(self._text, default="") > _LAST_OF_FIRST_PLANE:
            units = array("H", self._text.encode("utf-16-le", "surrogatepass"))
            return [place for place, unit in enumerate(units) if unit == _LINE_FEED]
        return [found.start() for found in re.finditer("\n", self._text)]

    @cached_property
    def _ends_by_byte(self) -> list[int]:
        return [found.start() for found in re.finditer(b"\n", self._content)]


def key_of(region: Region) -> tuple[object, ...]:
    """Return what equal results have in common of their region."""
    return region.line, region.column, region.end, region.char_offset, region.byte_offset


def counts_in_utf16(run: Mapping[str, Any]) -> bool:
    """Say whether a run says that its columns and offsets are units of UTF-16."""
    return run.get("columnKind") == "utf16CodeUnits"

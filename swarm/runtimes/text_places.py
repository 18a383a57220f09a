"""Places in a text as programs name them: by row and column, or by an offset in bytes or in units of UTF-16."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

_LINE_END: Final = re.compile("\r\n|\n|\r")
_BOM: Final = "\ufeff"
UTF_16: Final = "utf-16"


class TextPlaces:
    """Finds the offsets in characters, behind the byte order mark, of places in a text."""

    def __init__(self, source: str) -> None:
        self._mark = source[: source.startswith(_BOM)]
        self._body = source.removeprefix(_BOM)

    def offset(self, place: Mapping[str, int], unit: str | None = None) -> int:
        """Return the offset of a place: its `row` and `column`, else its `offset` in a unit, of the line or the file.

        A place behind the end is the end.
        """
        row = min(place.get("row", 1), len(self._starts))
        start = self._starts[row - 1]
        if unit is None:
            return start + place["column"] - 1
        if unit == UTF_16:
            whole = self._utf_16
            begin = len(self._body[:start].encode("utf-16-le", "surrogatepass"))
            return start + len(whole[begin : begin + 2 * place["offset"]].decode("utf-16-le", "replace"))
        # Programs that count bytes count the mark as well, in the first line too.
        begin = len((self._mark + self._body[:start] if start else "").encode("utf-8", "surrogateescape"))
        text = self._bytes[begin : begin + place["offset"]].decode("utf-8", "surrogateescape")
        return start + len(text.removeprefix(_BOM))

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in _LINE_END.finditer(self._body))]

    @cached_property
    def _utf_16(self) -> bytes:
        return self._body.encode("utf-16-le", "surrogatepass")

    @cached_property
    def _bytes(self) -> bytes:
        return (self._mark + self._body).encode("utf-8", "surrogateescape")

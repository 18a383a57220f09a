"""Quotes of the lines that findings name, and columns in characters."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from swarm.rules.source_text import source_text

LONGEST_QUOTE: Final = 2000
_UNITS: Final = {"bytes": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}


def quote_lines(tree: Path, findings: Iterable[dict[str, Any]], unit: str = "") -> None:
    """Give each finding its line, verbatim; findings of one file stand together.

    With a unit in which the analyzer counts columns (bytes, utf-16), their columns become those of characters.
    """
    name, lines = None, list[str]()
    for finding in findings:
        if finding["file"] != name:
            name = finding["file"]
            try:
                # Analyzers end a line at a lone carriage return as well.
                lines = source_text((tree / name).read_bytes()).replace("\r\n", "\n").replace("\r", "\n").split("\n")
            except (OSError, ValueError):
                lines = []
        if 0 < finding["line"] <= len(lines) and (quote := lines[finding["line"] - 1]):
            finding["quote"] = quote[:LONGEST_QUOTE]
            if unit and not quote.isascii():
                finding["column"] = _in_characters(quote, finding["column"], unit)


def _in_characters(line: str, column: int, unit: str) -> int:
    encoding, width = _UNITS[unit]
    before = line.encode(encoding, "surrogatepass")[: (column - 1) * width]
    return len(before.decode(encoding, "ignore")) + 1

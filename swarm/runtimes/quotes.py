"""Quotes of the lines that findings name."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

LONGEST_QUOTE: Final = 2000


def quote_lines(tree: Path, findings: Iterable[dict[str, Any]]) -> None:
    """Give each finding its line, verbatim; findings of one file stand together."""
    name, lines = None, list[str]()
    for finding in findings:
        if finding["file"] != name:
            name = finding["file"]
            try:
                lines = (tree / name).read_text(encoding="utf-8-sig", errors="replace").split("\n")
            except (OSError, ValueError):
                lines = []
        if 0 < finding["line"] <= len(lines) and (quote := lines[finding["line"] - 1].rstrip("\r")):
            finding["quote"] = quote[:LONGEST_QUOTE]

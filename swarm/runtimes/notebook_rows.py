"""Reports about notebooks, whose rows an analyzer counts within a cell, at the lines of their files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from swarm.rules.notebooks import code_cells
from swarm.runtimes.own_tree import inside


def at_lines_of_files(tree: Path, reports: Iterable[Any]) -> None:
    """Replace the row of each report that names a cell by the line of its file; a row that the file lacks stays."""
    cells: dict[str, dict[int, tuple[int, ...]]] = {}
    for report in reports:
        number = report.get("cell")
        if number is None:
            continue
        name = inside(tree, report["filename"])
        if name not in cells:
            cells[name] = _cells(tree / name)
        rows = cells[name].get(number, ())
        if 0 < report["location"]["row"] <= len(rows):
            report["location"]["row"] = rows[report["location"]["row"] - 1]


def _cells(file: Path) -> dict[int, tuple[int, ...]]:
    try:
        return code_cells(file.read_text(encoding="utf-8-sig", errors="replace"))
    except (OSError, ValueError):
        return {}

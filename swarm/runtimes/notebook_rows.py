"""Notebooks, as analyzers report about them: rows at the lines of their files, and cells that are left out."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from swarm.rules.notebooks import code_cells
from swarm.runtimes.own_tree import inside
from swarm.runtimes.silencing import holding

# A cell under a magic that ruff does not know may be Python all the same; those of other languages are not.
_UNKNOWN_MAGIC: Final = (
    r'"[ \t]*(?:%|\\u0025){2}(?!(?:time|timeit|capture|debug|prun|pypy|python|python3|ipytest|bash|sh|script|perl|ruby'
    r"|html|HTML|javascript|js|latex|markdown|svg|SVG|sql|R|cython|cmd|system|sx|file|writefile)\b)"
)


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


def passed_over(tree: Path, files: Iterable[str]) -> set[str]:
    """Return the notebooks of which ruff leaves out a cell."""
    return holding(tree, (file for file in files if file.endswith(".ipynb")), _UNKNOWN_MAGIC)

"""Analyzers that a repository brings, in `node_modules/.bin` or a virtual environment, untracked by git."""

import os
from collections.abc import Callable, Collection
from pathlib import Path

from swarm.runtimes.analyzer_table import AnalyzerRow, table


def local_programs(root: Path, tracked: Callable[[], Collection[str]]) -> dict[str, str]:
    """Return the programs of a repository by analyzer. `tracked` is called only where there is one.

    For a user who trusts the repository: a program that git tracks came with a commit, and nobody installed it.
    """
    found = {}
    for name, row in table().rows.items():
        for place in _places(row, root):
            file = root / place
            real = os.path.realpath(file)
            names = {place, os.path.relpath(real, os.path.realpath(root))}
            if names.isdisjoint(tracked()):
                found[name] = str(file)
                break
    return found


def is_brought(row: AnalyzerRow, root: Path) -> bool:
    """Say whether a repository has the program of an analyzer; whether git tracks the program is not asked."""
    return bool(_places(row, root))


def _places(row: AnalyzerRow, root: Path) -> list[str]:
    return [place for place in row.local if (file := root / place).is_file() and os.access(file, os.X_OK)]

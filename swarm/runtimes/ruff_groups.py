"""Groups of files that ruff checks in a process: of one root of configuration, and of a bounded size."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from swarm.runtimes.ruff_config import CONFIG_NAMES, ruff_table

MOST_ROOTS: Final = 20
# The root of files above which no configuration lies in the tree.
BARE: Final = ""
# A report can be forty times as long as what it is about: a generated file must not cost the findings of others.
_LARGE: Final = 512 * 1024
_MOST_BYTES: Final = 16 * 1024 * 1024


def groups_of(tree: Path, files: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the roots of configuration (`./…`, or `BARE`) with their files; a root may have several groups."""
    return [(root, group) for root, own in _roots(tree, files).items() for group in _divided(tree, own)]


def _divided(tree: Path, files: Sequence[str]) -> Iterator[list[str]]:
    group: list[str] = []
    large: list[str] = []
    total = 0
    for file in files:
        size = _bytes_of(tree / file)
        if size > _LARGE:
            large.append(file)
            continue
        if group and total + size > _MOST_BYTES:
            yield group
            group, total = [], 0
        group.append(file)
        total += size
    if group:
        yield group
    yield from ([file] for file in large)


def _bytes_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _roots(tree: Path, files: Sequence[str]) -> dict[str, list[str]]:
    """Return the files by the folder of their configuration (`./…`), or `BARE` where none is in the tree.

    Without this, ruff would climb out of the tree and take the configuration of whatever lies above it.
    """
    nearest: dict[str, str] = {}

    def root_of(folder: str) -> str:
        if folder not in nearest:
            here = tree / folder
            if any(ruff_table(here / name) is not None for name in CONFIG_NAMES):
                nearest[folder] = f"./{folder}" if folder else "./."
            else:
                nearest[folder] = root_of(folder.rpartition("/")[0]) if folder else BARE
        return nearest[folder]

    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for file in files:
        grouped[root_of(file.rpartition("/")[0])].append(file)
    roots = dict(sorted(grouped.items()))
    for root in list(roots)[MOST_ROOTS:]:
        roots[list(roots)[MOST_ROOTS - 1]] += roots.pop(root)
    return roots

"""The folder of another machine in which the repository lay, known by the files that a log names below it."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from swarm.sarif.paths import folded

_MOST_PATHS: Final = 200
_MOST_STEPS: Final = 64


def likely_root(paths: Iterable[str], holds: Callable[[str], bool]) -> str | None:
    """Return the folder below which most of some absolute paths are files of the repository, `None` without it.

    The shortest of several: it names most of each path. Fewer than most would let a header of the system that is called
    as a file of the repository decide.
    """
    votes: Counter[str] = Counter()
    named = list(islice(dict.fromkeys(paths), _MOST_PATHS))
    for path in named:
        steps = path.split("/")
        for depth in range(1, min(len(steps), _MOST_STEPS)):
            if holds("/".join(steps[depth:])):
                votes[folded("/".join(steps[:depth]))] += 1
    best = min(votes, key=lambda root: (-votes[root], len(root)), default=None)
    return best if best is not None and votes[best] * 2 > len(named) else None

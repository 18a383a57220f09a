"""Renames that git does not see: it compares whole lines, and a file that is indented anew shares none with the old."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

# Share of lines above which git takes two files for the same, `diff.renames` of its own; here without white space.
SIMILAR_FILES: Final = 0.5
# A line of fewer characters, such as `}` or `else:`, is in nearly every file.
_SHORTEST: Final = 6
# New files that share a line; a line of more files says nothing about which of them is meant.
_MOST_SHARING: Final = 20

Files = Iterable[tuple[str, str]]


def renamed(old: Files, new: Files) -> dict[str, str]:
    """Return the new paths, by old path, of removed files whose lines are those of an added file but for white space.

    `old` and `new` are removed and added files, each with its text. One to one, most alike first.
    """
    ours = {path: _lines(text) for path, text in old}
    wanted = set().union(*ours.values())
    shared: dict[str, Counter[str]] = {}
    lengths: dict[str, int] = {}
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for path, text in new:
        lines = _lines(text)
        lengths[path] = lines.total()
        # Only the lines of removed files: a release can add a million others.
        shared[path] = Counter({line: count for line, count in lines.items() if line in wanted})
        for line in shared[path]:
            holders[line].append(path)
    scores: dict[tuple[str, str], float] = {}
    for path, lines in ours.items():
        common: Counter[str] = Counter()
        for line, count in lines.items():
            # An index instead of a comparison of each with each, which would cost the square of their number.
            if len(where := holders.get(line, ())) <= _MOST_SHARING:
                for other in where:
                    common[other] += min(count, shared[other][line])
        for other, number in common.items():
            scores[path, other] = number / max(lines.total(), lengths[other])
    return _best(scores)


def _best(scores: dict[tuple[str, str], float]) -> dict[str, str]:
    found: dict[str, str] = {}
    taken: set[str] = set()
    for path, other in sorted(scores, key=lambda pair: (-scores[pair], pair)):
        if scores[path, other] >= SIMILAR_FILES and path not in found and other not in taken:
            found[path] = other
            taken.add(other)
    return found


def _lines(text: str) -> Counter[str]:
    bare = ("".join(line.split()) for line in text.split("\n"))
    return Counter(line for line in bare if len(line) >= _SHORTEST)

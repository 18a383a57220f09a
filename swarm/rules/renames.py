"""Renames that git does not see: it compares whole lines, and a file that is indented anew shares none with the old."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Final

# Share of lines above which git takes two files for the same, `diff.renames` of its own; here without white space.
SIMILAR_FILES: Final = 0.5
# A line of fewer characters, such as `}` or `else:`, is in nearly every file.
_SHORTEST: Final = 6
# New files that share a line; a line of more files says nothing about which of them is meant.
_MOST_SHARING: Final = 20


def renamed(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """Return the new paths, by old path, of removed files whose lines are those of an added file but for white space.

    `old` and `new` hold the texts of removed and of added files, by path. One to one, most alike first.
    """
    ours = {path: _lines(text) for path, text in old.items()}
    theirs = {path: _lines(text) for path, text in new.items()}
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for path, lines in theirs.items():
        for line in lines:
            holders[line].append(path)
    scores: dict[tuple[str, str], float] = {}
    for path, lines in ours.items():
        shared: Counter[str] = Counter()
        for line, count in lines.items():
            # An index instead of a comparison of each with each, which would cost the square of their number.
            if len(where := holders.get(line, ())) <= _MOST_SHARING:
                for other in where:
                    shared[other] += min(count, theirs[other][line])
        for other, number in shared.items():
            scores[path, other] = number / max(lines.total(), theirs[other].total())
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

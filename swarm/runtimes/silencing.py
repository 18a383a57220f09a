"""Comments that turn rules of an analyzer off, file by file."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from swarm.rules.analysis import EVERY_RULE

_NAMES: Final = re.compile(r"[\w@/:.-]+")
# Bytes around a comment that are read: one that reaches farther counts for every rule.
_REACH: Final = 4096
_RANGE: Final = re.compile(r"(?:SC)?([0-9]{1,9})-(?:SC)?([0-9]{1,9})")


def names_one(names: Collection[str], rules: Iterable[str]) -> bool:
    """Say whether a comment names one of some rules, by itself or in a range such as `SC1000-SC1100`."""
    ranges = [(int(found[1]), int(found[2])) for found in map(_RANGE.fullmatch, names) if found]
    return any(
        rule in names or any(first <= int(rule[2:]) <= last for first, last in ranges if rule[2:].isdigit())
        for rule in rules
    )


def holding(tree: Path, files: Iterable[str], text: str) -> set[str]:
    """Return the files that hold a text, given as a pattern; none where there is no pattern."""
    pattern = re.compile(text.encode())
    return {file for file in files if text and pattern.search(_content(tree / file))}


def silenced(tree: Path, files: Iterable[str], comments: str) -> dict[str, list[str]]:
    """Return the rules that comments turn off, by file: each name as it stands, and all rules where none is named."""
    if not comments:
        return {}
    pattern = re.compile(comments.encode())
    found: defaultdict[str, set[str]] = defaultdict(set)
    for file in files:
        content = _content(tree / file)
        for match in pattern.finditer(content):
            # Bounded on both sides: a slice to the end of a line or a file for each comment would be quadratic.
            before = content[max(0, match.start() - _REACH) : match.start()].rpartition(b"\n")[2]
            behind = content[match.end() : match.end() + _REACH].partition(b"\n")[0]
            rest = behind.decode("utf-8", "replace")
            # What follows two dashes is the reason, in the words of a person.
            names = set(_NAMES.findall(rest.partition("--")[0].partition("*/")[0]))
            # A pattern, a range or a list that goes on in the next line can name any rule.
            is_open = "*/" not in rest and (b"/*" in before or _REACH in {len(before), len(behind)})
            has_pattern = "*" in rest.partition("*/")[0] or any(map(_RANGE.fullmatch, names)) or "all" in names
            found[file] |= names | ({EVERY_RULE} if is_open or has_pattern or not names else set())
            # shellcheck takes a number without its letters.
            found[file] |= {f"SC{name}" for name in names if name.isascii() and name.isdigit()}
    return {file: sorted(names) for file, names in found.items()}


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""

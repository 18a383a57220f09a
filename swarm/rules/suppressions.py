"""Comments in the source that reject a finding: `# swarm: ignore RULE[,RULE] reason`."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

MARK: Final = "swarm:"
# The mark must follow a comment sign, so that prose about the mark rejects nothing.
_BEGIN: Final = re.compile(r"(#|//|--|;|/\*|<!--)[ \t]*swarm:[ \t]*ignore(?![\w-])")
_CLOSERS: Final = {"/*": "*/", "<!--": "-->"}
_RULES: Final = re.compile(r"[\w./:@+-]++(?:,[\w./:@+-]++)*+(?!\S)")
LONGEST_REASON: Final = 500


class Suppression(NamedTuple):
    """A comment that rejects findings of some rules or categories, with its reason.

    `problem` says why the comment does not count, `""` where the comment counts.
    """

    line: int
    rules: frozenset[str]
    reason: str
    problem: str


class _Comment(NamedTuple):
    code: str
    rules: frozenset[str]
    reason: str
    problem: str


def without_comment(line: str) -> str:
    """Return a line without the suppression at its end."""
    comment = _comment(line)
    return line if comment is None else comment.code


def suppressions_at(lines: Sequence[str], line: int) -> tuple[Suppression, ...]:
    """Return the comments about the findings of a line: those at its end, and those alone on the line above."""
    found = []
    # The line's own comment first: a comment on the line is more exact than a comment above.
    for number in (line, line - 1):
        comment = _comment(lines[number - 1]) if 1 <= number <= len(lines) else None
        if comment is not None and (number == line or not comment.code.strip()):
            found.append(Suppression(number, comment.rules, comment.reason, comment.problem))
    return tuple(found)


def _comment(line: str) -> _Comment | None:
    # A substring test first: nearly no line has the mark, and the pattern is slow.
    if MARK not in line or (begin := _BEGIN.search(line)) is None:
        return None
    code, closer = line[: begin.start()], _CLOSERS.get(begin[1])
    text = line[begin.end() :]
    if closer is not None:
        text, _, behind = text.partition(closer)
        if behind.strip():
            # Code follows the comment, so the comment is not at the end of its line.
            return None
    text = " ".join(text.split())
    named = _RULES.match(text)
    if named is None:
        return _Comment(code, frozenset(), "", "it names no rule or category")
    # A reason is required, as for every rejection.
    reason = text[named.end() :].strip()[:LONGEST_REASON]
    return _Comment(code, frozenset(named[0].split(",")), reason, "" if reason else "it gives no reason")

"""Directives of C sources: the code that conditions can hide from an analyzer, and the files that a source includes."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

HEADERS: Final = (".h", ".hh", ".hpp", ".hxx", ".h++", ".inl", ".inc", ".ipp", ".tcc", ".def")
SUFFIXES: Final = (".c", ".cc", ".cpp", ".cxx", ".c++", ".C", *HEADERS)
# Comments are blanked and strings kept: a string can hold what looks like a comment, and would hide the lines behind.
# Every repetition is possessive: what does not end would cost the square, tried from each of its beginnings.
_PLAIN: Final = r"""("(?:[^"\\\n]|\\.)*+"?|'(?:[^'\\\n]|\\.)*+'?)|//(?:[^\\\n]|\\.)*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?"""
_COMMENT: Final = re.compile(_PLAIN, re.DOTALL)
# A string without escapes; where no closing mark follows, the rest of the text.
RAW_STRING: Final = r'R"(?P<mark>[^()\\\s]{0,16})\((?:(?!\)(?P=mark)").)*+'
_COMMENT_OR_RAW: Final = re.compile(f"{RAW_STRING}|{_PLAIN}", re.DOTALL)
_DIRECTIVE: Final = re.compile(r"^[^\S\n]*+#((?:[^\\\n]|\\.)*+)", re.DOTALL | re.MULTILINE)
_WORD: Final = re.compile(r"\s*(\w+)")
_QUOTED: Final = re.compile(r'\s*include\s*"([^"]+)"')
_BY_MACRO: Final = re.compile(r'\s*include\s*+[^\s"<]')
_BEGINS: Final = frozenset({"if", "ifdef", "ifndef", "asm"})
_ENDS: Final = frozenset({"endif", "endasm"})
_STEERING: Final = _BEGINS | _ENDS | {"elif", "elifdef", "elifndef", "else", "define", "undef"}
_END: Final = 2**31


class Directive(NamedTuple):
    """A directive without comments and continued lines; `name` is the number of `# 12 "file"`."""

    line: int
    name: str
    text: str


class Conditional(NamedTuple):
    """The lines of a condition, from its beginning to its end."""

    first: int
    last: int
    text: str


class Preprocessed:
    """The directives of a C source, in each way in which a parser may take its raw strings."""

    def __init__(self, text: str) -> None:
        patterns = (_COMMENT, _COMMENT_OR_RAW) if 'R"' in text else (_COMMENT,)
        self._ways = [tuple(_directives(pattern, text)) for pattern in patterns]
        # The outermost conditions of each way, which no other overlaps.
        self._regions = [list(_regions(way)) for way in self._ways]

    def around(self, ranges: Iterable[tuple[int, int]]) -> Conditional | None:
        """Return a condition that some code is within; each range of lines is its first and its last line."""
        for first, last in ranges:
            for regions in self._regions:
                at = bisect_left(regions, first, key=lambda region: region.last)
                if at < len(regions) and regions[at].first <= last:
                    return regions[at]
        return None

    def steering(self) -> list[list[str]]:
        """Return the directives that decide which code is read, without the includes of files of the system."""
        return [[each.text for each in way if each.name in _STEERING or _QUOTED.match(each.text)] for way in self._ways]

    def included(self) -> set[str]:
        """Return the names of the files that the source includes as its own."""
        found = (_QUOTED.match(each.text) for way in self._ways for each in way)
        return {match[1] for match in found if match}

    def includes_by_macro(self) -> bool:
        """Say whether a macro names a file that the source includes."""
        return any(_BY_MACRO.match(each.text) for way in self._ways for each in way)

    def renumbering(self) -> set[str]:
        """Return the directives that give the lines behind them another place."""
        return {each.text for way in self._ways for each in way if each.name == "line" or each.name.isdigit()}


def _directives(pattern: re.Pattern[str], text: str) -> Iterator[Directive]:
    plain = pattern.sub(_blanked, text.replace("\r\n", "\n"))
    at, line = 0, 1
    for found in _DIRECTIVE.finditer(plain):
        line += plain.count("\n", at, found.start())
        at = found.start()
        words = " ".join(found[1].replace("\\\n", "").split())
        name = match[1] if (match := _WORD.match(words)) else ""
        if name == "pragma" and words.split()[1:2] in (["asm"], ["endasm"]):
            # cppcheck passes over the lines between these two.
            name = words.split()[1]
        yield Directive(line, name, words)


def _blanked(found: re.Match[str]) -> str:
    # The directives behind keep their lines.
    return found[0] if found[0][0] in "\"'" else " " + "\n" * found[0].count("\n")


def _regions(directives: Sequence[Directive]) -> Iterator[Conditional]:
    inner = directives[1:-1] if _is_guarded(directives) else directives
    open_now: list[Directive] = []
    for each in inner:
        if each.name in _BEGINS:
            open_now.append(each)
        elif each.name in _ENDS and open_now:
            first = open_now.pop()
            if not open_now:
                yield Conditional(first.line, each.line, f"#{first.text}")
    if open_now:
        yield Conditional(open_now[0].line, _END, f"#{open_now[0].text}")


def _is_guarded(directives: Sequence[Directive]) -> bool:
    """Say whether the first directives of a file keep the whole of it from being read a second time."""
    heads = [each.name for each in directives[:2]]
    if heads != ["ifndef", "define"] or directives[0].text.split()[1:2] != directives[1].text.split()[1:2]:
        return False
    depth, ends = 0, []
    for at, each in enumerate(directives):
        depth += (each.name in _BEGINS) - (each.name in _ENDS)
        if depth == 0:
            ends.append(at)
    return ends == [len(directives) - 1]

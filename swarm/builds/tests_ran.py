"""How many tests ran, read from what test runners print at their end.

A test that was skipped did not run. Tools that print one total are believed on their last word, tools that print
one a suite are added up. The words are the tools' own: pytest, unittest, node's runner (TAP and spec), jest, vitest,
mocha, cargo, and go with -v or -json.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

AUTO: Final = "auto"
LINE_CHARACTERS: Final = 2000
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NUMBERED: Final = re.compile(r"(\d+) ([a-z]+)")
# A count that a database holds, also when many are added up.
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_RUN_WORDS: Final = {"passed", "failed", "xfailed", "xpassed"}
_EMPTY: Final[frozenset[int]] = frozenset()


class Reading(NamedTuple):
    """How many tests ran, `None` when nothing said so, and the exit codes by which a tool says that there is none."""

    tests: int | None
    empty_codes: frozenset[int] = _EMPTY


class _Rule(NamedTuple):
    """What a line adds to a tool's total; `None` is a run whose tests it does not tell."""

    line: re.Pattern[str]
    adds: Callable[[re.Match[str]], int | None]
    resets: bool = False
    empty_codes: frozenset[int] = _EMPTY


def _words(found: re.Match[str]) -> int:
    return sum(int(number) for number, word in _NUMBERED.findall(found[1]) if word in _RUN_WORDS)


def _number(found: re.Match[str]) -> int:
    return int(found[1])


def _less(found: re.Match[str]) -> int:
    return -int(found[1])


def _one(_: re.Match[str]) -> int:
    return 1


def _none(_: re.Match[str]) -> int:
    return 0


def _untold(_: re.Match[str]) -> None:
    return None


def _passed_and_failed(found: re.Match[str]) -> int:
    return int(found[1]) + int(found[2])


_FIVE: Final = frozenset({5})
_ONE: Final = frozenset({1})
_N: Final = r"(\d{1,9})"
_PARTS: Final = r"(\d{1,9} [a-z]+(?:, \d{1,9} [a-z]+)*)"

_RULES: Final[dict[str, tuple[_Rule, ...]]] = {
    "pytest": (
        _Rule(
            re.compile(rf"=*[ ]?{_PARTS} in [\d.]+s(?: \([\d:days, ]+\))?[ ]?=*"),
            _words,
            resets=True,
            empty_codes=_FIVE,
        ),
        _Rule(re.compile(r"=*[ ]?no tests ran in [\d.]+s[ ]?=*"), _none, resets=True, empty_codes=_FIVE),
    ),
    "unittest": (
        _Rule(re.compile(rf"Ran {_N} tests? in [\d.]+s"), _number, resets=True, empty_codes=_FIVE),
        _Rule(re.compile(rf"(?:OK|FAILED|NO TESTS RAN) \((?:[a-z ]+=\d+, )*skipped={_N}(?:, [a-z ]+=\d+)*\)"), _less),
    ),
    "node": (
        _Rule(re.compile(rf"(?:#|\N{{INFORMATION SOURCE}}) tests {_N}"), _number),
        _Rule(re.compile(rf"(?:#|\N{{INFORMATION SOURCE}}) skipped {_N}"), _less),
    ),
    "jest": (
        _Rule(re.compile(r"Tests:\s+((?:\d{1,9} [a-z]+, )*)\d+ total"), _words),
        _Rule(re.compile(r"No tests found, exiting with code [01]"), _none, empty_codes=_ONE),
    ),
    "vitest": (
        _Rule(re.compile(r"\s*Tests  ((?:\d{1,9} [a-z]+(?: \| )?)+) \(\d+\)"), _words),
        _Rule(re.compile(r"No test files found, exiting with code [01]"), _none, empty_codes=_ONE),
    ),
    "mocha": (
        _Rule(re.compile(rf"\s+{_N} passing \([^)]+\)"), _number),
        _Rule(re.compile(rf"\s+{_N} failing"), _number),
        _Rule(re.compile(r"Error: No test files found(?:: .*)?"), _none, empty_codes=_ONE),
    ),
    "cargo": (_Rule(re.compile(rf"test result: \w+\. {_N} passed; {_N} failed; .*"), _passed_and_failed),),
    "go": (
        # Only what stands at the margin: a subtest is part of its test.
        _Rule(re.compile(r"--- (?:PASS|FAIL): \S+ \([\d.]+s\)"), _one),
        _Rule(re.compile(r"\?\s+\S+\s+\[no test files\]"), _none),
        _Rule(re.compile(r"ok  \t\S+\t\S+ \[no tests to run\]"), _none),
        _Rule(re.compile(r"ok  \t\S+\t(?:[\d.]+s|\(cached\))(?:\tcoverage: .*)?"), _untold),
        _Rule(re.compile(r'\{(?=.*"Action":"(?:pass|fail)")(?=.*"Test":"[^"/]+").*\}'), _one),
        _Rule(re.compile(r'\{.*"Action":"skip".*\}'), _none),
    ),
}
TOOLS: Final = (*_RULES, AUTO)
# A line that begins in no such way is none of theirs, and most lines are not.
_LIKELY: Final = re.compile(
    r"\s*(?:[=\d#\N{INFORMATION SOURCE}?{]|Ran |OK \(|FAILED \(|[nN][oO] |Tests|Error: No|test result:|--- |ok  \t)"
)


def read(lines: Iterable[str], tool: str = AUTO) -> Reading:
    """Return how many tests a run says that it ran, by one tool's words or by those of all."""
    rules = _RULES if tool == AUTO else {tool: _RULES[tool]}
    totals: dict[str, int] = {}
    untold: set[str] = set()
    empty_codes: frozenset[int] = _EMPTY
    for line in filter(_LIKELY.match, map(_plain, lines)):
        for name, rule, found in _told(line, rules):
            added = rule.adds(found)
            if added is None:
                untold.add(name)
                continue
            totals[name] = added if rule.resets else totals.get(name, 0) + added
            empty_codes |= rule.empty_codes
    told = [max(0, total) for name, total in totals.items() if total > 0 or name not in untold]
    return Reading(sum(told) if told else None, empty_codes)


def read_pattern(lines: Iterable[str], pattern: str) -> Reading:
    """Return the sum of the numbers that the one group of a pattern finds, at most one a line."""
    wanted = re.compile(pattern)
    numbers = [found[1] for line in lines if (found := wanted.search(_plain(line)))]
    told = [int(number) for number in numbers if number and _COUNT.fullmatch(number)]
    return Reading(sum(told) if told else None)


def _told(line: str, rules: dict[str, tuple[_Rule, ...]]) -> Iterable[tuple[str, _Rule, re.Match[str]]]:
    for name, group in rules.items():
        for rule in group:
            if found := rule.line.fullmatch(line):
                yield name, rule, found


def _plain(line: str) -> str:
    """Return a line as a person sees it: without colour, and only what a carriage return left standing."""
    shown = line[:LINE_CHARACTERS].rstrip()
    if "\x1b" in shown:
        shown = _ANSI.sub("", shown).rstrip()
    return shown.rpartition("\r")[2]

"""The number of tests that ran, read from the summaries that test runners print.

A skipped test did not run. The summaries of one step are added up: a step may run a tool several times, and several
tools. The words are the tools' own: pytest, unittest, node's runner (TAP and spec), jest, vitest, mocha, AVA, bun,
deno, cargo with its test runner or nextest, and go with -v, -json or gotestsum.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

AUTO: Final = "auto"
LINE_CHARACTERS: Final = 2000
_ANSI: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_NUMBERED: Final = re.compile(r"(\d+) ([a-z]+(?: [a-z]+)*)")
# A count that a database holds, also when many are added up.
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_RUN_WORDS: Final = {"passed", "failed", "xfailed", "xpassed", "expected fail"}
# pytest 9 counts the subtests of a test beside the test itself, and a run of nothing but subtests by these words alone.
_SUBTEST_WORDS: Final = {f"{noun} {verb}" for noun in ("subtest", "subtests") for verb in ("passed", "failed")}
_EMPTY: Final[frozenset[int]] = frozenset()


class Reading(NamedTuple):
    """The number of tests that ran, `None` when no line names one, and the exit codes of a tool without any test."""

    tests: int | None
    empty_codes: frozenset[int] = _EMPTY


class _Rule(NamedTuple):
    """A line of a tool, and what it adds to the tool's total; `None` stands for a run of an unknown number of tests.

    `opens` is 1 for a line that begins a run, and -1 for a line that ends it.
    """

    line: re.Pattern[str]
    adds: Callable[[re.Match[str]], int | None]
    empty_codes: frozenset[int] = _EMPTY
    opens: int = 0


def _words(found: re.Match[str]) -> int:
    numbers = [(int(number), words) for number, words in _NUMBERED.findall(found[1])]
    ran = sum(number for number, words in numbers if words in _RUN_WORDS)
    return ran or sum(number for number, words in numbers if words in _SUBTEST_WORDS)


def _number(found: re.Match[str]) -> int:
    return int(found[1])


def _less(found: re.Match[str]) -> int:
    return -int(found[1])


def _single(_: re.Match[str]) -> int:
    return 1


def _none(_: re.Match[str]) -> int:
    return 0


def _unknown(_: re.Match[str]) -> None:
    return None


def _passed_and_failed(found: re.Match[str]) -> int:
    return int(found[1]) + int(found[2])


_FIVE: Final = frozenset({5})
_ONE: Final = frozenset({1})
_N: Final = r"(\d{1,9})"
_PART: Final = r"\d{1,9} [a-z]+(?: [a-z]+)*"

_RULES: Final[dict[str, tuple[_Rule, ...]]] = {
    "pytest": (
        _Rule(
            re.compile(rf"=*+[ ]?+(?!.* collected )({_PART}(?:, {_PART})*) in [\d.]+s(?: \([\d:days, ]+\))?[ ]?=*"),
            _words,
            empty_codes=_FIVE,
        ),
        _Rule(re.compile(r"=*[ ]?no tests ran in [\d.]+s[ ]?=*"), _none, empty_codes=_FIVE),
    ),
    "unittest": (
        _Rule(re.compile(rf"Ran {_N} tests? in [\d.]+s"), _number, empty_codes=_FIVE),
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
        _Rule(re.compile(rf"\s*Tests  ({_PART}(?: \| {_PART})*) \(\d+\)"), _words),
        _Rule(re.compile(r"\s*Tests  no tests"), _none),
        _Rule(re.compile(r"No test files found, exiting with code [01]"), _none, empty_codes=_ONE),
    ),
    "mocha": (
        _Rule(re.compile(rf"\s+{_N} passing \([^)]+\)"), _number),
        _Rule(re.compile(rf"\s+{_N} failing"), _number),
        _Rule(re.compile(r"Error: No test files found(?:: .*)?"), _none, empty_codes=_ONE),
    ),
    "ava": (_Rule(re.compile(rf"\s+{_N} (?:tests?|known failures?) (?:passed|failed)"), _number),),
    "bun": (_Rule(re.compile(rf"Ran {_N} tests? across \d+ files?\..*"), _number),),
    "deno": (
        _Rule(
            re.compile(rf"(?:ok|FAILED) \| {_N} passed(?: \(\d+ steps?\))? \| {_N} failed.*"),
            _passed_and_failed,
        ),
    ),
    "cargo": (
        _Rule(re.compile(r"running \d{1,9} tests?"), _none, opens=1),
        _Rule(re.compile(rf"test result: \w+\. {_N} passed; {_N} failed; .*"), _passed_and_failed, opens=-1),
        _Rule(re.compile(rf"\s*Summary \[\s*[\d.]+s\]\s+{_N}(?:/\d+)? tests? run: .*"), _number),
    ),
    "go": (
        # Only lines at the margin: a subtest is part of its test.
        _Rule(re.compile(r"--- (?:PASS|FAIL): \S+ \([\d.]+s\)"), _single),
        _Rule(re.compile(r"\?\s+\S+\s+\[no test files\]"), _none),
        _Rule(re.compile(r"ok  \t\S+\t\S+ \[no tests to run\]"), _none),
        _Rule(re.compile(r"ok  \t\S+\t(?:[\d.]+s|\(cached\))(?:\tcoverage: .*)?"), _unknown),
        _Rule(re.compile(r'\{(?=.*"Action":"(?:pass|fail)")(?=.*"Test":"[^"/]+").*\}'), _single),
        _Rule(re.compile(r'\{.*"Action":"skip".*\}'), _none),
        _Rule(re.compile(rf"DONE {_N} tests?(?:, \d+ [a-z]+)* in [\d.]+s"), _number),
        _Rule(re.compile(rf"DONE \d+ tests?, {_N} skipped(?:, \d+ [a-z]+)* in [\d.]+s"), _less),
    ),
}
TOOLS: Final = (*_RULES, AUTO)
# Most lines begin in none of these ways, and are not tried against every rule.
_LIKELY: Final = re.compile(
    r"\s*(?:[=\d#\N{INFORMATION SOURCE}?{]|Ran |OK \(|FAILED |[nN][oO] |Tests|Error: No|running |test result:|--- "
    r"|ok [ |]|Summary|DONE )"
)


def read(lines: Iterable[str], tool: str = AUTO) -> Reading:
    """Return how many tests ran, by the words of one tool, or of all tools."""
    rules = _RULES if tool == AUTO else {tool: _RULES[tool]}
    totals: dict[str, int] = {}
    unknown: set[str] = set()
    open_runs: dict[str, int] = {}
    empty_codes: frozenset[int] = _EMPTY
    for line in filter(_LIKELY.match, map(_plain, lines)):
        for name, rule, found in _matches(line, rules):
            added = rule.adds(found)
            if added is None:
                unknown.add(name)
                continue
            open_runs[name] = open_runs.get(name, 0) + rule.opens
            # A begin alone is no sign of the tool: other programs print such a line.
            if rule.opens <= 0:
                totals[name] = totals.get(name, 0) + added
            empty_codes |= rule.empty_codes
    if any(open_runs[name] > 0 for name in totals):
        # A test ended the process of its run.
        return Reading(None, empty_codes)
    counts = [max(0, total) for name, total in totals.items() if total > 0 or name not in unknown]
    return Reading(sum(counts) if counts else None, empty_codes)


def read_pattern(lines: Iterable[str], pattern: str) -> Reading:
    """Return the sum of the numbers that the one group of a pattern finds, at most one a line."""
    wanted = re.compile(pattern)
    numbers = [found[1] for line in lines if (found := wanted.search(_plain(line)))]
    counts = [int(number) for number in numbers if number and _COUNT.fullmatch(number)]
    return Reading(sum(counts) if counts else None)


def _matches(line: str, rules: dict[str, tuple[_Rule, ...]]) -> Iterable[tuple[str, _Rule, re.Match[str]]]:
    for name, group in rules.items():
        for rule in group:
            if found := rule.line.fullmatch(line):
                yield name, rule, found


def _plain(line: str) -> str:
    """Return a line as a terminal shows it: without colour, and without text that a carriage return overwrote."""
    shown = line[:LINE_CHARACTERS].rstrip()
    if "\x1b" in shown:
        shown = _ANSI.sub("", shown).rstrip()
    return shown.rpartition("\r")[2]

"""What a build proves, over every pair of steps, against tables that were written by hand."""

from itertools import product

import pytest

from swarm.rules.build_verdicts import BuildVerdict, Exit, StepFacts, StepStatus, status_of, verdict_of

STEPS = {
    "lint+": StepFacts("lint", StepStatus.PASSED, None),
    "lint-": StepFacts("lint", StepStatus.FAILED, None),
    "lint?": StepFacts("lint", StepStatus.MISSING, None),
    "test5": StepFacts("test", StepStatus.PASSED, 5),
    "test0": StepFacts("test", StepStatus.PASSED, 0),
    "none": StepFacts("test", StepStatus.NO_TESTS, 0),
    "untold": StepFacts("test", StepStatus.PASSED, None),
    "test-": StepFacts("test", StepStatus.FAILED, 5),
    "late": StepFacts("test", StepStatus.TIMED_OUT, None),
    "test?": StepFacts("test", StepStatus.MISSING, None),
}
# P pass, F fail, M tool_missing, N no_tests, U unmeasured_tests.
PAIRS = """
        lint+ lint- lint? test5 test0 none untold test- late test?
lint+   N     F     M     P     N     N    U      F     F    M
lint-   F     F     F     F     F     F    F      F     F    F
lint?   M     F     M     M     M     M    M      F     F    M
test5   P     F     M     P     N     N    U      F     F    M
test0   N     F     M     N     N     N    N      F     F    M
none    N     F     M     N     N     N    N      F     F    M
untold  U     F     M     U     N     N    U      F     F    M
test-   F     F     F     F     F     F    F      F     F    F
late    F     F     F     F     F     F    F      F     F    F
test?   M     F     M     M     M     M    M      F     F    M
"""
VERDICTS = {
    "P": BuildVerdict.PASS,
    "F": BuildVerdict.FAIL,
    "M": BuildVerdict.TOOL_MISSING,
    "N": BuildVerdict.NO_TESTS,
    "U": BuildVerdict.UNMEASURED_TESTS,
}


def cells() -> dict[tuple[str, str], str]:
    head, *rows = (line.split() for line in PAIRS.strip().splitlines())
    return {(first, second): mark for first, *marks in rows for second, mark in zip(head, marks, strict=True)}


def test_the_table_holds_every_pair_of_steps() -> None:
    assert set(cells()) == set(product(STEPS, repeat=2))


@pytest.mark.parametrize(("first", "second", "mark"), [(*pair, mark) for pair, mark in cells().items()])
def test_two_steps_come_to_what_the_table_says(first: str, second: str, mark: str) -> None:
    assert verdict_of([STEPS[first], STEPS[second]]) is VERDICTS[mark]


@pytest.mark.parametrize("name", STEPS)
def test_one_step_comes_to_what_it_comes_to_twice(name: str) -> None:
    assert verdict_of([STEPS[name]]) is VERDICTS[cells()[name, name]]


def test_nothing_that_ran_is_a_skip() -> None:
    assert verdict_of([]) is BuildVerdict.SKIP


@pytest.mark.parametrize("kind", ["lint", "types", "build", "check"])
def test_steps_that_are_no_tests_prove_no_tests(kind: str) -> None:
    assert verdict_of([StepFacts(kind, StepStatus.PASSED, 7)]) is BuildVerdict.NO_TESTS  # type: ignore[arg-type]


EXITS = [
    ("test", Exit(0, 3, frozenset(), says_missing=False), StepStatus.PASSED),
    ("test", Exit(0, None, frozenset(), says_missing=True), StepStatus.PASSED),
    ("test", Exit(1, 3, frozenset({5}), says_missing=False), StepStatus.FAILED),
    ("test", Exit(5, 0, frozenset({5}), says_missing=False), StepStatus.NO_TESTS),
    ("test", Exit(5, None, frozenset({5}), says_missing=False), StepStatus.NO_TESTS),
    ("test", Exit(5, 3, frozenset({5}), says_missing=False), StepStatus.FAILED),
    ("test", Exit(5, 0, frozenset(), says_missing=False), StepStatus.FAILED),
    ("test", Exit(2, 0, frozenset({5}), says_missing=False), StepStatus.FAILED),
    ("lint", Exit(5, None, frozenset({5}), says_missing=False), StepStatus.FAILED),
    ("test", Exit(1, None, frozenset(), says_missing=True), StepStatus.MISSING),
    ("test", Exit(1, 4, frozenset(), says_missing=True), StepStatus.FAILED),
    ("build", Exit(127, None, frozenset(), says_missing=False), StepStatus.MISSING),
    ("test", Exit(-9, None, frozenset({5}), says_missing=False), StepStatus.FAILED),
]


@pytest.mark.parametrize(("kind", "ended", "status"), EXITS)
def test_a_process_is_judged_by_its_exit_code_first(kind: str, ended: Exit, status: StepStatus) -> None:
    assert status_of(kind, ended) is status  # type: ignore[arg-type]

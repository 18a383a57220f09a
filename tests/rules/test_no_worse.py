"""Comparison of a red build with the target's: each step is worse, no worse, or unclear."""

from typing import Final

import pytest

from swarm.rules.build_verdicts import BuildVerdict, StepStatus
from swarm.rules.no_worse import StepState, compared
from swarm.rules.step_failures import Failures

A: Final = Failures(frozenset({"a"}), {}, "1")
AB: Final = Failures(frozenset({"a", "b"}), {}, "2")
ONE: Final = Failures(frozenset(), {"E1": 1}, "3")
TWO: Final = Failures(frozenset(), {"E1": 2}, "4")
OTHER: Final = Failures(frozenset(), {"E2": 1}, "5")
SAID: Final = Failures(lines="6")
ELSE: Final = Failures(lines="7")
SILENT: Final = Failures()
FAILED, PASSED, MISSING, TIMED_OUT = StepStatus.FAILED, StepStatus.PASSED, StepStatus.MISSING, StepStatus.TIMED_OUT


def step(failures: Failures, status: StepStatus = FAILED, tests: int | None = None, name: str = "t") -> StepState:
    return StepState(name, "test", status, tests, failures)


# The step of the merge, that of the target, and the answer.
CASES = {
    "green before": (step(A), step(SILENT, PASSED, 3), "worse"),
    "not there before": (step(A), None, "worse"),
    "the same test": (step(A), step(A), "no_worse"),
    "fewer tests fail": (step(A), step(AB), "no_worse"),
    "another test": (step(AB), step(A), "worse"),
    "the same count": (step(ONE), step(ONE), "no_worse"),
    "a lower count": (step(ONE), step(TWO), "no_worse"),
    "a higher count": (step(TWO), step(ONE), "worse"),
    "another rule": (step(OTHER), step(TWO), "worse"),
    "fewer tests ran": (step(A, tests=2), step(AB, tests=3), "worse"),
    "more tests ran": (step(A, tests=4), step(A, tests=3), "no_worse"),
    "the count is lost": (step(SAID), step(A, tests=3), "worse"),
    "the same words": (step(SAID), step(SAID), "no_worse"),
    "other words": (step(SAID), step(ELSE), "unclear"),
    "no words": (step(SILENT), step(SILENT), "unclear"),
    "names only now": (step(A), step(SAID), "unclear"),
    "names only before": (step(SAID), step(A), "unclear"),
    "out of time": (step(A, TIMED_OUT), step(A), "unclear"),
    "out of time before": (step(A), step(A, TIMED_OUT), "unclear"),
    "a program was missing": (step(A), step(SILENT, MISSING), "unclear"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_red_step_is_worse_no_worse_or_unclear(case: str) -> None:
    now, before, answer = CASES[case]
    found = compared([now], [before] if before else [])
    named = {"worse": found.worse, "no_worse": found.no_worse, "unclear": found.unclear}
    assert named == {"worse": (), "no_worse": (), "unclear": ()} | {answer: ("t",)}
    assert found.verdict is (BuildVerdict.PASS if answer == "no_worse" else BuildVerdict.FAIL)


def test_each_step_is_compared_with_the_step_of_its_name() -> None:
    now = [step(A, name="one"), step(SILENT, PASSED, 2, name="two"), step(A, name="three")]
    before = [step(A, name="three"), step(A, name="two"), step(AB, name="one")]
    assert compared(now, before)[:3] == ((), (), ("one", "three"))


def test_the_steps_that_are_not_red_keep_their_part_of_the_verdict() -> None:
    now = [step(A, name="one"), step(SILENT, PASSED, None, name="two")]
    assert compared(now, [step(A, name="one")]).verdict is BuildVerdict.UNMEASURED_TESTS

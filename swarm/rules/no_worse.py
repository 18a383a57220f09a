"""Comparison of a red build with that of the target: does the wave make a step worse."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from swarm.rules.build_verdicts import BuildVerdict, StepFacts, StepKind, StepStatus, verdict_of
from swarm.rules.step_failures import Failures

_EXCUSED: Final = "skipped or expected to fail now:"
_GONE: Final = "missing:"
_MOST_NAMED: Final = 5
_LONGEST_NAME: Final = 200
_RED: Final = (StepStatus.FAILED, StepStatus.TIMED_OUT)


class StepState(NamedTuple):
    """The end of a step with the failures that the step names. `tests` counts the tests that ran."""

    name: str
    kind: StepKind
    status: StepStatus
    tests: int | None
    failures: Failures

    @property
    def is_red(self) -> bool:
        """Whether the step failed."""
        return self.status in _RED


class StepAnswer(StrEnum):
    """Answer for a red step; `unclear` where the output does not name what fails."""

    WORSE = "worse"
    NO_WORSE = "no_worse"
    UNCLEAR = "unclear"


class BaseComparison(NamedTuple):
    """Names of the red steps by their answer, and the verdict of the build with each step that is no worse passed."""

    worse: tuple[str, ...]
    unclear: tuple[str, ...]
    no_worse: tuple[str, ...]
    verdict: BuildVerdict


class TestNames(NamedTuple):
    """Names of the tests of a build, by what became of them; those that fail stand nowhere."""

    passed: frozenset[str] = frozenset()
    excused: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()


class TestsSeen(NamedTuple):
    """The number of tests that ran in a build, and their names where the runner reports them."""

    number: int | None
    names: TestNames | None = None


def fewer_tests(now: TestsSeen, before: TestsSeen) -> str | None:
    """Return how tests got lost: their number fell, or tests that passed are skipped or expected to fail now.

    `None` where none got lost, or where nobody knows the earlier tests. A test under another name is not lost.
    """
    fell = bool(before.number) and (now.number or 0) < (before.number or 0)
    lost = [f"{before.number:,} → {now.number or 0:,} tests"] if fell else []
    if now.names is not None and before.names is not None:
        excused = before.names.passed & (now.names.excused | now.names.skipped) - now.names.passed
        gone = before.names.passed - now.names.passed - excused if fell else frozenset()
        lost += [f"{words} {_named(tests)}" for words, tests in ((_EXCUSED, excused), (_GONE, gone)) if tests]
    return "; ".join(lost) or None


def _named(tests: frozenset[str]) -> str:
    first = sorted(tests)[:_MOST_NAMED]
    rest = len(tests) - len(first)
    names = ", ".join(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…" for name in first)
    return f"{names} and {rest:,} more" if rest else names


def compared(merged: Sequence[StepState], before: Sequence[StepState]) -> BaseComparison:
    """Compare the steps of a build with those of the target, by the names of the steps."""
    earlier = {step.name: step for step in reversed(before)}
    answers = [_answer(step, earlier.get(step.name)) if step.is_red else None for step in merged]

    def named(wanted: StepAnswer) -> tuple[str, ...]:
        return tuple(step.name for step, answer in zip(merged, answers, strict=True) if answer is wanted)

    verdict = verdict_of(_facts(zip(merged, answers, strict=True)))
    return BaseComparison(named(StepAnswer.WORSE), named(StepAnswer.UNCLEAR), named(StepAnswer.NO_WORSE), verdict)


def is_proved_by_tests(merged: Sequence[StepState], comparison: BaseComparison) -> bool:
    """Say whether the tests of a red build ran and passed, and its red steps are no worse than they were."""
    ran = any(step.tests for step in merged if step.kind == "test")
    return ran and tests_passed((step.kind, step.status) for step in merged) and comparison.verdict is BuildVerdict.PASS


def tests_passed(steps: Iterable[tuple[object, object]]) -> bool:
    """Say whether a build has test steps and all of them passed, by the kind and the status of each of its steps."""
    tests = [status for kind, status in steps if kind == "test"]
    return bool(tests) and all(status == StepStatus.PASSED for status in tests)


def _facts(steps: Iterable[tuple[StepState, StepAnswer | None]]) -> Iterable[StepFacts]:
    for step, answer in steps:
        if answer is StepAnswer.NO_WORSE:
            # The comparison has read the failures, so tests ran also where no count was printed.
            yield StepFacts(step.kind, StepStatus.PASSED, step.tests or 1)
        else:
            yield StepFacts(step.kind, step.status, step.tests)


def _answer(step: StepState, before: StepState | None) -> StepAnswer:
    if before is None or before.status in (StepStatus.PASSED, StepStatus.NO_TESTS):
        return StepAnswer.WORSE
    if StepStatus.TIMED_OUT in (step.status, before.status) or before.status is StepStatus.MISSING:
        return StepAnswer.UNCLEAR
    # A runner that breaks off, or a failing test that is deleted, names no new failure.
    if before.tests is not None and (step.tests is None or step.tests < before.tests):
        return StepAnswer.WORSE
    return _by_name(step.failures, before.failures)


def _by_name(now: Failures, before: Failures) -> StepAnswer:
    if now.are_named != before.are_named:
        return StepAnswer.UNCLEAR
    if not now.are_named:
        return StepAnswer.NO_WORSE if now.lines and now.lines == before.lines else StepAnswer.UNCLEAR
    more = any(count > before.rules.get(rule, 0) for rule, count in now.rules.items())
    return StepAnswer.WORSE if more or not now.tests <= before.tests else StepAnswer.NO_WORSE

"""Verdict of a build, from its steps. Only `pass` is a pass."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal, NamedTuple

StepKind = Literal["lint", "types", "test", "build", "check"]

# Exit code of a shell, and so of every runner of scripts, that does not find the command.
COMMAND_NOT_FOUND: Final = 127


class BuildVerdict(StrEnum):
    """Verdicts in order of gravity; `skip`, the last, means that nothing ran."""

    FAIL = "fail"
    TOOL_MISSING = "tool_missing"
    NO_TESTS = "no_tests"
    UNMEASURED_TESTS = "unmeasured_tests"
    PASS = "pass"  # noqa: S105
    SKIP = "skip"


# The verdicts that `--accept no_tests` takes in place of a pass.
UNTESTED: Final = frozenset({BuildVerdict.NO_TESTS, BuildVerdict.SKIP})


class StepStatus(StrEnum):
    """Ends of a step."""

    PASSED = "passed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    MISSING = "missing"
    NO_TESTS = "no_tests"


class StepFacts(NamedTuple):
    """Facts of a step for the verdict. `tests` counts the tests that ran, `None` where no output gave a count."""

    kind: StepKind
    status: StepStatus
    tests: int | None


class Exit(NamedTuple):
    """End of a process that no deadline stopped, with what its output says about the end.

    `empty_codes` are the exit codes by which the tool reports that there was no test; `says_missing` holds where the
    output names a program that was not found.
    """

    code: int
    tests: int | None
    empty_codes: frozenset[int]
    says_missing: bool


_GRAVITY: Final = {verdict: rank for rank, verdict in enumerate(BuildVerdict)}


def status_of(kind: StepKind, ended: Exit) -> StepStatus:
    """Judge a process that ended in time: by the exit code, and by its output only where the code is not zero."""
    # The exit status first: an agent's code can print anything, also a line that looks like a missing program.
    if ended.code == 0:
        return StepStatus.PASSED
    # Where tests were counted the runner did run, and the missing program is a matter of the tests.
    if ended.code == COMMAND_NOT_FOUND or (ended.says_missing and ended.tests is None):
        return StepStatus.MISSING
    # Some runners share the code for an empty run with other failures, so a count of tests decides.
    if kind == "test" and not ended.tests and ended.code in ended.empty_codes:
        return StepStatus.NO_TESTS
    return StepStatus.FAILED


def verdict_of(steps: Iterable[StepFacts]) -> BuildVerdict:
    """Return the gravest verdict of the steps; a build without a test step has no tests."""
    ran = list(steps)
    if not ran:
        return BuildVerdict.SKIP
    verdicts = [_step_verdict(step) for step in ran]
    # Lint and types alone prove no behaviour, so a build without tests does not pass.
    if all(step.kind != "test" for step in ran):
        verdicts.append(BuildVerdict.NO_TESTS)
    return min(verdicts, key=_GRAVITY.__getitem__)


def _step_verdict(step: StepFacts) -> BuildVerdict:
    match step.status:
        case StepStatus.FAILED | StepStatus.TIMED_OUT:
            return BuildVerdict.FAIL
        case StepStatus.MISSING:
            return BuildVerdict.TOOL_MISSING
        case StepStatus.NO_TESTS:
            return BuildVerdict.NO_TESTS
        case StepStatus.PASSED if step.kind != "test" or step.tests:
            return BuildVerdict.PASS
        case StepStatus.PASSED:
            return BuildVerdict.UNMEASURED_TESTS if step.tests is None else BuildVerdict.NO_TESTS

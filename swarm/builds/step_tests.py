"""The tests of a step: by the report of its runner, else by the summaries that the step prints."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from swarm.builds import tests_ran
from swarm.builds.adapter import BuildStep
from swarm.builds.go_events import GoEvents
from swarm.builds.recorders import Recording
from swarm.builds.run_report import keep_tests, read_report
from swarm.errors import shortened
from swarm.rules.build_verdicts import StepStatus
from swarm.runtimes.output_log import OutputLog


class StepTests(NamedTuple):
    """The number of tests that ran. `are_red` holds where the report names tests that failed.

    `doubt` says why an exit code of 0 is not believed.
    """

    reading: tests_ran.Reading
    are_red: bool = False
    doubt: str | None = None

    def hold(self, status: StepStatus, *, is_foreign: bool) -> StepStatus:
        """Return the status of a step, failed where the step ran code of the checkout or hides a failed test."""
        # Code that is not in the commit says nothing of the commit, and an exit code of 0 nothing of a failed test.
        return StepStatus.FAILED if status is StepStatus.PASSED and (is_foreign or self.are_red) else status


def step_tests(step: BuildStep, recording: Recording | None, logs: Iterable[OutputLog], folder: Path) -> StepTests:
    """Read the tests of a step, and keep the tests of its report in the folder of its logs."""
    if recording is None:
        return StepTests(_printed(step, logs))
    report = recording.report() if isinstance(recording, GoEvents) else read_report(recording)
    # The exit code of a runner of node without any test means more by its words.
    printed = _printed(step, logs) if step.runner is not None and step.runner.is_package else tests_ran.Reading(None)
    if isinstance(report, str):
        if printed.tests == 0:
            return StepTests(printed)
        return StepTests(printed._replace(tests=None), doubt=f"its tests are not counted: {report}")
    keep_tests(folder, report)
    doubt = None
    if report.failed:
        doubt = f"it ended with 0, though tests failed: {shortened(', '.join(report.failed))}"
    elif report.ran is None:
        doubt = f"its tests are not counted: the run was {report.end.value}"
    return StepTests(printed._replace(tests=report.ran), bool(report.failed), doubt)


def _printed(step: BuildStep, logs: Iterable[OutputLog]) -> tests_ran.Reading:
    """Read the tests of a test step from both of its streams."""
    if step.kind != "test":
        return tests_ran.Reading(None)
    streams = (log.lines(tests_ran.LINE_CHARACTERS) for log in logs)
    if step.count_pattern is not None:
        readings = [tests_ran.read_pattern(lines, step.count_pattern) for lines in streams]
    else:
        readings = [tests_ran.read(lines, step.tool) for lines in streams]
    counts = [reading.tests for reading in readings if reading.tests is not None]
    return tests_ran.Reading(
        sum(counts) if counts else None, frozenset().union(*(reading.empty_codes for reading in readings))
    )

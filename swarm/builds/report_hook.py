"""Recorder of a test run: runs pytest or unittest as `python -m` does, and reports every test to a file.

A copy of this file runs in the project's own interpreter, of any version, and imports nothing of ours. The file of the
report begins with a key, which is read and removed before code under test is loaded; the last line is a digest of the
report and the key. Code under test runs in this very process: it can search the process for the key, but a report that
it writes itself, adds to or ends early has no seal.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import unittest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    TextResult = unittest.TextTestResult[Any]
else:
    TextResult = unittest.TextTestResult

# An outcome stands above those behind it: a test whose teardown fails has failed.
_GRAVEST_FIRST = ("failed", "broken", "passed", "excused", "skipped")


class SealedReport:
    """The file of a report. Each line is opened anew: tests close descriptors that they do not know."""

    def __init__(self, place: str) -> None:
        # Bound here: tests put other functions in the place of these.
        self._open, self._write, self._close, self._dumps = os.open, os.write, os.close, json.dumps
        self._place, self._process, self._process_id = place, os.getpid(), os.getpid
        with open(place, "r+b") as file:
            self._key = file.read()
            file.truncate(0)
        self._digest = hashlib.sha256(self._key)

    def add(self, *words: str) -> None:
        """Add a line of words."""
        line = self._dumps(words).encode() + b"\n"
        if self._process_id() == self._process:
            self._digest.update(line)
            self._append(line)

    def seal(self) -> None:
        """Add the last line."""
        if self._process_id() == self._process:
            sealed = self._digest.copy()
            sealed.update(self._key)
            self._append(sealed.hexdigest().encode() + b"\n")

    def _append(self, line: bytes) -> None:
        try:
            handle = self._open(self._place, os.O_WRONLY | os.O_APPEND)
            self._write(handle, line)
            self._close(handle)
        except OSError:
            # The line is missing under the seal, so nobody believes the report.
            pass


class RunRecorder:
    """The tests that began and ended; a test has the gravest outcome of its parts."""

    def __init__(self, report: SealedReport) -> None:
        self._report = report
        self._outcomes: dict[str, str] = {}

    def begin(self, test: str) -> None:
        """Record the begin of a test."""
        self._report.add("began", test)

    def note(self, test: str, outcome: str) -> None:
        """Note the outcome of a part of a test."""
        self._outcomes[test] = min(outcome, self._outcomes.get(test, outcome), key=_GRAVEST_FIRST.index)

    def end(self, test: str) -> None:
        """Record the end of a test, "unknown" where no part of it has an outcome."""
        self._report.add("ended", test, self._outcomes.pop(test, "unknown"))

    def finish(self, end: str) -> None:
        """Record outcomes beside the tests, such as a module that cannot be imported, and the end of the run."""
        for name in list(self._outcomes):
            self.end(name)
        self._report.add("finished", end)
        self._report.seal()


class PytestRecorder:
    """A plugin of pytest, also in the process that pytest-xdist distributes tests from."""

    def __init__(self, recorder: RunRecorder) -> None:
        self._recorder = recorder
        self._left: set[str] = set()
        self._end = "whole"

    def pytest_collectreport(self, report: Any) -> None:
        """Note a module that cannot be collected, or that skips itself."""
        if not report.passed:
            self._recorder.note(report.nodeid, "broken" if report.failed else "skipped")

    def pytest_collection_finish(self, session: Any) -> None:
        """Remember the tests that are to run."""
        self._left = {item.nodeid for item in getattr(session, "items", ())}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Record the begin of a test."""
        self._recorder.begin(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note the end of a setup, a test, a subtest or a teardown."""
        if report.outcome == "failed":
            self._recorder.note(report.nodeid, "broken" if report.when == "setup" else "failed")
        elif report.outcome == "skipped":
            self._recorder.note(report.nodeid, "excused" if hasattr(report, "wasxfail") else "skipped")
        elif report.outcome == "passed" and report.when == "call":
            self._recorder.note(report.nodeid, "passed")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Record the end of a test."""
        self._left.discard(nodeid)
        self._recorder.end(nodeid)

    def pytest_keyboard_interrupt(self) -> None:
        """Remember that the run was broken off: `pytest.exit` names the exit status, which can be 0."""
        self._end = "interrupted"

    def pytest_sessionfinish(self) -> None:
        """End the report before other plugins, of which some end the process."""
        self._recorder.finish("incomplete" if self._left and self._end == "whole" else self._end)


class RecordedResult(TextResult):
    """A result of unittest that records each test."""

    recorder: RunRecorder

    def startTest(self, test: Any) -> None:
        """Record the begin of a test."""
        self.recorder.begin(test.id())
        super().startTest(test)

    def stopTest(self, test: Any) -> None:
        """Record the end of a test."""
        super().stopTest(test)
        self.recorder.end(test.id())

    def addSuccess(self, test: Any) -> None:
        """Note a test that passed."""
        self.recorder.note(test.id(), "passed")
        super().addSuccess(test)

    def addError(self, test: Any, err: Any) -> None:
        """Note an error; the setup of a class or a module fails under a name of its own."""
        self.recorder.note(test.id(), "failed" if isinstance(test, unittest.TestCase) else "broken")
        super().addError(test, err)

    def addFailure(self, test: Any, err: Any) -> None:
        """Note a failure."""
        self.recorder.note(test.id(), "failed")
        super().addFailure(test, err)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        """Note a subtest that failed."""
        if err is not None:
            self.recorder.note(test.id(), "failed")
        super().addSubTest(test, subtest, err)

    def addSkip(self, test: Any, reason: str) -> None:
        """Note a skipped test."""
        self.recorder.note(test.id(), "skipped")
        super().addSkip(test, reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:
        """Note a test that failed as expected."""
        self.recorder.note(test.id(), "excused")
        super().addExpectedFailure(test, err)

    def addUnexpectedSuccess(self, test: Any) -> None:
        """Note a test that passed against its mark."""
        self.recorder.note(test.id(), "failed")
        super().addUnexpectedSuccess(test)


class RecordedRunner(unittest.TextTestRunner):
    """The runner of `python -m unittest`, with recorded results."""

    resultclass = RecordedResult

    def run(self, test: Any) -> Any:
        """Run tests, and end the report: what follows can end the process."""
        result = super().run(test)
        RecordedResult.recorder.finish("interrupted" if result.shouldStop else "whole")
        return result


def run_unittest(recorder: RunRecorder, arguments: list[str]) -> None:
    """Run unittest as `python -m unittest` does; this ends the process."""
    RecordedResult.recorder = recorder
    sys.argv = [os.path.basename(sys.executable) + " -m unittest", *arguments]
    unittest.main(module=None, testRunner=RecordedRunner)


def run_pytest(recorder: RunRecorder, arguments: list[str]) -> None:
    """Run pytest as `python -m pytest` does; this ends the process."""
    try:
        import pytest
    except ModuleNotFoundError as error:
        if error.name != "pytest":
            raise
        sys.exit(f"{sys.executable}: No module named pytest")
    pytest.hookimpl(tryfirst=True)(PytestRecorder.pytest_sessionfinish)
    sys.argv = [os.path.join(os.path.dirname(pytest.__file__), "__main__.py"), *arguments]
    sys.exit(pytest.main(arguments, plugins=[PytestRecorder(recorder)]))


def run(place: str, runner: str, arguments: list[str]) -> None:
    """Run a runner with its arguments; as `python -m` does, import from the current folder first, a script does not."""
    recorder = RunRecorder(SealedReport(place))
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(sys.executable) if runner == "script" else os.getcwd()
    if runner == "unittest":
        run_unittest(recorder, arguments)
    else:
        run_pytest(recorder, arguments)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], sys.argv[3:])

"""Events of `go test -json`: go writes them itself, apart from what its tests print."""

import json
from collections.abc import Callable
from typing import Any, Final

from swarm.builds.run_report import RunEnd, RunReport

# A line beyond this length is no event.
_LONGEST: Final = 1024 * 1024
_OUTCOMES: Final = {"pass": "passed", "fail": "failed", "skip": "skipped"}
_EMPTY: Final = ("no test files", "no tests to run")


class GoEvents:
    """The tests of the packages, read while go writes; `out` receives the text that `go test -v` prints."""

    def __init__(self, out: Callable[[bytes], None]) -> None:
        self._out = out
        self._rest = b""
        self._begun: dict[str, set[str]] = {}
        self._is_empty: set[str] = set()
        self._passed: set[str] = set()
        self._outcomes: list[tuple[str, str]] = []

    def add(self, data: bytes) -> None:
        """Take output of go."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._read(line + b"\n")
        if len(self._rest) > _LONGEST:
            self._out(self._rest)
            self._rest = b""

    def finish(self) -> None:
        """Take the end of the output."""
        self._read(self._rest)
        self._rest = b""

    def report(self) -> RunReport:
        """Return the tests of a run that has ended."""
        # Of a package that passes and began no test, TestMain ended the process without a run of the tests.
        unmeasured = self._passed - self._begun.keys() - self._is_empty
        return RunReport(tuple(self._outcomes), RunEnd.INCOMPLETE if unmeasured else RunEnd.WHOLE)

    def _read(self, line: bytes) -> None:
        event = _event(line)
        if event is None:
            self._out(line)
            return
        output, package, test = (str(event.get(key, "")) for key in ("Output", "Package", "Test"))
        self._out(output.encode("utf-8", "replace"))
        if any(words in output for words in _EMPTY):
            self._is_empty.add(package)
        if event["Action"] == "pass":
            # Also where go takes the end of a package for the end of a test that a program has printed.
            self._passed.add(package)
        # A subtest is a part of its test.
        if test and "/" not in test:
            self._read_test(package, test, event["Action"])

    def _read_test(self, package: str, test: str, action: str) -> None:
        begun = self._begun.setdefault(package, set()) if action == "run" else self._begun.get(package, set())
        if action == "run":
            begun.add(test)
        elif action in _OUTCOMES and test in begun:
            # A line that a program prints before it runs its tests can look like the end of a test.
            self._outcomes.append((f"{package}.{test}", _OUTCOMES[action]))


def _event(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b"{"):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("Action"), str) else None

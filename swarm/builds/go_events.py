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
        self._outcomes: list[tuple[str, str]] = []
        self._end = RunEnd.WHOLE

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
        return RunReport(tuple(self._outcomes), self._end)

    def _read(self, line: bytes) -> None:
        event = _event(line)
        if event is None:
            self._out(line)
            return
        output, package, test = (str(event.get(key, "")) for key in ("Output", "Package", "Test"))
        self._out(output.encode("utf-8", "replace"))
        if any(words in output for words in _EMPTY):
            self._is_empty.add(package)
        # A subtest is a part of its test.
        if "/" in test:
            return
        match event["Action"]:
            case "run" if test:
                self._begun.setdefault(package, set()).add(test)
            case "pass" | "fail" | "skip" as action if test:
                # A line that a program prints before it runs its tests can look like the end of a test.
                if test in self._begun.get(package, ()):
                    self._outcomes.append((f"{package}.{test}", _OUTCOMES[action]))
            case "pass" if package not in self._begun and package not in self._is_empty:
                # TestMain ended the process without a run of the tests.
                self._end = RunEnd.INCOMPLETE


def _event(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b"{"):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("Action"), str) else None

"""Reports of test runs, written outside of the tree: a test can print any summary, and end its process."""

import hashlib
import json
import os
import stat
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from swarm.errors import shortened
from swarm.rules.no_worse import TestNames

MOST_BYTES: Final = 64 * 1024 * 1024
_RAN: Final = {"passed", "failed", "excused"}
_RED: Final = {"failed", "broken"}
_KEPT: Final = ("passed", "excused", "skipped")
_KEPT_FILE: Final = "tests.json"


class RunEnd(StrEnum):
    """Ends of a run: only of a whole run the number of tests is known."""

    WHOLE = "whole"
    INTERRUPTED = "interrupted"
    INCOMPLETE = "incomplete"


class RunReport(NamedTuple):
    """Tests of a run by their outcomes, and the end of the run."""

    outcomes: tuple[tuple[str, str], ...]
    end: RunEnd

    @property
    def failed(self) -> tuple[str, ...]:
        """The tests that failed, or could not begin."""
        return tuple(test for test, outcome in self.outcomes if outcome in _RED)

    @property
    def ran(self) -> int | None:
        """The number of tests that ran, `None` where a run without a failure left tests out."""
        if self.end is not RunEnd.WHOLE and not self.failed:
            return None
        return sum(outcome in _RAN for _, outcome in self.outcomes)


class ReportPlace(NamedTuple):
    """The file of a report, the hook that writes it, and the key of its seal.

    The file begins with the key, which the hook takes out before it loads code of the tree.
    """

    file: Path
    hook: Path
    key: bytes


def read_report(place: ReportPlace) -> RunReport | str:
    """Return the report of a run, or why there is none: a run without a seal is not at its end, whatever it printed."""
    content = _content(place.file)
    body, _, seal = content.removesuffix(b"\n").rpartition(b"\n")
    body += b"\n"
    if seal.decode("ascii", "replace") == hashlib.sha256(place.key + body + place.key).hexdigest():
        lines = [json.loads(line) for line in body.splitlines()]
        outcomes = tuple((line[1], line[2]) for line in lines if line[0] == "ended")
        return RunReport(outcomes, RunEnd(lines[-1][1]))
    return _early_end(content, place.key)


def keep_tests(folder: Path, report: RunReport) -> None:
    """Keep the tests of a run in the folder of its logs, where a later comparison reads their names."""
    names = {kind: sorted(test for test, outcome in report.outcomes if outcome == kind) for kind in _KEPT}
    (folder / _KEPT_FILE).write_text(json.dumps(names), "utf-8")


def kept_tests(folder: Path) -> TestNames | None:
    """Return the tests that a folder of logs names, `None` where it has no whole file of them."""
    try:
        names = json.loads(_content(folder / _KEPT_FILE))
        return TestNames(*(frozenset(map(str, names[kind])) for kind in _KEPT))
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def _early_end(content: bytes, key: bytes) -> str:
    """Say where a run without a seal ended, as far as its report says: code under test may have written any of it."""
    if content == key:
        return "no test runner wrote the report"
    open_tests: dict[str, None] = {}
    for line in content.splitlines():
        match _words(line):
            case ["began", str(test)]:
                open_tests[test] = None
            case ["ended", str(test), _]:
                open_tests.pop(test, None)
    place = f"in {shortened(next(reversed(open_tests)))}" if open_tests else "outside of a test"
    return f"the run ended early, {place}"


def _words(line: bytes) -> object:
    with suppress(ValueError, RecursionError):
        return json.loads(line)
    return None


def _content(file: Path) -> bytes:
    """Return the content of a regular file within a bound: the code under test may have put anything there."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            found = os.fstat(stream.fileno())
            return stream.read(MOST_BYTES) if stat.S_ISREG(found.st_mode) else b""
    except OSError:
        return b""

"""Events of go's tests, as go 1.27 writes them: what a test prints, and a TestMain that ends the process, is no test."""

import json
import os
import pwd
import shutil
from pathlib import Path

import pytest

from swarm.builds.go_events import GoEvents
from swarm.builds.run_report import kept_tests
from swarm.rules.build_verdicts import BuildVerdict
from tests.builds.conftest import Prove

DEMO = "example.com/demo"
Event = tuple[str, str | None, str | None]


def read(*events: Event, package: str = DEMO) -> tuple[tuple[tuple[str, str], ...], str, str]:
    """Read events in pieces of seven bytes; return the tests, the end of the run, and the text."""
    text: list[bytes] = []
    reader = GoEvents(text.append)
    lines = []
    for action, test, output in events:
        facts = {"Action": action, "Package": package, "Test": test, "Output": output}
        lines.append(json.dumps({key: value for key, value in facts.items() if value is not None}) + "\n")
    written = "".join(lines).encode()
    for at in range(0, len(written), 7):
        reader.add(written[at : at + 7])
    reader.finish()
    report = reader.report()
    return report.outcomes, report.end.value, b"".join(text).decode()


RUN: tuple[Event, ...] = (
    ("start", None, None),
    ("run", "TestA", None),
    ("output", "TestA", "=== RUN   TestA\n"),
    ("output", "TestA", "--- PASS: TestFake (0.00s)\n"),
    ("run", "TestA/sub", None),
    ("pass", "TestA/sub", None),
    ("pass", "TestA", None),
    ("run", "TestB", None),
    ("skip", "TestB", None),
    ("output", None, "ok  \texample.com/demo\t0.006s\n"),
    ("pass", None, None),
)


def test_a_test_counts_by_its_events_and_the_text_of_go_is_kept() -> None:
    outcomes, end, text = read(*RUN)
    assert (outcomes, end) == ((("example.com/demo.TestA", "passed"), ("example.com/demo.TestB", "skipped")), "whole")
    assert text == "".join(output or "" for _, _, output in RUN)


def test_a_package_that_passes_without_a_run_of_its_tests_leaves_the_run_incomplete() -> None:
    fake: tuple[Event, ...] = (("output", "TestFake", "--- PASS: TestFake (0.00s)\n"), ("pass", "TestFake", None))
    assert read(*fake)[:2] == read(("pass", None, None))[:2] == ((), "incomplete")


@pytest.mark.parametrize("words", ["?   \texample.com/demo\t[no test files]\n", "testing: warning: no tests to run\n"])
def test_a_package_without_tests_is_no_lie(words: str) -> None:
    assert read(("output", None, words), ("pass", None, None))[:2] == ((), "whole")


def test_what_is_no_event_is_text() -> None:
    text: list[bytes] = []
    reader = GoEvents(text.append)
    lines = [b"plain\n", b"{\n", b'{"Action": 7}\n', b"[" * 9, b"{" * 100_000, b"\n", b"\xff\n", b"rest"]
    for line in lines:
        reader.add(line)
    reader.finish()
    assert b"".join(text) == b"".join(lines)
    assert reader.report().outcomes == ()


needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
MODULE = {"go.mod": "module example.com/demo\n\ngo 1.21\n"}
HONEST = 'package demo\n\nimport (\n\t"fmt"\n\t"testing"\n)\n\nfunc TestA(t *testing.T) {\n\tfmt.Println("--- PASS: TestFake (0.00s)")\n}\n'
LIES = 'package lies\n\nimport (\n\t"fmt"\n\t"os"\n\t"testing"\n)\n\nfunc TestMain(_ *testing.M) {\n\tfmt.Println("--- PASS: TestB (0.00s)")\n\tos.Exit(0)\n}\n\nfunc TestB(t *testing.T) { t.Fatal() }\n'


@pytest.fixture
def go_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's own cache of go, although the home is a test's: the first build of a cache takes minutes."""
    if "GOCACHE" not in os.environ:
        home = Path(pwd.getpwuid(os.getuid()).pw_dir)
        monkeypatch.setenv("GOCACHE", str(home / ".cache/go-build"))


@needs_go
@pytest.mark.usefixtures("go_cache")
def test_go_itself_tells_a_test_from_a_printed_line(prove: Prove) -> None:
    result = prove({**MODULE, "a_test.go": HONEST})
    assert (result.verdict, result.test_count) == (BuildVerdict.PASS, 1)
    names = kept_tests(result.steps[1].log_path)
    assert names is not None
    assert names.passed == {"example.com/demo.TestA"}
    result = prove({"lies/b_test.go": LIES})
    assert (result.verdict, result.test_count) == (BuildVerdict.UNMEASURED_TESTS, None)
    assert result.steps[1].hint == "its tests are not counted: the run was incomplete"

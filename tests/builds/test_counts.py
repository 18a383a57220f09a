"""Counts of tests, read from the output of real tools (go's from its documentation and its source)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.builds.tests_ran import TOOLS, Reading, read, read_pattern

FIVE = frozenset({5})
ONE = frozenset({1})

CARGO = """\
running 2 tests
test tests::ig ... ignored
test tests::works ... ok

test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s


running 1 test
test src/lib.rs - add (line 1) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.09s
"""
CARGO_FAILED = """\
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.07s
"""
CARGO_NONE = """\
running 0 tests

test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
TAP = """\
# Subtest: s
    # Subtest: tests 9
    ok 1 - tests 9
    1..1
ok 5 - s
1..5
# tests 5
# suites 1
# pass 2
# fail 1
# cancelled 0
# skipped 1
# todo 1
# duration_ms 127.077455
"""
SPEC = """\
✔ s (0.385515ms)
\N{INFORMATION SOURCE} tests 5
\N{INFORMATION SOURCE} suites 1
\N{INFORMATION SOURCE} pass 2
\N{INFORMATION SOURCE} fail 1
\N{INFORMATION SOURCE} cancelled 0
\N{INFORMATION SOURCE} skipped 1
\N{INFORMATION SOURCE} todo 1
"""
JEST = """\
Test Suites: 1 failed, 1 total
Tests:       1 failed, 1 skipped, 1 todo, 1 passed, 4 total
Snapshots:   0 total
Time:        0.338 s
"""
JEST_BROKEN = """\
Test Suites: 1 failed, 1 total
Tests:       0 total
"""
VITEST = """\
 Test Files  1 failed (1)
      Tests  1 failed | 1 passed | 1 skipped | 1 todo (4)
   Start at  23:33:13
"""
VITEST_COLOUR = (
    "\x1b[2m Test Files \x1b[22m \x1b[1m\x1b[32m1 passed\x1b[39m\x1b[22m\x1b[90m (1)\x1b[39m\n"
    "\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[32m1 passed\x1b[39m\x1b[22m\x1b[2m | \x1b[22m"
    "\x1b[33m3 skipped\x1b[39m\x1b[90m (4)\x1b[39m\n"
)
MOCHA = """\
  x
    ✔ a
    1) b
    - c


  1 passing (3ms)
  1 pending
  1 failing
"""
PYTEST_COLOUR = (
    "\x1b[31m==== \x1b[31m\x1b[1m1 failed\x1b[0m, \x1b[32m3 passed\x1b[0m, \x1b[33m1 skipped\x1b[0m, "
    "\x1b[33m1 xfailed\x1b[0m, \x1b[33m1 xpassed\x1b[0m, \x1b[31m\x1b[1m1 error\x1b[0m\x1b[31m in 0.55s\x1b[0m"
    "\x1b[31m =====\x1b[0m\n"
)
UNITTEST = "----\nRan 3 tests in 0.000s\n\nFAILED (failures=1, skipped=1)\n"
GO_VERBOSE = """\
=== RUN   TestAdd
=== RUN   TestAdd/small
--- PASS: TestAdd (0.00s)
    --- PASS: TestAdd/small (0.00s)
=== RUN   TestLater
    add_test.go:12: later
--- SKIP: TestLater (0.00s)
=== RUN   TestSub
--- FAIL: TestSub (0.01s)
FAIL
FAIL\texample.com/demo\t0.003s
?   \texample.com/demo/cmd\t[no test files]
ok  \texample.com/demo/more\t(cached)
FAIL
"""
GO_JSON = """\
{"Time":"2024-01-01T00:00:00Z","Action":"start","Package":"example.com/demo"}
{"Time":"2024-01-01T00:00:00Z","Action":"run","Package":"example.com/demo","Test":"TestAdd"}
{"Time":"2024-01-01T00:00:00Z","Action":"output","Package":"example.com/demo","Test":"TestAdd","Output":"=== RUN   TestAdd\\n"}
{"Time":"2024-01-01T00:00:00Z","Action":"pass","Package":"example.com/demo","Test":"TestAdd/small","Elapsed":0}
{"Time":"2024-01-01T00:00:00Z","Action":"pass","Package":"example.com/demo","Test":"TestAdd","Elapsed":0}
{"Time":"2024-01-01T00:00:00Z","Action":"pass","Package":"example.com/demo","Elapsed":0.003}
"""
READINGS = [
    ("pytest", "5 passed, 1 skipped in 0.1s\n", Reading(5, FIVE)),
    ("pytest", "==== 1 failed, 3 passed, 1 skipped, 1 xfailed, 1 xpassed, 1 error in 0.61s =====\n", Reading(6, FIVE)),
    ("pytest", PYTEST_COLOUR, Reading(6, FIVE)),
    ("pytest", "1 passed, 2 warnings in 61.02s (0:01:01)\n", Reading(1, FIVE)),
    ("pytest", "============================ 8 deselected in 0.56s =============================\n", Reading(0, FIVE)),
    ("pytest", "============================ no tests ran in 0.01s =============================\n", Reading(0, FIVE)),
    ("pytest", "============================== 1 skipped in 0.59s ==============================\n", Reading(0, FIVE)),
    ("pytest", "=============================== 1 error in 0.69s ===============================\n", Reading(0, FIVE)),
    ("pytest", "test_a.py::test_a\n\n8 tests collected in 0.52s\n", Reading(None)),
    ("pytest", "9 passed in 0.1s\nno tests ran in 0.01s\n", Reading(9, FIVE)),
    ("pytest", "3 passed in 0.01s\n1 skipped in 0.01s\n=== 2 passed in 1s ===\n", Reading(5, FIVE)),
    ("pytest", "1 passed, 3 subtests passed in 0.07s\n", Reading(1, FIVE)),
    (
        "pytest",
        "== 1 failed, 2 passed, 2 subtests failed, 7 subtests passed, 1 warning in 0.07s ==\n",
        Reading(3, FIVE),
    ),
    ("pytest", "4 subtests passed in 0.07s\n", Reading(4, FIVE)),
    ("pytest", "1 skipped, 2 rerun in 0.07s\n", Reading(0, FIVE)),
    ("pytest", ".FsxXE..                      [100%]\n", Reading(None)),
    ("unittest", UNITTEST, Reading(2, FIVE)),
    ("unittest", "Ran 12 tests in 1.203s\n\nOK\n", Reading(12, FIVE)),
    ("unittest", "Ran 1 test in 0.000s\n\nOK (skipped=1)\n", Reading(0, FIVE)),
    ("unittest", "Ran 0 tests in 0.000s\n\nNO TESTS RAN\n", Reading(0, FIVE)),
    (
        "unittest",
        "Ran 3 tests in 0.1s\n\nOK\nRan 1 test in 0.1s\n\nOK (skipped=1, expected failures=1)\n",
        Reading(3, FIVE),
    ),
    ("node", TAP, Reading(4)),
    ("node", "# tests 2\n# skipped 0\n# tests 3\n# skipped 3\n", Reading(2)),
    ("node", SPEC, Reading(4)),
    ("node", "TAP version 13\n1..0\n# tests 0\n# suites 0\n# pass 0\n# skipped 0\n", Reading(0)),
    ("jest", JEST, Reading(2)),
    ("jest", JEST_BROKEN, Reading(0)),
    ("jest", "No tests found, exiting with code 1\n", Reading(0, ONE)),
    ("vitest", VITEST, Reading(2)),
    ("vitest", VITEST_COLOUR, Reading(1)),
    ("vitest", "      Tests  2 passed | 1 expected fail | 1 todo (4)\n", Reading(3)),
    ("vitest", "      Tests  no tests\n", Reading(0)),
    ("ava", "\n  2 tests passed\n  1 test failed\n  1 test skipped\n", Reading(3)),
    ("bun", " 3 pass\n 1 fail\nRan 4 tests across 2 files. [12.00ms]\n", Reading(4)),
    ("deno", "ok | 3 passed (2 steps) | 0 failed | 1 ignored (5ms)\n", Reading(3)),
    ("deno", "FAILED | 1 passed | 1 failed (5ms)\n", Reading(2)),
    ("cargo", "     Summary [   0.015s] 3 tests run: 2 passed (1 slow), 1 failed, 1 skipped\n", Reading(3)),
    ("go", "DONE 5 tests, 2 skipped, 1 failure in 0.301s\n", Reading(3)),
    ("go", "DONE 1 test in 0.001s\n", Reading(1)),
    ("vitest", "No test files found, exiting with code 1\n", Reading(0, ONE)),
    ("mocha", MOCHA, Reading(2)),
    ("mocha", "\n\n  0 passing (0ms)\n\n", Reading(0)),
    ("mocha", "Error: No test files found\n", Reading(0, ONE)),
    ("cargo", CARGO, Reading(2)),
    ("cargo", CARGO_FAILED, Reading(2)),
    # A test of the second crate ended its process.
    ("cargo", f"{CARGO}\nrunning 3 tests\n", Reading(None)),
    ("cargo", CARGO_NONE, Reading(0)),
    ("go", GO_VERBOSE, Reading(2)),
    ("go", GO_JSON, Reading(1)),
    ("go", "?   \texample.com/demo\t[no test files]\n", Reading(0)),
    ("go", "testing: warning: no tests to run\nPASS\nok  \texample.com/demo\t0.001s [no tests to run]\n", Reading(0)),
    ("go", "?   \texample.com/cmd\t[no test files]\nok  \texample.com/demo\t0.003s\n", Reading(None)),
]


@pytest.mark.parametrize(("tool", "text", "reading"), READINGS)
def test_what_a_tool_prints_is_read(tool: str, text: str, reading: Reading) -> None:
    assert read(text.splitlines(keepends=True), tool) == reading


@pytest.mark.parametrize(("tool", "text", "reading"), READINGS)
def test_no_tools_words_are_taken_for_anothers(tool: str, text: str, reading: Reading) -> None:
    assert read(text.splitlines(keepends=True)) == reading


def test_every_tool_has_a_recording() -> None:
    assert {tool for tool, _, _ in READINGS} | {"auto"} == set(TOOLS)


def test_the_suites_of_several_tools_are_added_up() -> None:
    assert read([*CARGO.splitlines(), *JEST.splitlines()]).tests == 4


def test_a_line_that_other_programs_print_too_begins_no_run_of_cargo() -> None:
    assert read(["running 3 tests", *JEST.splitlines()]) == Reading(2)


def test_words_in_the_middle_of_a_line_are_no_summary() -> None:
    lines = ["I saw 5 passed in 0.1s", "x # tests 5", "log: Ran 5 tests in 0.1s", "ok 1 - 5 passing (3ms)"]
    assert read(lines) == Reading(None)


def test_what_a_carriage_return_overwrote_does_not_count() -> None:
    assert read(["running 3\r5 passed in 0.1s\r\n"]).tests == 5


@pytest.mark.parametrize(
    ("pattern", "text", "tests"),
    [
        (r"^(\d+) import", "1 import checked\n", 1),
        (r"Tests=(\d+)", "Files=1, Tests=5,\nFiles=2, Tests=6,\n", 11),
        (r"Tests=(\d+)", "All fine\n", None),
        (r"(?:x(\d)|y)", "y\n", None),
        (r"(\w+) tests", "many tests\n", None),
        (r"(\w+) tests", "9" * 30 + " tests\n", None),
    ],
)
def test_a_configured_pattern_finds_the_number(pattern: str, text: str, tests: int | None) -> None:
    assert read_pattern(text.splitlines(), pattern) == Reading(tests)


RUNNERS = st.sampled_from(
    [
        "Ran 3 tests in 1s",
        "OK",
        "3 passed, 1 failed in 2s",
        "# tests 4",
        "ok  \tpkg\t0.1s",
        "--- PASS: x",
        "test result: ok. 5 passed; 0 failed;",
        "Tests: 2 passed, 2 total",
        "[no test files]",
    ]
)


@given(st.lists(RUNNERS | st.text(max_size=40) | st.integers(0, 10**30).map("{} passed".format), max_size=8))
def test_whatever_a_runner_prints_is_read_without_an_error(lines: list[str]) -> None:
    found = read(lines)
    assert found.tests is None or found.tests >= 0

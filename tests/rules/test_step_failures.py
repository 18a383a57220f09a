"""Failures that steps name: tests and rules, free of what differs from build to build."""

import pytest

from swarm.rules.step_failures import Failures, failures_in

TESTS = {
    "pytest": ("FAILED tests/test_a.py::test_x[a b] - AssertionError: no", "tests/test_a.py::test_x[a b]"),
    "pytest's collection": ("ERROR tests/test_a.py - ImportError", "tests/test_a.py"),
    "pytest's subtests": ("SUBFAILED[i=1] tests/test_a.py::test_x - no", "[i=1] tests/test_a.py::test_x"),
    "unittest": ("FAIL: test_x (tests.test_a.T.test_x)", "test_x (tests.test_a.T.test_x)"),
    "unittest's subtests": ("ERROR: test_x (a.T.test_x) (i=1)", "test_x (a.T.test_x) (i=1)"),
    "go": ("    --- FAIL: TestX/deep (0.01s)", "TestX/deep"),
    "cargo": ("test a::b ... FAILED", "a::b"),
    "nextest": ("        FAIL [   0.012s] crate a::b", "crate a::b"),
    "node": ("not ok 3 - adds", "adds"),
    "node's spec reporter": ("  ✖ adds (0.53ms)", "adds"),
    "jest": ("  ● sums \u203a adds", "sums \u203a adds"),
    "vitest": (" FAIL  a.test.ts > sums > adds", "a.test.ts > sums > adds"),
    "mocha": ("    2) adds:", "adds:"),
    "bun": ("(fail) sums > adds [0.12ms]", "sums > adds"),
}
RULES = {
    "ruff": ("src/a.py:1:8: F401 [*] `os` imported but unused", "F401"),
    "ruff in full": ("F401 [*] `os` imported but unused", "F401"),
    "mypy": ('src/a.py:3: error: Name "x" is not defined  [name-defined]', "name-defined"),
    "mypy with pretty = true": ("[name-defined]", "name-defined"),
    "tsc": ("src/a.ts(1,7): error TS2322: Type 'string'", "TS2322"),
    "eslint": ("  1:7  error  'x' is unused  no-unused-vars", "no-unused-vars"),
    "pyright": ("  /w/a.py:1:8 - error: no import (reportMissingImports)", "reportMissingImports"),
    "rustc": ("error[E0425]: cannot find value `x`", "error[E0425]"),
    "go vet": ("./a.go:3:2: undefined: x", "undefined: x"),
}


@pytest.mark.parametrize("tool", TESTS)
def test_a_failing_test_is_known_by_its_name(tool: str) -> None:
    line, name = TESTS[tool]
    assert failures_in([line + "\n"])[:2] == (frozenset({name}), {})


@pytest.mark.parametrize("tool", RULES)
def test_messages_of_an_analyzer_are_counted_by_rule(tool: str) -> None:
    line, rule = RULES[tool]
    assert failures_in([line, line])[:2] == (frozenset(), {rule: 2})


@pytest.mark.parametrize(
    "line",
    ["ok 1 - adds", "not ok 2 - later # TODO", "test a ... ok", "1 failed, 2 passed", "  ● Console", "--- PASS: X"],
)
def test_what_does_not_fail_has_no_name(line: str) -> None:
    assert not failures_in([line]).are_named


def test_durations_addresses_and_the_place_of_the_tree_make_no_difference() -> None:
    one = failures_in(["boom in /tmp/proof-1/src/a.py after 0.31s", "<object at 0x7f01>"])
    other = failures_in(["<object at 0x7f99>", "", "boom in /tmp/proof-22/src/a.py after 12 ms"])
    assert one.lines == other.lines != failures_in(["boom in /tmp/proof-1/src/b.py after 0.31s"]).lines


def test_a_silent_step_has_no_digest_and_too_many_names_are_none() -> None:
    assert failures_in(["", "  "]) == Failures()
    assert failures_in(f"FAILED a.py::test_{number}" for number in range(10_100)) == Failures()

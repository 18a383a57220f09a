"""jest, vitest and mocha from their registry, in several versions: what swarm counts, and lies that it finds out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from swarm.builds.run_report import kept_tests
from swarm.rules.no_worse import TestNames as Names
from tests.agents.programs import FOLDER, Program, Ready, installed
from tests.builds.conftest import Prove, logs, prove, tree

__all__ = ["logs", "prove", "tree"]
pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]

BODY = """test('one', () => {});
describe('s', () => { test('two', () => {}); test.skip('three', () => {}); });
"""
VITEST = "import { test, describe } from 'vitest';\n"
PRINTS = "console.log('Tests: 90 passed, 90 total\\n      Tests  90 passed (90)\\n  90 passing (1ms)');\n"
ENDS = f"{PRINTS}process.exit(0);\n"
FORGIVES = "process.on('exit', () => { process.exitCode = 0; process.reallyExit(0); });\n"


class Kind(NamedTuple):
    """A runner: its file of tests, its configuration, and a begin of both."""

    script: str
    file: str
    config: str
    begin: str
    exports: str


KINDS = {
    "jest": Kind("jest", "a.test.js", "jest.config.js", "", "module.exports = {};\n"),
    "vitest": Kind("vitest run", "a.test.js", "vitest.config.mjs", VITEST, "export default {};\n"),
    "mocha": Kind("mocha", "test/a.js", ".mocharc.js", "const test = it;\n", "module.exports = {};\n"),
}
VERSIONS = (
    "jest@27.5.1",
    "jest@30.5.2",
    "vitest@1.6.1",
    "vitest@3.2.7",
    "vitest@4.1.12",
    "mocha@8.4.0",
    "mocha@12.0.3",
)


@pytest.fixture(params=VERSIONS)
def package(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if why := installed(Program(name, name, Ready)):
        pytest.skip(why)
    return name


@pytest.fixture
def root(package: str) -> Path:
    return FOLDER / package


def project(package: str, **lie: str) -> Mapping[str, str]:
    """Return the files of a project: `extra` joins its tests, `config` its configuration, `script` its script."""
    kind = KINDS[package.partition("@")[0]]
    return {
        "package.json": json.dumps({"scripts": {"test": f"{kind.script} {lie.get('words', '')}"}}),
        kind.file: kind.begin + BODY + lie.get("extra", ""),
        kind.config: lie.get("config", "") + kind.exports,
    }


def test_the_tests_of_a_package_are_counted_by_their_names(prove: Prove, package: str) -> None:
    result = prove(project(package))
    assert (result.verdict.value, result.test_count) == ("pass", 2)
    file = KINDS[package.partition("@")[0]].file
    passed = frozenset({f"{file} > one", f"{file} > s > two"})
    assert kept_tests(result.steps[0].log_path) == Names(passed, frozenset(), frozenset({f"{file} > s > three"}))


def test_only_leaves_the_other_tests_out(prove: Prove, package: str) -> None:
    result = prove(project(package, extra="test.only('alone', () => {});\n"))
    # vitest refuses it in CI.
    vitest = package.startswith("vitest")
    assert (result.verdict.value, result.test_count) == ("fail" if vitest else "pass", 1)


def test_a_configuration_that_prints_a_pass_and_ends_the_run_is_not_believed(prove: Prove, package: str) -> None:
    result = prove(project(package, config=ENDS))
    assert (result.verdict.value, result.steps[0].exit_code, result.test_count) == ("unmeasured_tests", 0, None)


def test_an_exit_status_of_0_hides_no_failed_test(prove: Prove, package: str) -> None:
    result = prove(project(package, config=FORGIVES, extra="test('bad', () => { throw new Error('x'); });\n"))
    assert (result.verdict.value, result.steps[0].exit_code, result.test_count) == ("fail", 0, 3)


def test_a_test_that_prints_a_pass_and_ends_its_process_is_not_believed(prove: Prove, package: str) -> None:
    result = prove(project(package, extra=f"test('ends', () => {{ {ENDS} }});\n"))
    # vitest runs it in another process, and makes an error of its end.
    verdict = "fail" if package.startswith("vitest") else "unmeasured_tests"
    assert result.verdict.value == verdict

"""jest, vitest and mocha behind scripts: what their own reports count, by calls that the real runners made."""

import json
import os
import shutil
from pathlib import Path

import pytest

from swarm.builds.adapter import BuildResult
from swarm.builds.node_scripts import package_runner
from swarm.builds.run_report import kept_tests
from swarm.rules.no_worse import TestNames as Names
from swarm.verify_config import VerifyConfig, VerifyStep
from tests.builds.conftest import Prove, write
from tests.builds.test_projects import needs_node, needs_npm

DATA = Path(__file__).parents[1] / "data/test_runners"
PROGRAMS = {"jest": "jest/bin/jest.js", "vitest": "vitest/vitest.mjs", "mocha": "mocha/bin/mocha.js"}
MOCHA = "module.exports = class Mocha {\n  options = {};\n  _reporter = class {};\n"
MOCHA += "  run(runner) { new this._reporter(runner, {}); }\n};\n"
# By the recording: its runner, the number of tests that ran, those that failed, and the names of the others.
RECORDED = {
    "jest": ("jest", 4, "b.test.js > t > six, c.test.js", {"a.test.js > five"}),
    "vitest": ("vitest", 3, "b.test.js > t, c.test.js", {"a.test.js > five"}),
    "vitest-1": ("vitest", 3, "b.test.js > t, c.test.js", {"a.test.js > five"}),
    "mocha": ("mocha", 3, 'test/a.js > seven, test/a.js > t > "before all" hook for "six"', set()),
}
FAILED = ("b.test.js", "c.test.js", "seven", "six")
EARLY = "its tests are not counted: the run ended early, "


def install(root: Path, recording: str, *, is_green: bool = True) -> str:
    """Install a program that plays a recording, without the files whose tests fail; return the name of the runner."""
    runner = RECORDED[recording][0]
    program = root / "node_modules" / PROGRAMS[runner]
    calls = json.loads((DATA / f"{recording}.json").read_text("utf-8"))
    kept = json.dumps([_passing(call) for call in calls if _passing(call)] if is_green else calls)
    write(root, {"node_modules/mocha/lib/mocha.js": MOCHA} if runner == "mocha" else {})
    write(program.parent, {"calls.json": kept, "play.cjs": (DATA / "play.cjs").read_text("utf-8")})
    loads = "import './play.cjs';" if program.suffix == ".mjs" else "require('./play.cjs');"
    program.write_text(f"#!/usr/bin/env node\n{loads}\n")
    program.chmod(0o755)
    (root / "node_modules/.bin").mkdir(exist_ok=True)
    (root / "node_modules/.bin" / runner).symlink_to(f"../{PROGRAMS[runner]}")
    write(root / "node_modules" / runner, {"package.json": '{"version": "99.0.0"}'})
    return runner


def _passing(call: list[object]) -> list[object]:
    """Return a call without the tests that fail."""
    name, first, *rest = call
    if isinstance(first, list) and first:
        whole = [part for part in first if not any(file in json.dumps(part) for file in FAILED)]
        return [name, whole, *rest]
    if name == "onRunStart":
        return [name, {"numTotalTestSuites": 1}]
    if name == "end":
        return [name, {"total": 4}]
    return [] if any(word in json.dumps(call) for word in FAILED) else call


def by_program(runner: str) -> VerifyConfig:
    return VerifyConfig(steps=(VerifyStep("tests", "test", (f"node_modules/.bin/{runner}",)),))


def seen(result: BuildResult) -> tuple[str, int | None, int | None, str | None]:
    (step,) = result.steps
    return result.verdict.value, step.exit_code, step.test_count, step.hint


@needs_node
@pytest.mark.parametrize("recording", RECORDED)
def test_a_package_that_runs_tests_reports_each_by_its_end(prove: Prove, root: Path, recording: str) -> None:
    runner = install(root, recording)
    result = prove({"package.json": "{}"}, config=by_program(runner))
    excused = RECORDED[recording][3]
    assert seen(result) == ("pass", 0, 2 + len(excused), None)
    file = "test/a.js" if runner == "mocha" else "a.test.js"
    names = kept_tests(result.steps[0].log_path)
    passed, skipped = ({f"{file} > one", f"{file} > s > two"}, {f"{file} > s > three", f"{file} > s > four"})
    assert names == Names(frozenset(passed), frozenset(excused), frozenset(skipped))


@needs_node
@pytest.mark.parametrize("recording", RECORDED)
def test_an_exit_code_of_0_says_nothing_of_the_tests_that_failed(prove: Prove, root: Path, recording: str) -> None:
    runner = install(root, recording, is_green=False)
    _, ran, failed, _ = RECORDED[recording]
    result = prove({"package.json": "{}"}, config=by_program(runner))
    verdict, code, tests, hint = seen(result)
    assert (verdict, code, tests) == ("fail", 0, ran)
    assert hint is not None
    assert set(hint.removeprefix("it ended with 0, though tests failed: ").split(", ")) == set(failed.split(", "))


ENDS = "console.log('Tests: 90 passed, 90 total\\n  90 passing (1ms)');\n"
LIES = {
    "the configuration ends the process": f"{ENDS}process.exit(0);\n",
    "the configuration reads the report before it ends": (
        "const added = process.argv.find((word) => word.includes('report_hook')).replace(/^[^=]*=/, '');\n"
        "const place = require('path').join(require('path').dirname(added).replace(/.hook$/, ''), 'report');\n"
        "const { readFileSync, appendFileSync } = require('fs');\n"
        'const body = \'["ended", "a", "passed"]\\n["finished", "whole"]\\n\';\n'
        "const key = readFileSync(place);\n"
        "const seal = require('crypto').createHash('sha256').update(key + body + key).digest('hex');\n"
        f"appendFileSync(place, body + seal + '\\n');\n{ENDS}process.exit(0);\n"
    ),
}


@needs_node
@pytest.mark.parametrize("recording", ["jest", "vitest", "mocha"])
@pytest.mark.parametrize("lie", LIES)
def test_a_configuration_that_ends_the_run_makes_nothing_pass(
    prove: Prove, root: Path, recording: str, lie: str
) -> None:
    runner = install(root, recording)
    result = prove({"package.json": "{}", "runner.config.js": LIES[lie]}, config=by_program(runner))
    assert "90 passed" in result.steps[0].stdout
    assert seen(result) == ("unmeasured_tests", 0, None, f"{EARLY}outside of a test")


DRY = """const Mocha = require(require('fs').realpathSync('node_modules/mocha/lib/mocha.js'));
const { run } = Mocha.prototype;
Mocha.prototype.run = function (runner) { this.options.dryRun = true; run.call(this, runner); };
"""


@needs_node
def test_a_dry_run_of_mocha_runs_no_test(prove: Prove, root: Path) -> None:
    install(root, "mocha")
    result = prove({"package.json": "{}", "runner.config.js": DRY}, config=by_program("mocha"))
    assert seen(result) == ("unmeasured_tests", 0, None, "its tests are not counted: the run was incomplete")


@needs_npm
def test_a_script_of_a_package_is_recorded_and_leaves_the_environment_as_it_was(prove: Prove, root: Path) -> None:
    install(root, "jest")
    package = {"scripts": {"test": "NODE_ENV=test jest --coverage"}}
    result = prove({"package.json": json.dumps(package)})
    assert seen(result) == ("pass", 0, 3, None)
    assert (result.steps[0].argv, "NODE_OPTIONS none" in result.steps[0].stdout) == (("npm", "run", "test"), True)


@needs_npm
def test_a_script_with_options_of_node_is_recorded_by_the_reporter_alone(prove: Prove, root: Path) -> None:
    install(root, "jest")
    package = json.dumps({"scripts": {"test": "NODE_OPTIONS=--no-warnings jest"}})
    result = prove({"package.json": package})
    assert (seen(result), "NODE_OPTIONS --no-warnings" in result.steps[0].stdout) == (("pass", 0, 3, None), True)


@needs_node
def test_a_runner_that_never_takes_the_recorder_is_not_believed(prove: Prove, root: Path) -> None:
    install(root, "jest")
    program = root / "node_modules/elsewhere.js"
    program.write_text(f"#!/usr/bin/env node\n{ENDS}")
    program.chmod(0o755)
    (root / "node_modules/.bin/jest").unlink()
    (root / "node_modules/.bin/jest").symlink_to("../elsewhere.js")
    result = prove({"package.json": "{}"}, config=by_program("jest"))
    assert seen(result) == ("unmeasured_tests", 0, None, "its tests are not counted: no test runner wrote the report")


@needs_node
@pytest.mark.parametrize("version", ["v16.20.2", "v18.15.0"])
def test_a_node_without_reporters_gets_no_recorder(
    prove: Prove, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    install(root, "jest")
    (tmp_path / "bin").mkdir()
    node = tmp_path / "bin/node"
    node.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {version} && exit\nexec {shutil.which("node")} "$@"\n')
    node.chmod(0o755)
    monkeypatch.setenv("PATH", f"{node.parent}:{os.environ['PATH']}")
    result = prove({"package.json": "{}"}, config=by_program("jest"))
    assert result.test_count == {"v16.20.2": 90, "v18.15.0": 3}[version]


SCRIPTS = {
    "jest": "jest",
    "cross-env CI=1 jest --ci": "jest",
    "NODE_OPTIONS=--experimental-vm-modules npx --no-install jest": "jest",
    "node --experimental-vm-modules node_modules/jest/bin/jest.js": "jest",
    "node ./node_modules/.bin/mocha": "mocha",
    "nyc --reporter=text mocha 'test/**/*.js'": "mocha",
    "tsc --noEmit && vitest run --coverage": "vitest",
    "vitest": "vitest",
    "vitest bench": None,
    "jest a && jest b": None,
    "jest || true": None,
    "jest; exit 0": None,
    "jest | cat": None,
    "jest $FILES": None,
    "jest -- a": None,
    "jest 'a": None,
    "node test.js": None,
    "react-scripts test": None,
    "npm run test:unit": None,
    "": None,
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_recorded_where_it_is_a_single_run(tree: Path, script: str) -> None:
    write(tree, {"package.json": json.dumps({"scripts": {"test": script, "unit": script}})})
    for command in ("npm test", "npm run test", "npm run unit -- -t a", "pnpm test", "yarn unit", "yarn run unit"):
        assert package_runner(tuple(command.split()), tree) == SCRIPTS[script], command


def test_commands_that_start_a_runner_directly_are_recorded(tree: Path) -> None:
    for command in ("npx jest", "yarn jest --ci", "pnpm exec jest", "node_modules/.bin/jest", "jest"):
        assert package_runner(tuple(command.split()), tree) == "jest", command
    for command in ("npm jest", "npm ci", "npm", "make test", "npx create-jest", "yarn install", "npm run absent"):
        assert package_runner(tuple(command.split()), tree) is None, command


def test_a_script_with_a_second_run_beside_it_or_an_old_runner_is_read_by_its_text(tree: Path) -> None:
    write(tree, {"package.json": json.dumps({"scripts": {"pretest": "jest a", "test": "jest", "unit": "jest"}})})
    write(tree, {"node_modules/jest/package.json": '{"version": "26.6.3"}', "sub/package.json": "{}"})
    assert package_runner(("npm", "test"), tree) is None
    assert package_runner(("npx", "jest"), tree, "sub") is None
    shutil.rmtree(tree / "node_modules")
    assert [package_runner(("npm", "run", name), tree) for name in ("test", "unit")] == [None, "jest"]

"""Work of agents that only looks proved: what `merge` and `verify` say of it, by the runner's own report of tests."""

import shutil
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.cli.scenes.merge_team import MENDED, Team
from tests.conftest import SOURCE, Repo, Swarm
from tests.sweeping import swept

PYTEST = "tests/test_app.py"
CASE = "import unittest\n\nfrom src.app import load\n\n\nclass TestApp(unittest.TestCase):\n"
METHODS = "    def test_load(self): assert load\n    def test_more(self): pass\n"
SKIPPED = CASE + '    @unittest.skip("later")\n' + METHODS
TWO = SOURCE[PYTEST] + "\n\ndef test_more():\n    pass\n"
STEPS: Mapping[str, tuple[str, str]] = {
    "pytest": (TWO, "tests/test_app.py::test_"),
    "unittest": (CASE + METHODS, "tests.test_app.TestApp.test_"),
}


@pytest.fixture
def team(team: Team, monkeypatch: pytest.MonkeyPatch) -> Team:
    """The same, proved by the runner of its tests."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    team.prove_with("")
    return team


def after(team: Team, base: Mapping[str, str | None], files: Mapping[str, str], *, domain: str = "rest") -> None:
    """Collect a wave in which an agent wrote files on top of a commit."""
    team.repo.commit({"tests/__init__.py": "", **base})
    team.dispatch()
    team.edit(domain, files)
    team.collect()


def refusal(team: Team, *words: str) -> Any:
    return team.merge(*words, exit=1).document["error"]


# By runner: what an agent makes of two tests, and what got lost.
LOST = {
    "a test is removed": ("pytest", SOURCE[PYTEST], "2 → 1 tests; missing: {0}more"),
    "a method is removed": ("unittest", CASE + METHODS.splitlines()[0] + "\n", "2 → 1 tests; missing: {0}more"),
    "a module skips itself": (
        "pytest",
        f"import pytest\npytest.skip(allow_module_level=True)\n{TWO}",
        "2 → 0 tests; missing: {0}load, {0}more",
    ),
    "a method is skipped": ("unittest", SKIPPED, "2 → 1 tests; skipped or expected to fail now: {0}load"),
    "a skipped test is made up for": (
        "unittest",
        f"{SKIPPED}    def test_new(self): pass\n",
        "skipped or expected to fail now: {0}load",
    ),
    "a test is expected to fail": (
        "pytest",
        f"import pytest\n{TWO}".replace(
            "def test_load():\n    assert load", "@pytest.mark.xfail\ndef test_load():\n    assert 0"
        ),
        "skipped or expected to fail now: {0}load",
    ),
}


@pytest.mark.parametrize("how", swept(LOST))
def test_tests_that_an_agent_takes_out_of_the_proof_are_named(team: Team, how: str) -> None:
    runner, written, lost = LOST[how]
    base, begin = STEPS[runner]
    extra = {"conftest.py": ""} if runner == "pytest" else {}
    other = "import pytest\n\n\ndef test_other(): pass\n" if runner == "pytest" else CASE + METHODS
    after(team, {PYTEST: base, "tests/test_other.py": other, **extra}, {PYTEST: written})
    error = refusal(team, "--publish")
    wanted = lost.format(begin)
    number, _, names = wanted.partition(" tests; ")
    if names:
        kept = {"pytest": 1, "unittest": 2}[runner]
        before, _, now = number.partition(" → ")
        wanted = f"{int(before) + kept} → {int(now) + kept} tests; {names}"
    assert (error["code"], error["verdict"], error["culprits"]) == ("MERGE_GATE_FAILED", "fewer_tests", ["rest"])
    assert error["message"].endswith(f": fewer_tests; {wanted}; rest changed files of tests")
    accepted = team.merge("--publish", "--accept", "fewer_tests", "--reason", "They tested what is gone")
    assert accepted.data["gate"]["accepted"] == "fewer_tests"
    data = team.swarm("verify", team.run, "--format", "json").data
    assert (data["accepted"], data["note"]) == ("fewer_tests", f"{wanted}, accepted")


def test_code_that_skips_every_test_that_imports_it_is_found_out(team: Team) -> None:
    skips = f"import unittest\nraise unittest.SkipTest\n{MENDED}"
    other = CASE.replace("from src.app import load\n", "") + "    def test_other(self): pass\n"
    after(team, {PYTEST: CASE + METHODS, "tests/test_other.py": other}, {"src/app.py": skips}, domain="code")
    error = refusal(team)
    begin = STEPS["unittest"][1]
    assert (error["verdict"], error["culprits"]) == ("fewer_tests", [])
    assert error["message"].endswith(f"; 3 → 1 tests; missing: {begin}load, {begin}more")


ENDS = "import os\nprint('Ran 9 tests in 0.1s\\n\\nOK\\n9 passed in 0.1s', flush=True)\nos._exit(0)\n"


@pytest.mark.parametrize("runner", swept(STEPS))
def test_a_test_that_prints_a_pass_and_ends_its_process_proves_nothing(team: Team, runner: str) -> None:
    after(team, {PYTEST: STEPS[runner][0]}, {"tests/test_new.py": ENDS})
    error = refusal(team, "--publish", "--accept", "no_tests", "--reason", "x")
    why = "its tests are not counted: the run ended early, outside of a test"
    assert (error["code"], error["verdict"]) == ("MERGE_GATE_FAILED", "unmeasured_tests")
    assert error["message"].endswith(f": unmeasured_tests; {why}")
    assert team.repo.head == team.repo.git("rev-parse", "main")
    branch = team.repo.git("commit-tree", f"{team.branch('rest')}^{{tree}}", "-m", "x")
    data = team.swarm("verify", team.run, "--commit", branch, "--format", "json", exit=1).data
    assert (data["verdict"], data["testCount"], data["steps"][0]["hint"]) == ("unmeasured_tests", None, why)
    assert f"    {why}" in team.swarm("verify", team.run, "--commit", branch, exit=1).out.splitlines()


HELD = "import unittest\nclass TestHeld(unittest.TestCase):\n    def test_held(self): pass\n"
NODE = "require('node:test')('held', () => require('fs').appendFileSync('made', 'here'));\n"


def test_runners_report_from_a_sandbox(swarm: Swarm, repo: Repo, backend: str) -> None:
    commands = {
        "unittest": [sys.executable, "-m", "unittest", "test_held"],
        "pytest": [sys.executable, "-m", "pytest", "-q", "test_held.py"],
        **({"node": ["node", "--test", "held.test.js"]} if shutil.which("node") else {}),
    }
    steps = (f'[[verify.steps]]\nname = "{name}"\nkind = "test"\nargv = {argv!r}\n' for name, argv in commands.items())
    repo.commit({"swarm.toml": "".join(steps), "test_held.py": HELD, "held.test.js": NODE, ".gitignore": "swarms/\n"})
    swarm("init", ".")
    data = swarm("verify", "--format", "json").data
    assert data["isolation"]["backend"] == backend
    assert [(step["name"], step["testCount"]) for step in data["steps"]] == [(name, 1) for name in commands]

"""Code under test that says that it passed: nothing that it prints, writes or ends makes a build pass."""

import importlib.util
import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest

from swarm.builds import run_report
from swarm.builds.adapter import BuildResult
from swarm.builds.recorders import Runner, made_place, recorded, runner_of
from swarm.builds.run_report import kept_tests, read_report
from swarm.rules.build_verdicts import BuildVerdict
from swarm.rules.no_worse import TestNames as Names
from swarm.verify_config import VerifyConfig, VerifyStep
from tests.builds.conftest import Prove, write
from tests.builds.test_projects import NODE_TEST, PYTEST, UNITTEST, needs_node

PRINTS = "print('\\n90 passed in 0.10s\\nRan 90 tests in 0.001s\\n\\nOK', file=sys.__stderr__, flush=True)"
ENDS = f"import os, sys\n{PRINTS}\nos._exit(0)\n"
WRITES = f"""import os, sys
{PRINTS}
for folder, _, names in os.walk(os.path.dirname(os.environ["PYTHONPATH"].split(os.pathsep)[0])):
    for name in names:
        if name == "report":
            open(os.path.join(folder, name), "a").write('["ended", "a", "passed"]\\n["finished", "whole"]\\n')
"""
CASE = UNITTEST["tests/test_shop.py"]
EARLY = "its tests are not counted: the run ended early, "
IN_A_TEST = CASE.replace("import unittest\n", "import os, sys, unittest\n")
# Files beside those of the project, and why their exit code of 0 is not believed.
UNITTEST_LIES = {
    "a module ends the process": ({"tests/test_a.py": ENDS}, f"{EARLY}outside of a test"),
    "a test ends the process": (
        {"tests/test_shop.py": f"{IN_A_TEST}        {PRINTS}\n        os._exit(0)\n"},
        f"{EARLY}in test_shop.TestShop.test_price",
    ),
    "a test stops the run": (
        {"tests/test_shop.py": f"{CASE}        self._outcome.result.stop()\n"},
        "its tests are not counted: the run was interrupted",
    ),
    "a module adds to the report": ({"tests/test_a.py": WRITES}, f"{EARLY}outside of a test"),
    "a module writes the report and ends the process": (
        {"tests/test_a.py": f"{WRITES}os._exit(0)\n"},
        f"{EARLY}outside of a test",
    ),
}
FAILING = "def test_fails():\n    assert 0\n"
PYTEST_LIES = {
    "a module ends the process": ({"tests/test_a.py": ENDS}, f"{EARLY}outside of a test"),
    "a test ends the process": (
        {"tests/test_a.py": f"import os, sys\ndef test_a():\n    {PRINTS}\n    os._exit(0)\n"},
        f"{EARLY}in tests/test_a.py::test_a",
    ),
    "a conftest ends the process": ({"tests/conftest.py": f"{ENDS}sys.exit(0)\n"}, f"{EARLY}outside of a test"),
    "a conftest exits": ({"tests/conftest.py": "import sys\nsys.exit(0)\n"}, f"{EARLY}outside of a test"),
    "a test exits with a status": (
        {"tests/test_a.py": "import pytest\ndef test_a():\n    pytest.exit('done', returncode=0)\n"},
        "its tests are not counted: the run was interrupted",
    ),
    "a conftest swallows tests": (
        {"tests/conftest.py": "def pytest_runtest_protocol(item):\n    return True\n"},
        "its tests are not counted: the run was incomplete",
    ),
    "a conftest sets the status": (
        {
            "tests/test_a.py": FAILING,
            "tests/conftest.py": "import pytest\n@pytest.hookimpl(trylast=True)\n"
            "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n",
        },
        "it ended with 0, though tests failed: tests/test_a.py::test_fails",
    ),
    "a module ends the process at its exit": (
        {"tests/test_a.py": f"import atexit, os\natexit.register(os._exit, 0)\n{FAILING}"},
        "it ended with 0, though tests failed: tests/test_a.py::test_fails",
    ),
    "a module adds to the report": ({"tests/test_a.py": WRITES}, f"{EARLY}outside of a test"),
}


def assert_not_believed(result: BuildResult, why: str) -> None:
    (step,) = result.steps
    red = "though tests failed" in why
    assert (result.verdict.value, step.exit_code, step.test_count is None, step.hint) == (
        "fail" if red else "unmeasured_tests",
        0,
        not red,
        why,
    )


@pytest.mark.parametrize("lie", UNITTEST_LIES)
def test_no_lie_makes_a_run_of_unittest_pass(prove: Prove, lie: str) -> None:
    files, why = UNITTEST_LIES[lie]
    assert_not_believed(prove({**UNITTEST, **files}), why)


@pytest.mark.parametrize("lie", PYTEST_LIES)
@pytest.mark.usefixtures("our_python")
def test_no_lie_makes_a_run_of_pytest_pass(prove: Prove, lie: str) -> None:
    files, why = PYTEST_LIES[lie]
    assert_not_believed(prove({**PYTEST, **files}), why)


@pytest.mark.parametrize("runner", ["unittest", "pytest"])
def test_a_configured_step_of_a_runner_is_recorded_too(prove: Prove, runner: str) -> None:
    step = VerifyStep("tests", "test", (sys.executable, "-W", "-m", runner, "test_a.py"))
    assert runner_of(step.argv) is None
    config = VerifyConfig(steps=(step._replace(argv=(sys.executable, "-Xdev", "-m", runner, "test_a.py")),))
    assert_not_believed(prove({"test_a.py": ENDS}, config=config), f"{EARLY}outside of a test")


@pytest.mark.usefixtures("our_python")
@pytest.mark.parametrize("script", ["pytest", "py.test", "{repository}/bin/pytest"])
def test_a_script_of_pytest_is_recorded_by_its_own_python(prove: Prove, root: Path, script: str) -> None:
    (root / "bin").mkdir()
    (root / "bin/pytest").write_text(f"#!{sys.executable}\nimport pytest\nraise SystemExit(pytest.main())\n")
    (root / "bin/pytest").chmod(0o755)
    config = VerifyConfig(steps=(VerifyStep("tests", "test", (script, "test_a.py")),))
    assert_not_believed(prove({"test_a.py": ENDS}, config=config), f"{EARLY}outside of a test")
    # Unlike `python -m`, a script does not import from the current folder first.
    test = "import os, sys\n\ndef test_a(): assert sys.path[1] != os.getcwd() and 'hook' not in ''.join(sys.path)\n"
    assert prove({"test_a.py": test}, config=config).test_count == 1


def test_a_program_called_pytest_that_names_no_python_is_read_by_its_text(prove: Prove, root: Path) -> None:
    (root / "pytest").write_text("#!/bin/sh\necho '3 passed in 0.01s'\n")
    (root / "pytest").chmod(0o755)
    config = VerifyConfig(steps=(VerifyStep("tests", "test", ("{repository}/pytest",)),))
    assert prove({}, config=config).test_count == 3


MANAGERS = ["uv run pytest", "poetry run python -m pytest", "hatch run pytest", "uv run --frozen python -m unittest"]


@pytest.mark.usefixtures("our_python")
@pytest.mark.parametrize("command", MANAGERS)
def test_a_run_by_a_manager_of_environments_is_recorded(
    prove: Prove, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    program, *words = command.split()
    (tmp_path / "bin").mkdir()
    manager = tmp_path / "bin" / program
    manager.write_text('#!/bin/sh\nshift\n[ "$1" = --frozen ] && shift\nexec "$@"\n')
    manager.chmod(0o755)
    monkeypatch.setenv("PATH", f"{manager.parent}:{os.environ['PATH']}")
    config = VerifyConfig(steps=(VerifyStep("tests", "test", (program, *words, "test_a.py")),))
    assert_not_believed(prove({"test_a.py": ENDS}, config=config), f"{EARLY}outside of a test")


def test_a_script_that_a_manager_runs_is_no_run_of_pytest() -> None:
    for command in ("uv run", "uv run tests", "uv pip install pytest", "poetry run --directory a pytest", "pytest-x"):
        assert runner_of(tuple(command.split())) is None, command


@pytest.mark.usefixtures("our_python")
def test_a_summary_that_code_under_test_prints_is_not_counted(prove: Prove) -> None:
    result = prove({**PYTEST, "tests/conftest.py": f"import atexit, sys\natexit.register(lambda: {PRINTS})\n"})
    assert "90 passed in" in (result.steps[0].log_path / "stderr.log").read_text("utf-8")
    assert (result.verdict.value, result.test_count) == ("pass", 1)


OUTCOMES = """import unittest

class TestOutcomes(unittest.TestCase):
    def test_passes(self): pass
    def test_skips(self): self.skipTest("later")
    @unittest.expectedFailure
    def test_fails_as_expected(self): self.fail()
    def test_has_parts(self):
        with self.subTest("a"): pass
    def test_forks(self):
        import os
        for child in [os.fork()]:
            os._exit(0) if child == 0 else os.waitpid(child, 0)
    def test_closes_what_it_does_not_know(self):
        import os, sys
        if "_pytest" not in sys.modules: os.closerange(3, 64)

@unittest.skip("later")
class TestSkipped(unittest.TestCase):
    def test_never(self): pass

class TestUnready(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest
    def test_never(self): pass
"""


@pytest.mark.parametrize("runner", ["unittest", "pytest"])
def test_the_names_of_the_tests_are_kept_by_their_ends(prove: Prove, runner: str) -> None:
    config = VerifyConfig(steps=(VerifyStep("tests", "test", (sys.executable, "-m", runner, "test_ends.py")),))
    result = prove({"test_ends.py": OUTCOMES}, config=config)
    assert (result.verdict.value, result.test_count) == ("pass", 5)
    before = "test_ends.py::" if runner == "pytest" else "test_ends."
    divided = "::" if runner == "pytest" else "."
    passed = ("test_passes", "test_has_parts", "test_forks", "test_closes_what_it_does_not_know")
    names = kept_tests(result.steps[0].log_path)
    assert names is not None
    assert names.passed == {f"{before}TestOutcomes{divided}{name}" for name in passed}
    assert names.excused == {f"{before}TestOutcomes{divided}test_fails_as_expected"}
    assert f"{before}TestSkipped{divided}test_never" in names.skipped


def test_a_test_that_fails_in_its_teardown_has_failed_and_a_class_without_setup_is_no_test(prove: Prove) -> None:
    broken = "    @classmethod\n    def setUpClass(cls): raise OSError\n    def test_a(self): pass\n"
    untidy = "    def tearDown(self): raise OSError\n    def test_a(self): pass\n"
    case = f"import unittest\nclass TestA(unittest.TestCase):\n{broken}class TestB(unittest.TestCase):\n{untidy}"
    result = prove({"test_ends.py": case})
    assert (result.verdict.value, result.test_count) == ("fail", 1)
    assert kept_tests(result.steps[0].log_path) == Names()


@pytest.mark.usefixtures("our_python")
def test_tests_that_pytest_distributes_are_counted(prove: Prove) -> None:
    pytest.importorskip("xdist")
    two = PYTEST["tests/test_shop.py"] + "\n\ndef test_more():\n    pass\n"
    settings = PYTEST["pyproject.toml"] + "addopts = '-n 2'\n"
    result = prove({**PYTEST, "tests/test_shop.py": two, "pyproject.toml": settings})
    assert (result.verdict.value, result.test_count) == ("pass", 2)


@pytest.mark.usefixtures("our_python")
def test_a_process_that_a_test_spawns_runs_no_tests_again(prove: Prove) -> None:
    spawns = "import multiprocessing\n\ndef test_spawns():\n    context = multiprocessing.get_context('spawn')\n"
    spawns += "    with context.Pool(1) as pool:\n        assert pool.map(abs, [-1]) == [1]\n"
    result = prove({**PYTEST, "tests/test_shop.py": spawns})
    assert (result.verdict.value, result.test_count) == ("pass", 1)


def test_a_report_is_believed_under_its_seal_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_a.py").write_text(CASE.replace("from shop import PRICE", "PRICE = 2"))
    command = (sys.executable, "-m", "unittest", "test_a")
    place = made_place(tmp_path / "step", Runner.PYTHON)
    subprocess.run(recorded(command, Runner.PYTHON, place, "python"), cwd=tmp_path, check=True, capture_output=True)
    report = read_report(place)
    assert not isinstance(report, str)
    assert report.outcomes == (("test_a.TestShop.test_price", "passed"),)
    whole = place.file.read_bytes()
    doubtful = [whole[:-2], whole + whole, b"", b"\xff\n" * 9, b"[" * 100_000, whole.replace(b"passed", b"failed")]
    for content in doubtful:
        place.file.write_bytes(content)
        assert read_report(place) == "the run ended early, outside of a test"
    place.file.write_bytes(place.key)
    assert read_report(place) == "no test runner wrote the report"
    place.file.write_bytes(whole)
    monkeypatch.setattr(run_report, "MOST_BYTES", len(whole) - 2)
    assert isinstance(read_report(place), str)


def test_a_link_a_pipe_and_a_folder_are_no_report(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    place = made_place(tmp_path / "step", Runner.PYTHON)
    for name in ("link", "pipe", "folder", "none"):
        assert isinstance(read_report(place._replace(file=tmp_path / name)), str)


NODE_ENDS = f"console.log('# tests 90');\nprocess.exit(0);\n{NODE_TEST}"
NODE_ENDS_IN_A_TEST = NODE_TEST.replace("'two', () => {", "'two', () => { console.log('# tests 90'); process.exit(0);")


@needs_node
@pytest.mark.parametrize("lie", [NODE_ENDS, NODE_ENDS_IN_A_TEST], ids=["a file ends the process", "a test does"])
def test_a_file_of_node_that_ends_its_process_is_no_test(prove: Prove, lie: str) -> None:
    result = prove({"package.json": "{}", "a.test.js": lie})
    assert "# tests 90" in result.steps[0].stdout
    assert (result.verdict, result.steps[0].exit_code, result.test_count) == (BuildVerdict.NO_TESTS, 0, 0)


NODE_OUTCOMES = """const { test, describe } = require('node:test');
test('passes', async (t) => { await t.test('a part', () => {}); });
test('skips', { skip: true }, () => {});
test('fails as expected', { todo: true }, () => { throw new Error('later'); });
describe('suite', () => { test('passes', () => {}); });
"""


@needs_node
def test_node_names_its_tests_and_a_file_without_any_is_a_test_itself(prove: Prove) -> None:
    files = {
        "a.test.js": NODE_OUTCOMES,
        "plain.test.js": "require('assert')(true);\n",
        "test/b.mjs": "import 'node:test';\n",
    }
    result = prove({"package.json": "{}", **files})
    assert (result.verdict, result.test_count) == (BuildVerdict.PASS, 5)
    passed = {"a.test.js > passes", "a.test.js > passes > a part", "a.test.js > suite > passes", "plain.test.js"}
    names = Names(frozenset(passed), frozenset({"a.test.js > fails as expected"}), frozenset({"a.test.js > skips"}))
    assert kept_tests(result.steps[0].log_path) == names


@needs_node
def test_a_configured_step_of_node_is_recorded_and_its_own_reporter_is_left_alone(prove: Prove) -> None:
    steps = (VerifyStep("tests", "test", ("node", "--test", *words)) for words in ((), ("--test-reporter=tap",)))
    result = prove({"a.test.js": NODE_ENDS, "b.test.js": NODE_TEST}, config=VerifyConfig(steps=tuple(steps)))
    assert [step.test_count for step in result.steps] == [2, 3]


def test_bytecode_that_the_commit_brings_does_not_run_in_the_place_of_its_source(prove: Prove, tree: Path) -> None:
    write(tree, {"test_a.py": CASE.replace("PRICE, 2", "PRICE, 3"), "honest.py": CASE})
    cache = importlib.util.cache_from_source(str(tree / "test_a.py"))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(tree / "honest.py"), cfile=cache, doraise=True, invalidation_mode=unchecked)
    config = VerifyConfig(steps=(VerifyStep("tests", "test", (sys.executable, "-m", "unittest", "test_a")),))
    result = prove({"shop.py": UNITTEST["shop.py"]}, config=config)
    assert (result.verdict, result.test_count) == (BuildVerdict.FAIL, 1)


@pytest.mark.usefixtures("our_python")
def test_a_cache_of_mypy_in_the_tree_is_not_read(prove: Prove, tree: Path) -> None:
    write(tree, {".mypy_cache/kept": ""})
    result = prove({**UNITTEST, "mypy.ini": "[mypy]\nfiles = shop.py\n"})
    assert (result.verdict, [entry.name for entry in (tree / ".mypy_cache").iterdir()]) == (BuildVerdict.PASS, ["kept"])

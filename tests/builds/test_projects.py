"""Real projects, proved by real tools."""

import shutil
import venv
from pathlib import Path

import pytest

from swarm.builds.adapter import BuildResult
from swarm.builds.checkout import Checkout
from swarm.builds.node_modules import lend_packages
from tests.builds.conftest import Prove, write


def shown(result: BuildResult) -> tuple[str | None, str, list[tuple[str, str, int | None]], int | None]:
    steps = [(step.name, step.status.value, step.test_count) for step in result.steps]
    return result.adapter, result.verdict.value, steps, result.test_count


PYTEST = {
    "pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n[tool.pytest.ini_options]\ntestpaths = ['tests']\n",
    "src/shop/__init__.py": "PRICE = 2\n",
    "tests/test_shop.py": "from shop import PRICE\n\n\ndef test_price():\n    assert PRICE == 2\n",
}


@pytest.mark.usefixtures("our_python")
def test_a_pytest_project_passes(prove: Prove) -> None:
    assert shown(prove(PYTEST)) == ("python", "pass", [("pytest", "passed", 1)], 1)


@pytest.mark.usefixtures("our_python")
def test_every_step_runs_also_after_one_has_failed(prove: Prove) -> None:
    config = "[tool.ruff]\n[tool.mypy]\nfiles = ['src']\n"
    result = prove({**PYTEST, "pyproject.toml": config, "src/shop/__init__.py": "import os\nPRICE: int = 'two'\n"})
    steps = [("ruff", "failed", None), ("mypy", "failed", None), ("pytest", "failed", 1)]
    assert shown(result) == ("python", "fail", steps, 1)
    assert ["F401" in result.steps[0].stdout, "[assignment]" in result.steps[1].stdout] == [True, True]
    assert "1 failed in" in (result.steps[2].log_path / "stdout.log").read_text("utf-8")


@pytest.mark.usefixtures("our_python")
@pytest.mark.parametrize("option", ["fix", "fix-only"])
def test_ruff_mends_nothing_in_the_tree_that_is_proved(prove: Prove, option: str) -> None:
    config = f"[tool.ruff]\n{option} = true\n"
    result = prove({**PYTEST, "pyproject.toml": config, "src/shop/__init__.py": "import os\nPRICE = 2\n"})
    assert shown(result) == ("python", "fail", [("ruff", "failed", None), ("pytest", "passed", 1)], 1)


@pytest.mark.usefixtures("our_python")
def test_errors_of_mypy_have_their_codes_whatever_its_configuration_says(prove: Prove) -> None:
    config = "[tool.mypy]\npretty = true\nhide_error_codes = true\n"
    result = prove({**PYTEST, "pyproject.toml": config, "src/shop/__init__.py": "PRICE: int = 'two'\n"})
    (line,) = [line for line in result.steps[0].stdout.splitlines() if ": error: " in line]
    assert line.startswith("src/shop/__init__.py:1: error: ")
    assert line.endswith("  [assignment]")


@pytest.mark.usefixtures("our_python")
def test_pytest_that_finds_no_test_is_no_failure_and_no_pass(prove: Prove) -> None:
    result = prove({**PYTEST, "tests/test_shop.py": "import pytest\n"})
    assert shown(result) == ("python", "no_tests", [("pytest", "no_tests", 0)], 0)


@pytest.mark.usefixtures("our_python")
def test_tests_that_are_all_skipped_are_no_tests(prove: Prove) -> None:
    test = "import pytest\n\n\n@pytest.mark.skip\ndef test_price():\n    pass\n"
    assert shown(prove({**PYTEST, "tests/test_shop.py": test})) == ("python", "no_tests", [("pytest", "passed", 0)], 0)


def test_a_program_in_the_place_of_pytest_that_writes_no_report_is_counted_by_its_summary(
    prove: Prove, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "own", with_pip=False)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "own"))
    (packages,) = (tmp_path / "own").glob("lib/python3*/site-packages")
    (packages / "pytest").mkdir()
    (packages / "pytest" / "__main__.py").write_text("print('1 passed, 3 subtests passed in 0.07s')\n")
    assert shown(prove(PYTEST)) == ("python", "pass", [("pytest", "passed", 1)], 1)


ENDS = """import pytest
def test_passes(): pass
def test_fails(): assert 0
@pytest.mark.skip
def test_is_skipped(): pass
@pytest.mark.xfail
def test_fails_as_expected(): assert 0
@pytest.fixture
def broken(): raise ValueError
def test_has_no_setup(broken): pass
@pytest.fixture
def untidy():
    yield
    raise ValueError
def test_has_no_teardown(untidy): pass
"""


@pytest.mark.usefixtures("our_python")
def test_the_tests_that_ran_are_counted_whatever_their_end(prove: Prove) -> None:
    files = {**PYTEST, "tests/test_shop.py": ENDS}
    assert shown(prove(files)) == ("python", "fail", [("pytest", "failed", 4)], 4)


UNITTEST = {
    "shop.py": "PRICE = 2\n",
    "tests/test_shop.py": "import unittest\nfrom shop import PRICE\n\n\nclass TestShop(unittest.TestCase):\n"
    "    def test_price(self):\n        self.assertEqual(PRICE, 2)\n",
}


def test_a_unittest_project_without_any_configuration_passes(prove: Prove) -> None:
    assert shown(prove(UNITTEST)) == ("python", "pass", [("unittest", "passed", 1)], 1)


def test_a_python_project_without_tests_has_no_tests(prove: Prove) -> None:
    result = prove({"pyproject.toml": "[project]\nname = 'shop'\nversion = '1'\n", "shop.py": "PRICE = 2\n"})
    assert (result.adapter, result.verdict.value, result.test_count) == ("python", "no_tests", 0)


def test_the_tree_is_proved_and_not_what_is_installed_of_the_users_checkout(
    prove: Prove, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import venv

    venv.create(root / ".venv", symlinks=True)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    write(root, {"src/shop/__init__.py": "PRICE = 99\n"})
    (packages,) = (root / ".venv" / "lib").glob("python*/site-packages")
    (packages / "shop.pth").write_text(f"{root / 'src'}\n", "utf-8")
    result = prove({"src/shop/__init__.py": "PRICE = 2\n", "tests/test_shop.py": UNITTEST["tests/test_shop.py"]})
    assert shown(result) == ("python", "pass", [("unittest", "passed", 1)], 1)
    assert result.steps[0].argv[0] == str(root / ".venv" / "bin" / "python")


def test_a_pytest_project_without_pytest_misses_a_tool(
    prove: Prove, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import venv

    venv.create(root / ".venv", symlinks=True)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    result = prove(PYTEST)
    assert shown(result) == ("python", "tool_missing", [("pytest", "missing", None)], None)
    assert result.steps[0].stderr.endswith("No module named pytest\n")


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
needs_cargo = pytest.mark.skipif(shutil.which("cargo") is None, reason="cargo is not installed")
NODE_TEST = "const test = require('node:test');\ntest('one', () => {});\ntest('two', () => {});\n"


@needs_node
def test_a_node_package_without_a_test_script_is_tested_by_node(prove: Prove) -> None:
    placeholder = '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'
    result = prove({"package.json": placeholder, "a.test.js": NODE_TEST})
    assert shown(result) == ("node", "pass", [("node-test", "passed", 2)], 2)


@needs_node
def test_a_node_package_with_a_test_that_fails_fails(prove: Prove) -> None:
    failing = f"{NODE_TEST}test('three', () => {{ throw new Error('no'); }});\n"
    result = prove({"package.json": "{}", "a.test.js": failing})
    assert shown(result) == ("node", "fail", [("node-test", "failed", 3)], 3)


@needs_npm
def test_the_scripts_of_a_package_are_run_with_the_users_packages(prove: Prove, root: Path) -> None:
    write(root, {"node_modules/answer/index.js": "module.exports = 42;\n", "node_modules/.cache/kept": ""})
    test = "const test = require('node:test');\ntest('a', () => { if (require('answer') !== 42) throw 1; });\n"
    scripts = '{"scripts": {"test": "node --test", "lint": "nowhere-to-be-found ."}}'
    result = prove({"package.json": scripts, "a.test.js": test})
    assert shown(result) == ("node", "tool_missing", [("lint", "missing", None), ("test", "passed", 1)], 1)


def test_packages_are_lent_by_links_that_lead_to_the_trees_own_code(tree: Path, root: Path) -> None:
    write(root, {"node_modules/a/index.js": "", "node_modules/@s/b/index.js": "", "packages/own/index.js": ""})
    write(root, {"node_modules/.cache/x": "", "node_modules/.bin/a": ""})
    (root / "node_modules" / "own").symlink_to("../packages/own")
    (root / "node_modules" / ".bin" / "own").symlink_to("../own/index.js")
    (root / "node_modules" / "@s" / "own").symlink_to("../../packages/own")
    write(tree, {"package.json": "{}", "packages/own/index.js": ""})
    lend_packages(tree, Checkout(root))
    lent = tree / "node_modules"
    links = {path.relative_to(lent).as_posix(): path.readlink() for path in lent.rglob("*") if path.is_symlink()}
    assert links == {
        "a": root / "node_modules/a",
        ".bin/a": root / "node_modules/.bin/a",
        ".bin/own": tree / "packages/own/index.js",
        "own": tree / "packages/own",
        "@s/b": root / "node_modules/@s/b",
        "@s/own": tree / "packages/own",
    }
    shutil.rmtree(tree)
    assert (root / "node_modules" / "@s" / "b" / "index.js").exists()


@pytest.mark.parametrize("there", ["file", "link"])
def test_node_modules_that_the_commit_brought_stay_as_they_are(tree: Path, root: Path, there: str) -> None:
    write(root, {"node_modules/a/index.js": ""})
    write(tree, {"package.json": "{}"})
    if there == "file":
        write(tree, {"node_modules/b/index.js": ""})
    else:
        (tree / "node_modules").symlink_to(root / "elsewhere")
    lend_packages(tree, Checkout(root))
    assert not (tree / "node_modules" / "a").exists()
    assert (root / "elsewhere").exists() is False


CRATE = {
    "Cargo.toml": '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n[lib]\ndoctest = false\n',
    "src/lib.rs": "pub fn add(a: u32, b: u32) -> u32 {\n    a + b\n}\n\n#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n",
}


@pytest.fixture
def cargo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toolchains are found although the home is a test's."""
    import os
    import pwd

    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    for name, folder in (("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")):
        if name not in os.environ and (home / folder).is_dir():
            monkeypatch.setenv(name, str(home / folder))


@needs_cargo
@pytest.mark.usefixtures("cargo")
def test_a_crate_passes_and_is_built_in_the_tree(prove: Prove, tree: Path) -> None:
    assert shown(prove(CRATE)) == ("rust", "pass", [("cargo-test", "passed", 1)], 1)
    assert (tree / "target").is_dir()


@needs_cargo
@pytest.mark.usefixtures("cargo")
def test_a_test_that_ends_the_process_of_its_crate_leaves_the_tests_unmeasured(prove: Prove) -> None:
    ends = "#[test]\nfn ends() {\n    std::process::exit(0);\n}\n"
    result = prove({**CRATE, "tests/a.rs": "#[test]\nfn passes() {}\n", "tests/b.rs": ends})
    assert shown(result) == ("rust", "unmeasured_tests", [("cargo-test", "passed", None)], None)


@needs_cargo
@pytest.mark.usefixtures("cargo")
def test_a_cargo_subcommand_that_is_not_there_misses_a_tool(prove: Prove) -> None:
    from swarm.verify_config import VerifyConfig, VerifyStep

    config = VerifyConfig(steps=(VerifyStep("lint", "lint", ("cargo", "no-such-thing-here")),))
    assert prove({}, config=config).verdict.value == "tool_missing"

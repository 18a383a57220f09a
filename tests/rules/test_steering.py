"""Files that steer a proof, by their paths."""

import pytest

from swarm.rules.steering import steers

STEERING = (
    *("swarm.toml", "pyproject.toml", "web/package.json", "tests/unit/conftest.py", "Makefile", "GNUmakefile"),
    *("Cargo.toml", "crates/a/build.rs", ".cargo/config.toml", "go.mod", "jest.config.mjs", "vitest.config.ts"),
    *("tsconfig.json", "tsconfig.test.json", ".mocharc.yml", "eslint.config.js", ".eslintrc.json", ".coveragerc"),
    *(".github/workflows/ci.yml", ".github/actions/a/action.yml", ".golangci.yml", "noxfile.py", "tox.ini"),
    *("sitecustomize.py", "src/usercustomize.py", "lib/x.pth", "PyTest.ini", "jest.setup.js"),
    # In place of the runner.
    *("pytest.py", "src/pytest/__init__.py", "unittest/__init__.py", "_pytest/main.py", "unittest/case.py"),
    *("pluggy.cpython-311-x86_64-linux-gnu.so", "node_modules/.bin/jest", ".venv/bin/python"),
)
PLAIN = (
    *("src/app.py", "tests/test_pytest.py", "tests/unit/test_a.py", "docs/pytest.md", "package-lock.json"),
    *("Cargo.lock", "go.sum", "src/my_unittest.py", "tests/unittest/data.json", "src/config.toml", "config.json"),
    *("web/jest.ts", ".github/CODEOWNERS", "swarm.toml.md", "src/tsconfig.py"),
)


@pytest.mark.parametrize("path", STEERING)
def test_a_file_that_chooses_how_work_is_proved_steers(path: str) -> None:
    assert steers(path)


@pytest.mark.parametrize("path", PLAIN)
def test_any_other_file_does_not_steer(path: str) -> None:
    assert not steers(path)

"""Choice of the adapter for a tree, and its steps. No step is run."""

import os
from pathlib import Path

import pytest

from swarm import config, errors
from swarm.builds.adapter import BuildStep
from swarm.builds.checkout import Checkout
from swarm.builds.interpreters import import_roots, interpreter
from swarm.builds.registry import NAMES, UnknownAdapter, choose, probe_all
from swarm.trust import Trust
from swarm.verify_config import VerifyConfig, VerifyStep
from tests.builds.conftest import DEFAULTS, write

PROJECT = "[project]\nname = 'a'\nversion = '1'\n"
STEPS = VerifyConfig(steps=(VerifyStep("s", "test", ("true",)),))
TREES = [
    ({"README.md": ""}, None),
    ({"pyproject.toml": PROJECT}, "python"),
    ({"setup.py": ""}, "python"),
    ({"script.py": ""}, "python"),
    ({"package.json": "{}"}, "node"),
    ({"package.json": "{}", "pyproject.toml": PROJECT, "tests/test_a.py": ""}, "python"),
    ({"package.json": '{"scripts": {"test": "jest"}}', "pyproject.toml": "[tool.ruff]\n", "tool.py": ""}, "node"),
    ({"package.json": '{"scripts": {"test": "jest"}}', "Cargo.toml": ""}, "rust"),
    ({"package.json": '{"scripts": {"test": "jest"}}', "pyproject.toml": PROJECT}, "node"),
    ({"go.mod": "module a\n", "a_test.go": ""}, "go"),
    ({"go.work": "go 1.22\n"}, "go"),
]


@pytest.mark.parametrize(("files", "name"), TREES)
def test_the_adapter_that_fits_best_is_chosen(tree: Path, files: dict[str, str], name: str | None) -> None:
    write(tree, files)
    adapter = choose(tree, DEFAULTS)
    assert (adapter.name if adapter else None) == name


@pytest.mark.parametrize(
    ("settings", "named", "name"),
    [
        (STEPS, None, "configured"),
        (STEPS, "rust", "rust"),
        (STEPS._replace(adapter="node"), None, "configured"),
        (VerifyConfig(adapter="node"), None, "node"),
        (VerifyConfig(adapter="node"), "go", "go"),
        (DEFAULTS, "configured", "configured"),
    ],
)
def test_what_is_named_goes_before_what_fits(tree: Path, settings: VerifyConfig, named: str | None, name: str) -> None:
    write(tree, {"pyproject.toml": PROJECT})
    adapter = choose(tree, settings, named)
    assert adapter is not None
    assert adapter.name == name


def test_an_unknown_adapter_is_refused_with_the_choices(tree: Path) -> None:
    with pytest.raises(UnknownAdapter) as refused:
        choose(tree, DEFAULTS, "cobol")
    assert (refused.value.name, refused.value.choices) == ("cobol", NAMES)


def names(steps: list[BuildStep]) -> list[tuple[str, str]]:
    return [(step.kind, " ".join((Path(step.argv[0]).name, *step.argv[1:]))) for step in steps]


def steps_of(name: str, tree: Path, root: Path) -> list[tuple[str, str]]:
    adapter = choose(tree, DEFAULTS, name)
    assert adapter is not None
    return names(adapter.steps(tree, Checkout(root)))


PYTEST = ("test", "python3 -m pytest --rootdir=. --confcutdir=.")
DISCOVER = ("test", "python3 -m unittest discover")
RUFF = ("lint", "ruff check --no-fix --no-fix-only .")
PYTHON_STEPS = [
    ({}, [DISCOVER]),
    (
        {"pyproject.toml": "[tool.ruff]\n[tool.mypy]\n"},
        [RUFF, ("types", "python3 -m mypy --no-pretty --show-error-codes ."), DISCOVER],
    ),
    (
        {"ruff.toml": "", "mypy.ini": "[mypy]\nfiles = src\n"},
        [RUFF, ("types", "python3 -m mypy --no-pretty --show-error-codes"), DISCOVER],
    ),
    ({"setup.cfg": "[mypy]\n[tool:pytest]\n"}, [("types", "python3 -m mypy --no-pretty --show-error-codes ."), PYTEST]),
    ({"tox.ini": "[pytest]\n"}, [PYTEST]),
    ({"tox.ini": "[tox]\n"}, [DISCOVER]),
    ({"pytest.ini": ""}, [PYTEST]),
    ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, [PYTEST]),
    ({"tests/test_a.py": "import unittest\nfrom pytest import raises\n"}, [PYTEST]),
    ({"tests/test_a.py": "def test_a():\n    assert True\n"}, [PYTEST]),
    ({"tests/conftest.py": ""}, [PYTEST]),
    ({"tests/test_a.py": "import unittest\n"}, [("test", "python3 -m unittest discover -s tests")]),
    ({"tests/test_a.py": "import unittest\n", "tests/__init__.py": ""}, [DISCOVER]),
    ({"node_modules/a/test_a.py": "import pytest\n", ".tox/test_a.py": "import pytest\n"}, [DISCOVER]),
]


@pytest.mark.parametrize(("files", "steps"), PYTHON_STEPS)
def test_python_runs_what_the_project_configures(
    tree: Path, root: Path, files: dict[str, str], steps: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    write(tree, files)
    assert steps_of("python", tree, root) == steps


NODE_STEPS = [
    ({"package.json": "{}"}, []),
    (
        {"package.json": '{"scripts": {"build": "b", "test": "t", "tsc": "c", "lint": "l", "other": "o"}}'},
        [("lint", "npm run lint"), ("types", "npm run tsc"), ("test", "npm run test"), ("build", "npm run build")],
    ),
    (
        {"package.json": '{"scripts": {"typecheck": "a", "type-check": "b"}}', "yarn.lock": ""},
        [("types", "yarn run typecheck")],
    ),
    ({"package.json": '{"scripts": {"test": "t"}}', "pnpm-lock.yaml": ""}, [("test", "pnpm run test")]),
    ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, []),
    ({"package.json": "{}", "test/a.js": ""}, [("test", "node --test")]),
    ({"package.json": '{"scripts": []}', "src/a.test.mjs": ""}, [("test", "node --test")]),
    ({"package.json": '{"scripts": {"lint": 7}}', "src/contest.js": ""}, []),
]


@pytest.mark.parametrize(("files", "steps"), NODE_STEPS)
def test_node_runs_the_scripts_that_there_are(
    tree: Path, root: Path, files: dict[str, str], steps: list[tuple[str, str]]
) -> None:
    write(tree, files)
    assert steps_of("node", tree, root) == steps


CARGO_TEST = ("test", "cargo test --workspace --no-fail-fast")
CLIPPY = ("lint", "cargo clippy --workspace --all-targets")


@pytest.mark.parametrize(
    ("files", "steps"),
    [
        ({"Cargo.toml": "[package]\n"}, [CARGO_TEST]),
        ({"Cargo.toml": "[workspace.lints.rust]\n"}, [CLIPPY, CARGO_TEST]),
        ({"Cargo.toml": "[lints.clippy]\n"}, [CLIPPY, CARGO_TEST]),
        (
            {"Cargo.toml": "", "clippy.toml": "", "rustfmt.toml": ""},
            [("lint", "cargo fmt --all --check"), CLIPPY, CARGO_TEST],
        ),
    ],
)
def test_rust_lints_where_the_project_says_how(
    tree: Path, root: Path, files: dict[str, str], steps: list[tuple[str, str]]
) -> None:
    write(tree, files)
    assert steps_of("rust", tree, root) == steps


def test_go_is_vetted_and_its_tests_are_counted(tree: Path, root: Path) -> None:
    assert steps_of("go", tree, root) == [("lint", "go vet ./..."), ("test", "go test -v ./...")]


def executable(file: Path) -> Path:
    write(file.parent, {file.name: "#!/bin/sh\n"})
    file.chmod(0o755)
    return file


def test_python_is_the_virtual_environments_else_the_repositorys_else_the_paths(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "venv"))
    found = [interpreter(Checkout(root))]
    executable(root / ".venv" / "bin" / "python")
    found.append(interpreter(Checkout(root)))
    executable(tmp_path / "venv" / "bin" / "python")
    found.append(interpreter(Checkout(root)))
    assert found == ["python3", str(root / ".venv/bin/python"), str(tmp_path / "venv/bin/python")]


def test_packages_are_imported_from_the_folders_that_the_tree_names_and_has(tree: Path) -> None:
    write(tree, {"src/a.py": "", "lib/b.py": ""})
    (tree / "out").symlink_to("/etc")
    where = "[tool.setuptools.packages.find]\nwhere = ['lib', 'out', '..', '/etc', 'gone', '.', 7]\n"
    write(tree, {"pyproject.toml": where})
    assert import_roots(tree) == ["src", "lib", "."]


HOSTILE = {
    "unparsable": "[[[[",
    "deep": "a = " + "[" * 100_000,
    "giant": "#" * 300_000 + "\n[tool.ruff]\n",
    "of another shape": "tool = 7\nproject = []\nlints = 'x'\nscripts = 1\n",
    "of odd tools": "[tool]\nruff = 1\nmypy = []\npytest = 'x'\nsetuptools = [1]\n",
    "JSON of another shape": '["scripts"]',
    "JSON too deep": "[" * 100_000,
    "binary": "\x00\x01\ufffd",
    "an odd ini": "no section\n[pytest\n[tool:pytest]]\nx",
}
READ_FILES = ("pyproject.toml", "package.json", "Cargo.toml", "setup.cfg", "tox.ini", "mypy.ini", "go.mod")


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
def test_files_that_cannot_be_read_configure_nothing(tree: Path, root: Path, content: str) -> None:
    write(tree, dict.fromkeys(READ_FILES, content))
    assert set(probe_all(tree, DEFAULTS)) == set(NAMES)
    assert [len(steps_of(name, tree, root)) for name in ("python", "node", "rust", "go")] == [1, 0, 1, 2]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "bytes"])
def test_files_that_are_no_files_configure_nothing(tree: Path, root: Path, tmp_path: Path, kind: str) -> None:
    write(tmp_path, {"outside.toml": "[tool.ruff]\n[lints]\n"})
    for name in READ_FILES:
        file = tree / name
        match kind:
            case "link":
                file.symlink_to(tmp_path / "outside.toml")
            case "pipe":
                os.mkfifo(file)
            case "folder":
                file.mkdir()
            case _:
                file.write_bytes(b"\xff\xfe[tool.ruff]\n")
    assert [len(steps_of(name, tree, root)) for name in ("python", "node", "rust", "go")] == [1, 0, 1, 2]


def test_links_to_folders_are_not_followed_for_tests(tree: Path, root: Path, tmp_path: Path) -> None:
    write(tmp_path, {"outside/test_a.py": "import pytest\n", "outside/a.test.js": ""})
    (tree / "tests").symlink_to(tmp_path / "outside")
    (tree / "loop").symlink_to(tree)
    assert steps_of("python", tree, root)[-1][1].endswith("unittest discover")
    assert steps_of("node", tree, root) == []


CONFIGURED = """\
[verify]
adapter = "python"
timeout_seconds = 5
environment = ["DATABASE_URL"]

[[verify.steps]]
name = "imports"
kind = "test"
argv = ["{python}", "-c", "import shop"]
folder = "web"
count_pattern = '^(\\d+) import'
"""


def test_swarm_toml_says_what_proves_a_repository(tmp_path: Path) -> None:
    write(tmp_path, {"swarm.toml": CONFIGURED})
    step = VerifyStep("imports", "test", ("{python}", "-c", "import shop"), "web", r"^(\d+) import")
    assert config.judged(config.find(tmp_path), Trust(everything=True)).verify == VerifyConfig(
        "python", 5, ("DATABASE_URL",), (step,)
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (r"^(\d+) import", "(", "$.verify.steps[0].count_pattern: it is no regular expression"),
        (r"^(\d+) import", "x", "$.verify.steps[0].count_pattern: it has 0 groups, not one"),
        (r"^(\d+) import", "(a)(b)", "$.verify.steps[0].count_pattern: it has 2 groups, not one"),
        ('"test"', '"proof"', "$.verify.steps[0].kind"),
        ('"imports"', '"../imports"', "$.verify.steps[0].name"),
        ('"python"', '"cobol"', "$.verify.adapter"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(tmp_path: Path, old: str, new: str, problem: str) -> None:
    write(tmp_path, {"swarm.toml": CONFIGURED.replace(old, new, 1)})
    with pytest.raises(errors.ConfigInvalid) as refused:
        config.judged(config.find(tmp_path), Trust(everything=True))
    assert problem in str(refused.value)

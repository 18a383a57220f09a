"""Python: ruff and mypy where the project configures them, then pytest or unittest.

There is no build step: to build a wheel takes a backend, and often a network, that a scratch worktree does not have. A
project that wants its wheel proved names the step in `swarm.toml`.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from swarm.builds import python_project as project
from swarm.builds.adapter import BuildStep
from swarm.builds.checkout import Checkout
from swarm.builds.interpreters import FALLBACK, interpreter, python_environment, takes_plugins
from swarm.builds.project_files import is_file
from swarm.builds.recorders import Runner
from swarm.runtimes import programs

_NO_TESTS: Final = frozenset({5})  # pytest, and unittest since Python 3.12


class Python:
    """Proves a Python project with the interpreter that the user has for it."""

    name = "python"

    def probe(self, tree: Path) -> int:
        """Return how much of a Python project the tree is."""
        tests = project.test_files(tree)
        if project.is_project(tree):
            return 80 if tests or project.configures_pytest(tree) else 50
        if tests or is_file(tree, "requirements.txt"):
            return 40
        return 20 if any(tree.glob("*.py")) else 0

    def steps(self, tree: Path, checkout: Checkout) -> list[BuildStep]:
        """Return lint, types and tests."""
        python = interpreter(checkout)
        variables = python_environment(tree, python, checkout)
        steps = []
        if project.configures_ruff(tree):
            # Where a configuration says `fix = true`, the tests would run with files that are not those of the commit.
            argv = (_ruff(python, checkout), "check", "--no-fix", "--no-fix-only", ".")
            steps.append(BuildStep("ruff", "lint", argv, environment=variables))
        settings = project.mypy_settings(tree)
        if settings is not None:
            targets = () if any(key in settings for key in ("files", "packages", "modules")) else (".",)
            # A module of the tree named mypy must not replace the checker.
            safe = {**variables, "PYTHONPATH": "", "PYTHONSAFEPATH": "1"}
            # In the plain form each error ends with its code, by which a merge compares the errors with the target's.
            argv = (python, "-m", "mypy", "--no-pretty", "--show-error-codes", *targets)
            steps.append(BuildStep("mypy", "types", argv, environment=safe))
        return [*steps, _tests(tree, python, variables)]


def _ruff(python: str, checkout: Checkout) -> str:
    """Return the project's ruff, else the one on PATH, else ours: ruff needs no interpreter, and runs no code."""
    beside = Path(python).with_name("ruff")
    if python != FALLBACK and os.access(beside, os.X_OK):
        return str(beside)
    return shutil.which("ruff", path=checkout.path()) or programs.found("ruff") or "ruff"


def _tests(tree: Path, python: str, variables: Mapping[str, str]) -> BuildStep:
    files = project.test_files(tree)
    if project.configures_pytest(tree) or project.tests_ask_for_pytest(tree, files):
        # Above the tree lies the user's own checkout, whose conftest.py is no part of the commit.
        tool, is_recorded = "pytest", takes_plugins(python)
        arguments: tuple[str, ...] = ("--rootdir=.", "--confcutdir=.")
    else:
        tool, is_recorded, arguments = "unittest", True, ("discover", *_start(tree, files))
    return BuildStep(
        name=tool,
        kind="test",
        argv=(python, "-m", tool, *arguments),
        environment=variables,
        tool=tool,
        empty_codes=_NO_TESTS,
        runner=Runner.PYTHON if is_recorded else None,
    )


def _start(tree: Path, files: list[str]) -> tuple[str, ...]:
    """Return the start of discovery: from the root, unittest does not enter a folder without `__init__.py`."""
    for folder in ("tests", "test"):
        if any(name.startswith(f"{folder}/") for name in files) and not is_file(tree, f"{folder}/__init__.py"):
            return ("-s", folder)
    return ()

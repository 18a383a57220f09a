"""Settings of a Python project, read from its files without running any of them."""

import re
from pathlib import Path, PurePosixPath
from typing import Any, Final

from swarm.builds.project_files import is_file, names_below, read_ini, read_text, read_toml, table

MOST_TEST_FILES: Final = 300
_ASKS_FOR_PYTEST: Final = re.compile(
    r"^[ \t]*(?:import[ \t]+pytest\b|from[ \t]+pytest\b)|^(?:async[ \t]+)?def[ \t]+test", re.MULTILINE
)


def is_project(tree: Path) -> bool:
    """Say whether the tree calls itself a Python project."""
    document = read_toml(tree, "pyproject.toml")
    if any(table(document, key) is not None for key in ("project", "build-system")) or table(
        document, "tool", "poetry"
    ):
        return True
    return is_file(tree, "setup.py") or "metadata" in read_ini(tree, "setup.cfg")


def configures_ruff(tree: Path) -> bool:
    """Say whether the tree configures ruff."""
    return (
        table(read_toml(tree, "pyproject.toml"), "tool", "ruff") is not None
        or is_file(tree, "ruff.toml")
        or is_file(tree, ".ruff.toml")
    )


def mypy_settings(tree: Path) -> dict[str, Any] | None:
    """Return the settings of mypy, from the file that mypy itself would take; `None` where it is not configured."""
    for name in ("mypy.ini", ".mypy.ini"):
        if "mypy" in (sections := read_ini(tree, name)):
            return dict(sections["mypy"])
    settings = table(read_toml(tree, "pyproject.toml"), "tool", "mypy")
    return settings if settings is not None else read_ini(tree, "setup.cfg").get("mypy")


def configures_pytest(tree: Path) -> bool:
    """Say whether the tree configures pytest."""
    tool = table(read_toml(tree, "pyproject.toml"), "tool", "pytest")
    return (
        tool is not None
        or any(is_file(tree, name) for name in ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml"))
        or "pytest" in read_ini(tree, "tox.ini")
        or "tool:pytest" in read_ini(tree, "setup.cfg")
    )


def tests_ask_for_pytest(tree: Path, files: list[str]) -> bool:
    """Say whether tests import pytest, or are written as functions, which no other runner finds."""
    if any(PurePosixPath(name).name == "conftest.py" for name in files):
        return True
    return any(_ASKS_FOR_PYTEST.search(read_text(tree, name) or "") for name in files[:MOST_TEST_FILES])


def test_files(tree: Path) -> list[str]:
    """Return the files of tests by their names, nearest first."""
    return [name for name in names_below(tree) if _is_test_file(PurePosixPath(name).name)]


def _is_test_file(name: str) -> bool:
    return name == "conftest.py" or (name.endswith(".py") and (name.startswith("test") or name.endswith("_test.py")))

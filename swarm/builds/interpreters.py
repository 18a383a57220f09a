"""The Python that proves a project, and the variables by which that Python imports the tree."""

import os
from pathlib import Path
from typing import Any, Final

from swarm.builds.project_files import is_folder, read_toml, table
from swarm.search_path import absolute_path

FALLBACK: Final = "python3"


def interpreter(repository_root: Path) -> str:
    """Return the Python of `VIRTUAL_ENV`, else of the repository's `.venv`, else `python3`."""
    environments = (Path(os.environ["VIRTUAL_ENV"]),) if os.environ.get("VIRTUAL_ENV") else ()
    for folder in (*environments, repository_root / ".venv"):
        found = folder / "bin" / "python"
        if found.is_file() and os.access(found, os.X_OK):
            return str(found)
    return FALLBACK


def python_environment(tree: Path, python: str) -> dict[str, str]:
    """Return the variables under which Python imports the code of the tree, in child processes as well."""
    # PYTHONPATH comes before site-packages, where an editable install leads to the user's own checkout.
    roots = [str(tree / name) for name in import_roots(tree)]
    variables = {"PYTHONPATH": os.pathsep.join(roots), "PYTHONDONTWRITEBYTECODE": "1"}
    if python == FALLBACK:
        return variables
    programs = Path(python).parent
    path = os.pathsep.join((str(programs), absolute_path()))
    return {**variables, "VIRTUAL_ENV": str(programs.parent), "PATH": path}


def import_roots(tree: Path) -> list[str]:
    """Return the folders of the tree that packages are imported from, itself last."""
    tools = table(read_toml(tree, "pyproject.toml"), "tool", "setuptools") or {}
    named: list[Any] = [(table(tools, "package-dir") or {}).get("")]
    where = (table(tools, "packages", "find") or {}).get("where")
    named += where if isinstance(where, list) else []
    roots = [name for name in ("src", *named) if isinstance(name, str) and name != "." and is_folder(tree, name)]
    return [*dict.fromkeys(roots), "."]

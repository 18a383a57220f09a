"""The Python that proves a project, and the variables by which that Python imports the tree."""

import os
from pathlib import Path
from typing import Any, Final

from swarm.builds.checkout import Checkout
from swarm.builds.project_files import is_folder, read_toml, table

FALLBACK: Final = "python3"


def interpreter(checkout: Checkout) -> str:
    """Return the Python of `VIRTUAL_ENV`, else of the checkout's `.venv`, else `python3`; none that git brought."""
    usable = (folder for folder in _environments(checkout) if not _brought(folder, checkout))
    return next((str(_program(folder)) for folder in usable), FALLBACK)


def takes_plugins(python: str) -> bool:
    """Say whether a Python's pytest takes a plugin: a program in the place of pytest may print a summary alone.

    The folder of its packages decides, which no file of the commit can be in: what runs could leave its report out.
    """
    packages = [folder for folder in Path(python).parent.parent.glob("lib/python3*/site-packages") if folder.is_dir()]
    stands_in = any((folder / "pytest").is_dir() for folder in packages)
    return python == FALLBACK or not stands_in or any((folder / "_pytest").is_dir() for folder in packages)


def passed_over(checkout: Checkout) -> tuple[str, ...]:
    """Return a sentence for each Python that stands before the one in use, and that is not used."""
    folders = [folder for folder in _environments(checkout) if _brought(folder, checkout)]
    return tuple(
        f"the Python of {folder} is not used: git tracks it, or an agent's tree holds it" for folder in folders
    )


def _environments(checkout: Checkout) -> list[Path]:
    named = (Path(os.environ["VIRTUAL_ENV"]),) if os.environ.get("VIRTUAL_ENV") else ()
    made = (checkout.installed,) if checkout.installed else ()
    folders = dict.fromkeys((*made, *named, checkout.root / ".venv"))
    return [folder for folder in folders if _program(folder).is_file() and os.access(_program(folder), os.X_OK)]


def _program(folder: Path) -> Path:
    return folder / "bin" / "python"


def _brought(folder: Path, checkout: Checkout) -> bool:
    return folder != checkout.installed and (checkout.brings(folder) or checkout.brings(_program(folder)))


def python_environment(tree: Path, python: str, checkout: Checkout) -> dict[str, str]:
    """Return the variables under which Python imports the code of the tree, in child processes as well."""
    # PYTHONPATH comes before site-packages, where an editable install leads to the user's own checkout.
    roots = [str(tree / name) for name in import_roots(tree)]
    variables = {"PYTHONPATH": os.pathsep.join(roots), "PYTHONDONTWRITEBYTECODE": "1"}
    if python == FALLBACK:
        return variables
    programs = Path(python).parent
    path = os.pathsep.join((str(programs), checkout.path()))
    return {**variables, "VIRTUAL_ENV": str(programs.parent), "PATH": path}


def import_roots(tree: Path) -> list[str]:
    """Return the folders of the tree that packages are imported from, itself last."""
    tools = table(read_toml(tree, "pyproject.toml"), "tool", "setuptools") or {}
    named: list[Any] = [(table(tools, "package-dir") or {}).get("")]
    where = (table(tools, "packages", "find") or {}).get("where")
    named += where if isinstance(where, list) else []
    roots = [name for name in ("src", *named) if isinstance(name, str) and name != "." and is_folder(tree, name)]
    return [*dict.fromkeys(roots), "."]

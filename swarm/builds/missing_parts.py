"""Find the files that a tree under proof lacks beside those of its commit: their absence may make its build red."""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from swarm.builds.adapter import StepOutcome
from swarm.builds.node_modules import package_folders
from swarm.builds.project_files import names_below, read_json, table

_MOST_NAMED: Final = 5
_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_LARGEST_POINTER: Final = 1024
_MISSING_MODULE: Final = re.compile(
    r"No module named '?([A-Za-z_][\w.]*)|Cannot find (?:module|package) ['\"]([^'\"./][^'\"]*)['\"]"
)


def lacks_of(tree: Path, repository_root: Path, steps: Sequence[StepOutcome]) -> tuple[str, ...]:
    """Return the pointer files, the packages and the modules that a tree lacks, a phrase for each kind."""
    pointers = _named(_pointer_files(tree))
    packages = _named(_without_packages(tree, repository_root))
    failed = (text for step in steps if not step.passed for text in (step.stdout, step.stderr))
    modules = _named(dict.fromkeys(found[1] or found[2] for text in failed for found in _MISSING_MODULE.finditer(text)))
    foreign = _named(dict.fromkeys(file for step in steps for file in step.foreign))
    phrases = {
        "content of the LFS files {}": pointers,
        "node_modules for {} (`npm ci` in your checkout installs them, or `[verify] setup` of swarm.toml)": packages,
        "module {} (`[verify] setup` of swarm.toml installs what the tests need, as in your checkout "
        "`python -m pip install -e .` or `npm ci` does)": modules,
        "an import path to {}, which was imported from the checkout": foreign,
    }
    return tuple(phrase.format(names) for phrase, names in phrases.items() if names)


def _named(names: Iterable[str]) -> str:
    first = list(itertools.islice(names, _MOST_NAMED + 1))
    return ", ".join([*first[:_MOST_NAMED], *(["…"] if len(first) > _MOST_NAMED else [])])


def _pointer_files(tree: Path) -> Iterator[str]:
    for name in names_below(tree):
        file = tree / name
        try:
            if file.stat().st_size <= _LARGEST_POINTER and file.read_bytes().startswith(_POINTER):
                yield name
        except OSError:
            continue


def _without_packages(tree: Path, repository_root: Path) -> Iterator[str]:
    """Yield each package.json with dependencies whose packages are in no node_modules beside or above it."""
    for folder in package_folders(tree):
        manifest = read_json(tree / folder, "package.json")
        has_needs = any(table(manifest, key) for key in ("dependencies", "devDependencies"))
        places = (folder, *folder.parents)
        if has_needs and not any((repository_root / place / "node_modules").is_dir() for place in places):
            yield str(folder / "package.json")

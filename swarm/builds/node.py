"""Node: the scripts lint, typecheck, test and build of package.json, else node's own test runner."""

import os
import re
import subprocess
from pathlib import Path, PurePosixPath
from typing import Final

from swarm.builds.adapter import BuildStep
from swarm.builds.checkout import Checkout
from swarm.builds.node_scripts import package_runner
from swarm.builds.project_files import is_file, names_below, read_json, table
from swarm.builds.recorders import Runner
from swarm.rules.build_verdicts import StepKind

_MANAGERS: Final = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn"}
# In the order of their run; of several scripts that check types the first is enough.
_SCRIPTS: Final[dict[str, StepKind]] = {
    "lint": "lint",
    "typecheck": "types",
    "type-check": "types",
    "tsc": "types",
    "test": "test",
    "build": "build",
}
# The script that `npm init` writes for a package without tests.
_PLACEHOLDER: Final = "no test specified"
# The files that `node --test` finds by itself.
_SUFFIXES: Final = {".js", ".cjs", ".mjs"}
_VERSION: Final = re.compile(r"v(\d+)\.(\d+)\.")
_FIRST_WITH_REPORTERS: Final = (18, 15)
_SECONDS: Final = 10
_TEST_NAME: Final = re.compile(r"(?:.*[.\-_]test|test(?:-.*)?)\.[cm]?js")


class Node:
    """Proves a package by its own scripts."""

    name = "node"

    def probe(self, tree: Path) -> int:
        """Return how much of a node package the tree is; a package.json without tests may only carry tools."""
        if not is_file(tree, "package.json"):
            return 0
        return 80 if "test" in _scripts(tree) or _has_test_files(tree) else 50

    def steps(self, tree: Path, checkout: Checkout) -> list[BuildStep]:
        """Return the scripts of the package, in order."""
        scripts = _scripts(tree)
        manager = next((name for lock, name in _MANAGERS.items() if is_file(tree, lock)), "npm")
        steps: list[BuildStep] = []
        for script, kind in _SCRIPTS.items():
            if script in scripts:
                if kind not in {step.kind for step in steps}:
                    argv = (manager, "run", script)
                    is_recorded = kind == "test" and takes_reporters(checkout)
                    runner = package_runner(argv, tree) if is_recorded else None
                    steps.append(BuildStep(script, kind, argv, runner=runner))
            elif kind == "test" and _has_test_files(tree):
                runner = Runner.NODE if takes_reporters(checkout) else None
                steps.append(BuildStep("node-test", kind, ("node", "--test"), tool="node", runner=runner))
        return steps


def takes_reporters(checkout: Checkout) -> bool:
    """Say whether the node on PATH takes reporters for its tests, by its version."""
    environment = {**os.environ, "PATH": checkout.path()}
    try:
        done = subprocess.run(
            ("node", "--version"), env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    found = _VERSION.match(done.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= _FIRST_WITH_REPORTERS


def _scripts(tree: Path) -> dict[str, str]:
    scripts = table(read_json(tree, "package.json"), "scripts") or {}
    return {
        name: line
        for name, line in scripts.items()
        if isinstance(line, str) and line.strip() and not (name == "test" and _PLACEHOLDER in line)
    }


def _has_test_files(tree: Path) -> bool:
    return any(
        _TEST_NAME.fullmatch(path.name) or ("test" in path.parts[:-1] and path.suffix in _SUFFIXES)
        for path in map(PurePosixPath, names_below(tree))
    )

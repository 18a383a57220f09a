"""Commands and scripts of package.json that are, in the end, a single run of jest, vitest or mocha."""

import re
import shlex
from pathlib import Path, PurePosixPath
from typing import Any, Final

from swarm.builds.node_modules import FOLDER
from swarm.builds.project_files import is_file, read_json, table
from swarm.builds.recorders import Runner

_PACKAGES: Final = {runner.value: runner for runner in Runner if runner.is_package}
# The oldest versions that take the recorder.
_OLDEST: Final = {Runner.JEST: 27, Runner.VITEST: 1, Runner.MOCHA: 8}
_MANAGERS: Final = {"npm", "pnpm", "yarn"}
_NOT_RUNS: Final = {"bench", "dev", "init", "list", "typecheck", "watch", "--", "--watch", "--watchAll", "-w"}
_PROGRAM: Final = re.compile(r"(?:.*/)?node_modules/(?:\.bin/(\w+)|(?:(jest|mocha)/bin/|(vitest)/)[\w.]+)")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_AMBIGUOUS: Final = re.compile(r"[|;<>()$`\n\\#]|&")
# Words by which another part of a script may run tests, too.
_RUNS: Final = re.compile(r"\b(?:jest|vitest|mocha|npm|npx|pnpm|yarn|bun|run-[sp]|turbo|lerna|nx|node)\b")
_COVERAGE: Final = {"c8", "nyc"}


def package_runner(argv: tuple[str, ...], tree: Path, folder: str = ".") -> Runner | None:
    """Return the runner that a command in a folder of the tree starts, directly or by a script of package.json.

    `None` where the command is another one, where it is not certain to be a single run, or its runner is too old.
    """
    words = list(argv)
    runner = _through_manager(words, tree / folder) if words[0] in _MANAGERS else _runner(words)
    if runner is None:
        return None
    version = _version(tree, PurePosixPath(folder), runner)
    return None if version is not None and version < _OLDEST[runner] else runner


def _through_manager(argv: list[str], folder: Path) -> Runner | None:
    manager, *words = argv
    scripts = table(read_json(folder, "package.json"), "scripts") or {}
    match words:
        case ["run" | "run-script", name, *_] if name in scripts:
            return _of_script(name, scripts)
        case ["test" | "t", *_]:
            return _of_script("test", scripts)
        case ["run" | "exec", *rest] if manager != "npm":
            return _runner(rest)
        case [name, *_] if manager != "npm":
            return _of_script(name, scripts) if name in scripts else _runner(words)
    return None


def _of_script(name: str, scripts: dict[str, Any]) -> Runner | None:
    """Return the runner of a script, a line of the shell; options that are added reach its last command alone."""
    *before, last = str(scripts.get(name, "")).split("&&")
    beside = (*before, *(str(scripts.get(f"{when}{name}", "")) for when in ("pre", "post")))
    if any(map(_AMBIGUOUS.search, (*before, last))) or any(map(_RUNS.search, beside)):
        return None
    try:
        return _runner(shlex.split(last))
    except ValueError:
        return None


def _runner(words: list[str]) -> Runner | None:
    """Return the runner of a simple command, behind assignments and programs that run another program."""
    while words and (_ASSIGNMENT.fullmatch(words[0]) or words[0] == "cross-env"):
        words = words[1:]
    if words and words[0] in {"npx", "node"} | _COVERAGE:
        first = words[0]
        words = words[1:]
        while words and words[0].startswith("-"):
            words = words[1:]
        if first == "node" and not (words and _PROGRAM.fullmatch(words[0])):
            return None
    if not words or _NOT_RUNS & set(words):
        return None
    found = _PROGRAM.fullmatch(words[0])
    return _PACKAGES.get(next(filter(None, found.groups())) if found else words[0])


def _version(tree: Path, folder: PurePosixPath, runner: Runner) -> int | None:
    """Return the first number of the version that is installed nearest to a folder of the tree."""
    for place in (folder, *folder.parents):
        name = str(place / FOLDER / runner / "package.json")
        if is_file(tree, name):
            found = re.match(r"\d+", str(read_json(tree, name).get("version")))
            return int(found[0]) if found else None
    return None

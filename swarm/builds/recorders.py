"""Test runners that report their tests apart from what the tests print, and the commands that start them so."""

import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from swarm.builds.go_events import GoEvents
from swarm.builds.python_commands import python_run
from swarm.builds.run_report import ReportPlace

Recording = ReportPlace | GoEvents


class Runner(StrEnum):
    """Runners that can be recorded; `PYTHON` is pytest and unittest."""

    PYTHON = "python"
    NODE = "node"
    GO = "go"
    JEST = "jest"
    VITEST = "vitest"
    MOCHA = "mocha"

    @property
    def is_package(self) -> bool:
        """Whether the runner is a package of node, which a script may start."""
        return self in _OPTIONS


_HOOKS: Final = {kind: Path(__file__).with_name(f"report_hook.{kind}") for kind in ("py", "mjs", "cjs")}
_KINDS: Final = {Runner.PYTHON: "py", Runner.NODE: "mjs"}
# The option that adds a reporter, and the reporter whose text is read for the names of failures.
_OPTIONS: Final = {
    Runner.JEST: ("--reporters", "--reporters=default"),
    Runner.VITEST: ("--reporter", "--reporter=default"),
    Runner.MOCHA: ("--require", None),
}


def runner_of(argv: tuple[str, ...]) -> Runner | None:
    """Return the runner of pytest or unittest, `node --test` without a reporter, or `go test`."""
    if argv[:2] == ("go", "test") and not any(word.lstrip("-").startswith("json") for word in argv):
        return Runner.GO
    if argv[:2] == ("node", "--test") and not any(word.startswith("--test-reporter") for word in argv):
        return Runner.NODE
    return Runner.PYTHON if python_run(argv) else None


def made_place(folder: Path, runner: Runner) -> ReportPlace:
    """Make the file of a report in a new folder, and the hook of a runner in a folder beside it."""
    source = _HOOKS[_KINDS.get(runner, "cjs")]
    hook = folder.with_name(f"{folder.name}.hook") / source.name
    place = ReportPlace(folder / "report", hook, secrets.token_hex().encode())
    for file, content in ((place.file, place.key), (place.hook, source.read_bytes())):
        file.parent.mkdir()
        file.write_bytes(content)
    return place


def recorded(argv: tuple[str, ...], runner: Runner, place: Recording, python: str) -> tuple[str, ...]:
    """Return the command that runs the same tests with a recorder; `python` runs what a script of pytest would."""
    if isinstance(place, GoEvents):
        return (*argv[:2], "-json", *argv[2:])
    if runner.is_package:
        option, default = _OPTIONS[runner]
        has_reporter = any(word.startswith(option) for word in argv)
        # npm takes options before this word for its own.
        divided = ["--"] if argv[0] == "npm" and "--" not in argv else []
        return (*argv, *divided, *([default] if default and not has_reporter else []), f"{option}={place.hook}")
    if runner is Runner.NODE:
        # A reporter takes the place of node's own, whose text is read for the names of failures.
        reporters = ("spec", place.hook.as_uri())
        options = [
            word for name in reporters for word in (f"--test-reporter={name}", "--test-reporter-destination=stdout")
        ]
        return (argv[0], *options, *argv[1:])
    run = python_run(argv)
    if run is None:
        return argv
    started = (*run.before, python) if run.is_script else run.before
    return (*started, str(place.hook), str(place.file), "script" if run.is_script else run.module, *run.after)


def variables(runner: Runner, place: Recording, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a recorded command: node loads the hook before the runner loads files of the tree."""
    if isinstance(place, GoEvents) or not runner.is_package:
        return dict(environment)
    options = f'{environment.get("NODE_OPTIONS", "")} --require "{place.hook}"'
    return {**environment, "NODE_OPTIONS": options}

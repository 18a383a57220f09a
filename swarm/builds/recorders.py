"""Test runners that report their tests apart from what the tests print, and the commands that start them so."""

import re
import secrets
from pathlib import Path, PurePath
from typing import Final

from swarm.builds.go_events import GoEvents
from swarm.builds.run_report import ReportPlace

Recording = ReportPlace | GoEvents
_PYTHON: Final = re.compile(r"python[\d.]*")
_OPTION: Final = re.compile(r"-[bBdEIOPqsSuvx]+|-[WX].+")
_RUNNERS: Final = ("pytest", "unittest")
_HOOKS: Final = {kind: Path(__file__).with_name(f"report_hook.{kind}") for kind in ("py", "mjs")}


def records(argv: tuple[str, ...]) -> bool:
    """Say whether a command is `python -m pytest` or `unittest`, `node --test` without a reporter, or `go test`."""
    return _is_node(argv) or _is_python(argv) or is_go(argv)


def is_go(argv: tuple[str, ...]) -> bool:
    """Say whether a command is `go test` that prints text."""
    return argv[:2] == ("go", "test") and not any(word.lstrip("-").startswith("json") for word in argv)


def _is_node(argv: tuple[str, ...]) -> bool:
    return argv[:2] == ("node", "--test") and not any(word.startswith("--test-reporter") for word in argv)


def _is_python(argv: tuple[str, ...]) -> bool:
    if not _PYTHON.fullmatch(PurePath(argv[0]).name) or "-m" not in argv[1:-1]:
        return False
    place = argv.index("-m", 1)
    return argv[place + 1] in _RUNNERS and all(map(_OPTION.fullmatch, argv[1:place]))


def made_place(folder: Path, argv: tuple[str, ...]) -> ReportPlace:
    """Make the file of a report in a new folder, and the hook of a runner in a folder beside it."""
    source = _HOOKS["mjs" if _is_node(argv) else "py"]
    hook = folder.with_name(f"{folder.name}.hook") / source.name
    place = ReportPlace(folder / "report", hook, secrets.token_hex().encode())
    for file, content in ((place.file, place.key), (place.hook, source.read_bytes())):
        file.parent.mkdir()
        file.write_bytes(content)
    return place


def recorded(argv: tuple[str, ...], place: Recording) -> tuple[str, ...]:
    """Return the command that runs the same tests with a recorder."""
    if isinstance(place, GoEvents):
        return (*argv[:2], "-json", *argv[2:])
    if _is_node(argv):
        # A reporter takes the place of node's own, whose text is read for the names of failures.
        reporters = ("spec", place.hook.as_uri())
        options = [
            word for name in reporters for word in (f"--test-reporter={name}", "--test-reporter-destination=stdout")
        ]
        return (argv[0], *options, *argv[1:])
    at = argv.index("-m", 1)
    return (*argv[:at], str(place.hook), str(place.file), *argv[at + 1 :])

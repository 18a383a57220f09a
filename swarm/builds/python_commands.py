"""Commands that run pytest or unittest: by `python -m`, by the script of pytest, or by a manager of environments."""

import re
import shutil
from pathlib import Path, PurePath
from typing import Final, NamedTuple

_PYTHON: Final = re.compile(r"python[\d.]*")
_OPTION: Final = re.compile(r"-[bBdEIOPqsSuvx]+|-[WX].+")
_MODULES: Final = ("pytest", "unittest")
_SCRIPTS: Final = ("pytest", "py.test")
_MANAGERS: Final = ("uv", "poetry", "pdm", "hatch", "pipenv")
# First line of a script that pip or another installer wrote.
_FIRST_LINE: Final = re.compile(rb"#!(/[^ \n]*/python[\d.]*)\r?\n")
_LONGEST: Final = 512


class PythonRun(NamedTuple):
    """A command around the words that name its module; a script does not import from the current folder first."""

    before: tuple[str, ...]
    module: str
    after: tuple[str, ...]
    is_script: bool


def python_run(argv: tuple[str, ...]) -> PythonRun | None:
    """Return the run of pytest or unittest that a command is, `None` for any other command."""
    at = _managed(argv)
    before, words = argv[:at], argv[at:]
    if not words:
        return None
    name = PurePath(words[0]).name
    if name in _SCRIPTS:
        return PythonRun(before, "pytest", words[1:], is_script=True)
    if not _PYTHON.fullmatch(name) or "-m" not in words[1:-1]:
        return None
    place = words.index("-m", 1)
    module = words[place + 1]
    if module not in _MODULES or not all(map(_OPTION.fullmatch, words[1:place])):
        return None
    return PythonRun((*before, *words[:place]), module, words[place + 2 :], is_script=False)


def is_managed(argv: tuple[str, ...]) -> bool:
    """Say whether a manager of environments chooses the Python of a command."""
    return _managed(argv) > 0


def _managed(argv: tuple[str, ...]) -> int:
    """Return the number of words before the command that a manager runs; an option has its value in the same word."""
    if argv[0] not in _MANAGERS or argv[1:2] != ("run",):
        return 0
    return next((at for at, word in enumerate(argv) if at > 1 and not word.startswith("--")), len(argv))


def interpreter_of(script: str, folder: Path, path: str) -> str | None:
    """Return the Python that the first line of a script names, `None` where it names none."""
    found = shutil.which(str(folder / script) if "/" in script else script, path=path)
    try:
        with Path(found or "").open("rb") as file:
            line = _FIRST_LINE.match(file.read(_LONGEST))
    except OSError:
        return None
    return line[1].decode("utf-8", "surrogateescape") if line else None

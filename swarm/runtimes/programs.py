"""Find a program, and read its version."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from swarm.ahead import begun
from swarm.runtimes.environment import agent_environment
from swarm.search_path import absolute_path, path_outside

VERSION_SECONDS = 10.0


def found(name: str) -> str | None:
    """Return the path of a program that a trusted configuration names: beside this interpreter, else on PATH."""
    return _found(name, Path(sys.executable).parent, absolute_path())


def bundled(name: str) -> str | None:
    """Return the path of a bundled analyzer, which runs without trust: never a program of the repository.

    The folder of this interpreter counts even within the repository: swarm itself came from there.
    """
    return _found(name, Path(sys.executable).parent, path_outside())


@cache
def _found(name: str, own: Path, path: str) -> str | None:
    beside = own / name
    if os.sep not in name and beside.is_file() and os.access(beside, os.X_OK):
        return str(beside)
    return shutil.which(name, path=path)


@cache
def asked(argv: tuple[str, ...], folder: str | None = None) -> Callable[[], str | None]:
    """Ask a program for its version, and return a function that waits for the answer, as `version` returns it."""
    return begun(partial(_version, argv, folder))


def version(argv: tuple[str, ...], folder: str | None = None) -> str | None:
    """Return the first version number that a program prints, `None` when it prints none in time.

    The program runs in `folder`, else in the working folder.
    """
    return asked(argv, folder)()


def no_version() -> None:
    """Return the version of a program that nobody can ask."""


def _version(argv: tuple[str, ...], folder: str | None) -> str | None:
    try:
        done = subprocess.run(
            argv,
            env=agent_environment({}),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VERSION_SECONDS,
            check=False,
            start_new_session=True,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    number = re.search(rb"\d+\.\d+[\w.+-]*", done.stdout + b" " + done.stderr)
    return number[0].decode() if number else None

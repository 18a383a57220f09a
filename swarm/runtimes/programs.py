"""Find a program, and read its version."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from swarm.runtimes.environment import agent_environment

VERSION_SECONDS = 10.0


@cache
def found(name: str) -> str | None:
    """Return the path of a program: beside this interpreter, where the analyzers are installed, else on PATH."""
    beside = Path(sys.executable).parent / name
    if os.sep not in name and beside.is_file() and os.access(beside, os.X_OK):
        return str(beside)
    return shutil.which(name)


@cache
def version(argv: tuple[str, ...]) -> str | None:
    """Return the first version number that a program prints, `None` when it prints none in time."""
    try:
        done = subprocess.run(
            argv,
            env=agent_environment({}),
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

"""Login of a coding agent: where it comes from, and a home folder with a private copy of it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from swarm.runtimes.runtime import CliFacts
from swarm.scratch import scratch_folder


def auth_source(facts: CliFacts, environment: Mapping[str, str], home: Path) -> str | None:
    """Return where a login comes from: the name of a variable, or a file below home as `~/PATH`; `None` for nowhere."""
    named = next((name for name in facts.credential if environment.get(name)), None)
    if named:
        return named
    return next((f"~/{path}" for path in facts.signed_in if (home / path).is_file()), None)


@contextmanager
def private_home(facts: CliFacts, home: Path) -> Iterator[Path]:
    """Give a folder with a copy of an agent's login, in the place of home; it is removed with everything in it.

    The agent may write to it as to its own home. Nothing that it changes reaches another agent, or its user.
    """
    with scratch_folder() as folder:
        # Below it: the folder itself has a mark of its maker.
        own = folder / "home"
        own.mkdir()
        for path in facts.login:
            _copy(home / path, own / path)
        yield own


def _copy(source: Path, target: Path) -> None:
    # A file that vanished or cannot be read is a login that is not there; the program says so itself.
    with suppress(OSError, shutil.Error):
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore_dangling_symlinks=True)
        elif source.is_file():
            shutil.copy2(source, target)
            os.chmod(target, 0o600)  # noqa: PTH101

"""Login of a coding agent: where it comes from, and a home folder with a private copy of it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from swarm.rules.sandbox_policy import is_below
from swarm.runtimes.runtime import CliFacts
from swarm.scratch import scratch_folder

# The variables by which a user moves a folder of a program out of the home folder, and its usual place there.
_MOVED: Final = (
    (".claude", "CLAUDE_CONFIG_DIR"),
    (".codex", "CODEX_HOME"),
    (".config", "XDG_CONFIG_HOME"),
    (".local/share", "XDG_DATA_HOME"),
)
# Claude Code moves this file, which lies beside its folder, into the folder.
_BESIDE: Final = (".claude.json", "CLAUDE_CONFIG_DIR")


class _Place(NamedTuple):
    path: Path
    shown: str


def _place_of(path: str, environment: Mapping[str, str], home: Path) -> _Place:
    """Return where a file that is usually below home lies, and its place in words that name no value."""
    for usual, variable in _MOVED:
        folder = environment.get(variable, "")
        # A relative folder would be another one in each tree.
        if os.path.isabs(folder) and (rest := _below(path, usual, variable)) is not None:  # noqa: PTH117
            return _Place(Path(folder, rest), f"${variable}/{rest}".rstrip("/"))
    return _Place(home / path, f"~/{path}")


def _below(path: str, usual: str, variable: str) -> str | None:
    if (path, variable) == _BESIDE:
        return path
    return path[len(usual) + 1 :] if is_below(path, usual) else None


def auth_source(facts: CliFacts, environment: Mapping[str, str], home: Path) -> str | None:
    """Return where a login comes from: the name of a variable, or a file as `~/PATH` or `$CODEX_HOME/PATH`.

    `None` stands for no login.
    """
    named = next((name for name in facts.credential if environment.get(name)), None)
    if named:
        return named
    places = (_place_of(path, environment, home) for path in facts.signed_in)
    return next((place.shown for place in places if place.path.is_file()), None)


@contextmanager
def private_home(facts: CliFacts, environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    """Give a folder with a copy of an agent's login, in the place of home; it is removed with everything in it.

    The copy lies in the usual places, wherever variables of the environment have moved them.

    The agent may write to it as to its own home. Nothing that it changes reaches another agent, or its user.
    """
    with scratch_folder() as folder:
        # Below it: the folder itself has a mark of its maker.
        own = folder / "home"
        own.mkdir()
        for path in facts.login:
            _copy(_place_of(path, environment, home).path, own / path)
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

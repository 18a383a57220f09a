"""Save points that an `init` is about to make, written down until its run is recorded or they are gone again."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from swarm.store import kv

_PREFIX: Final = "init:"


class Begun(NamedTuple):
    """A save point that may be in a git folder without a run."""

    tag: str
    commit: str
    git_folder: str


def note(conn: sqlite3.Connection, begun: Begun) -> None:
    """Write down that a save point is about to be made."""
    kv.add(conn, _PREFIX + begun.tag, json.dumps(begun))


def unfinished(conn: sqlite3.Connection, git_folder: str) -> list[Begun]:
    """Return the save points that were to be made in a git folder, and whose run was not recorded."""
    found = [Begun(*json.loads(value)) for value in kv.values_below(conn, _PREFIX)]
    return [begun for begun in found if begun.git_folder == git_folder]


def forget(conn: sqlite3.Connection, every: Iterable[Begun]) -> None:
    """Strike out what is recorded, or gone."""
    kv.remove(conn, [_PREFIX + begun.tag for begun in every])

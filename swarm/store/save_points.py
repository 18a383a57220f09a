"""Save points that an `init` has begun, noted in `kv` until the run is recorded or the tag is removed."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Final, NamedTuple

from swarm.store import forms, kv

_PREFIX: Final = "init:"


class Begun(NamedTuple):
    """A save point whose tag may exist in a git folder without a run in the control plane."""

    tag: str
    commit: str
    git_folder: str


def note(conn: sqlite3.Connection, begun: Begun) -> None:
    """Note a save point before its tag is made."""
    # Noted before the tag exists: a crash between the two leaves a note without a tag, never a tag without a note.
    kv.add(conn, _PREFIX + begun.tag, json.dumps(begun))


def unfinished(conn: sqlite3.Connection, git_folder: str) -> list[Begun]:
    """Return the noted save points of a git folder, whose runs were not recorded."""
    found = [forms.made("kv", _begun, value) for value in kv.values_below(conn, _PREFIX)]
    for begun in found:
        # The tag of an unfinished save point is removed, and a row must not name another tag.
        forms.hold("kv", "save point", forms.SAVE_POINT, begun.tag)
        forms.hold("kv", "commit of a save point", forms.COMMIT, begun.commit)
    return [begun for begun in found if begun.git_folder == git_folder]


def _begun(value: str) -> Begun:
    return Begun(*map(str, json.loads(value)))


def forget(conn: sqlite3.Connection, every: Iterable[Begun]) -> None:
    """Remove the notes of save points that are recorded with their run, or removed."""
    kv.remove(conn, [_PREFIX + begun.tag for begun in every])

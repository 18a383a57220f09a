"""Backups of the database: list them, and word the remedy for a damaged or missing file."""

import os
import shlex
import sqlite3
from contextlib import closing
from itertools import chain, count
from pathlib import Path

from swarm.store import kv


def backups(path: Path) -> Path:
    """Return the folder in which a control plane is copied before it is upgraded."""
    return path.parent / "backups"


def kept_copies(path: Path) -> list[Path]:
    """Return the backups of a control plane, oldest first."""
    files = [file for file in backups(path).glob("control-plane-*.db") if file.is_file()]
    # By time, not by name: a name begins with the schema's version, so names do not sort by age.
    return sorted(files, key=os.path.getmtime)


def _can_be_read(copy: Path) -> bool:
    """Say whether a backup is a readable control plane: a remedy must not name a damaged backup."""
    try:
        # `immutable=1` makes no journal and takes no lock: a look at a backup leaves no file beside the backup.
        with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as conn:
            # A backup may come from anybody, and a view in the place of the table could be read for ever.
            conn.set_progress_handler(lambda: True, 1_000_000)
            return kv.value_of(conn, kv.VERSION_KEY) is not None
    except sqlite3.Error:
        return False


def remedy(path: Path) -> str:
    """Return the remedy for a damaged file: keep the file as evidence, and restore the newest backup.

    The remedy moves the journal too, which SQLite would otherwise play back into the restored backup.
    """
    if restored := _restored(path):
        return f"keep it, and put the newest backup in its place: `{restored}`"
    return f"move '{path}' aside and start anew with `swarm init .`; there is no backup"


def remedy_of_none(path: Path) -> str:
    """Return the remedy for a missing control plane, or an empty file."""
    begun = "`swarm init .` or `swarm audit .`"
    if restored := _restored(path):
        return f"if there was one, put the newest backup in its place: `{restored}`; {begun} would begin anew"
    return f"run {begun} in a checkout to create one, or name one with `swarm --db PATH …`"


def _restored(path: Path) -> str:
    """Return the commands that restore the newest backup, `""` where there is no backup."""
    copies = [copy for copy in kept_copies(path) if _can_be_read(copy)]
    if not copies:
        return ""
    journal, aside = path.with_name(f"{path.name}-journal"), _aside(path)
    moves = [
        f"mv {shlex.quote(str(file))} {shlex.quote(f'{aside}{ending}')}"
        # A journal must follow its database: left behind, SQLite would play its pages into the restored backup.
        for file, ending in ((path, ""), (journal, "-journal"))
        if os.path.lexists(file)
    ]
    return " && ".join([*moves, f"cp {shlex.quote(str(copies[-1]))} {shlex.quote(str(path))}"])


def _aside(database: Path) -> Path:
    """Return a free name for a damaged database; earlier damaged files are not overwritten."""
    names = chain([f"{database.name}.damaged"], (f"{database.name}.damaged-{number}" for number in count(2)))
    places = (database.with_name(name) for name in names)
    # Database and journal are moved as a pair, so both names must be free.
    pairs = ((place, place.with_name(f"{place.name}-journal")) for place in places)
    return next(place for place, journal in pairs if not (os.path.lexists(place) or os.path.lexists(journal)))

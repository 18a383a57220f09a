"""The files that SQLite keeps beside a database.

A file among them that would lead SQLite to another file is refused before the database is opened.
"""

import stat
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.store.backups import remedy

_ENDINGS: Final = ("-journal", "-wal", "-shm", ".lock")
# The last bytes of a journal that belongs to a transaction over several databases; its text before names a file.
_NAMES_ANOTHER: Final = bytes.fromhex("d9d505f920a163d7")


def hold_to_own_files(path: Path) -> None:
    """Refuse a link beside a database, and a journal that names another file. Raises ControlPlaneForeign.

    SQLite and the lock would write through the link, and SQLite deletes the file that such a journal names.
    """
    if not path.name:
        # The root folder has no name, and no file beside it; whoever opens it reports that it is a folder.
        return
    for ending in _ENDINGS:
        file = path.with_name(path.name + ending)
        try:
            mode = file.lstat().st_mode
        except OSError:
            continue
        # A pipe would keep SQLite waiting; a folder is reported by whoever opens it.
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            _refuse(path, f"{file.name} beside it is no regular file")
        if ending == "-journal" and _end_of(file) == _NAMES_ANOTHER:
            _refuse(path, f"{file.name} beside it names another file")


def _refuse(path: Path, problem: str) -> None:
    raise errors.ControlPlaneForeign(path=str(path), problem=problem, remedy=remedy(path))


def _end_of(journal: Path) -> bytes:
    # Plain reads are safe here: SQLite's locks are on the database, never on its journal.
    try:
        with journal.open("rb") as file:
            file.seek(-len(_NAMES_ANOTHER), 2)
            return file.read()
    except OSError:
        return b""

"""Marks of waves that this user dispatched on this machine, each a small file in the user's state folder.

A control plane can come with a repository or be copied, and then hold a wave that somebody else prepared. Nothing in
the control plane itself can tell such a wave apart: only a file outside of it can.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.owners import other_owner
from swarm.trust import lies_within, state_folder

# More waves are in flight at once for nobody; marks that crashes and deleted repositories left go away by it.
MOST: Final = 256


def write(digest: str, place: Path, facts: Mapping[str, object]) -> Path:
    """Mark a wave of the control plane in the folder `place`, and return the file.

    `facts` are for people who look into the file.
    Raises TrustRecordUnusable where the mark cannot be written, or would lie in the repository that brings the wave.
    """
    from swarm.files import write_whole

    file = _file(digest)
    remedy = "set XDG_STATE_HOME to a folder of yours outside of the repository, or set SWARM_TRUST=1"
    if lies_within(file, place):
        problem = "it would lie in the repository of the wave, which could then bring its own marks"
        raise errors.TrustRecordUnusable(path=str(file), problem=problem, remedy=remedy)
    try:
        write_whole(file, json.dumps(facts) + "\n")
    except errors.WorkspaceNotWritable as error:
        raise errors.TrustRecordUnusable(path=str(file), problem=error.problem, remedy=remedy) from error
    _bound(file.parent)
    return file


def is_marked(digest: str, place: Path) -> bool:
    """Say whether a wave of the control plane in the folder `place` is marked."""
    file = _file(digest)
    return file.is_file() and other_owner(file, file.parent) is None and not lies_within(file, place)


def remove(digest: str) -> None:
    """Remove the mark of a wave that has ended. A mark that stays is harmless."""
    with suppress(OSError):
        _file(digest).unlink(missing_ok=True)


def _file(digest: str) -> Path:
    return state_folder() / "waves" / f"{digest}.json"


def _bound(folder: Path) -> None:
    """Remove the oldest marks beyond the bound."""
    with suppress(OSError):
        marks = list(folder.glob("*.json"))
        if len(marks) > MOST:
            for mark in sorted(marks, key=os.path.getmtime)[:-MOST]:
                mark.unlink(missing_ok=True)

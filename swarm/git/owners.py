"""Owners of repositories, workspaces and configurations, by the rule of git and with git's list of exceptions."""

import os
import shlex
from pathlib import Path

from swarm import errors
from swarm.git.user_view import safe_directories
from swarm.owners import other_owner
from swarm.workspace import checkout_around


def refuse_others(what: str, *places: Path) -> None:
    """Refuse places of another user, unless the user lists the repository in `safe.directory`, as for git.

    Raises OwnedByAnotherUser.
    """
    found = other_owner(*places)
    if found is None:
        return
    place, owner = found
    folder = place if place.is_dir() else place.parent
    root = checkout_around(folder) or folder.resolve()
    if not any(_covers(safe, root) for safe in safe_directories()):
        raise errors.OwnedByAnotherUser(path=str(place), owner=owner, what=what, word=shlex.quote(str(root)))


def _covers(safe: str, root: Path) -> bool:
    """Say whether a value of `safe.directory` covers a folder: `*`, the folder, or a folder above with `/*`."""
    if safe == "*":
        return True
    named = Path(os.path.realpath(os.path.expanduser(safe.removesuffix("/*"))))  # noqa: PTH111
    return root.is_relative_to(named) if safe.endswith("/*") else root == named

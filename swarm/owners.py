"""Owners of files: whose files this process takes for its user's own."""

import os
import re
from pathlib import Path
from typing import Final

_NUMBER: Final = re.compile(r"[0-9]{1,10}", re.ASCII)


def own_ids() -> frozenset[int]:
    """Return the user ids that count as this user: the effective id, and for root under `sudo` the caller's.

    As git does it (`is_path_owned_by_current_uid`): `SUDO_UID` counts for root alone.
    """
    user = os.geteuid()
    caller = os.environ.get("SUDO_UID", "")
    return frozenset({user, int(caller)} if user == 0 and _NUMBER.fullmatch(caller) else {user})


def other_owner(*places: Path) -> tuple[Path, int] | None:
    """Return the first of some places that belongs to another user, with the user's id; what is missing is nobody's.

    A link counts as what it leads to and as itself: its owner can lead it elsewhere.
    """
    own = own_ids()
    for place in places:
        for status in (os.stat, os.lstat):
            try:
                owner = status(place).st_uid
            except (OSError, ValueError):
                continue
            if owner not in own:
                return place, owner
    return None

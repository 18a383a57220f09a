"""Records of `clean`."""

from typing import NamedTuple


class Leftover(NamedTuple):
    """A worktree, a branch or both, as `clean` found it.

    `state` is merged, held_elsewhere, as_dispatched, contained, abandoned, folder_gone or at_risk, with `why`.
    `ignored` counts files that git ignores, which go with their tree. `salvage` is where its work was saved, or would
    be. `removed` says whether it is gone now.
    """

    name: str
    wave: int | None
    path: str | None
    branch: str | None
    commit: str | None
    state: str
    why: tuple[str, ...]
    ignored: int
    salvage: str | None
    removed: bool


class CleanResult(NamedTuple):
    """What `clean` removed or would remove, and what it leaves because something would be lost.

    `state` is `WORK_AT_RISK` where something is left, else null.
    """

    run_id: str
    applied: bool
    forced: bool
    state: str | None
    removable: tuple[Leftover, ...]
    at_risk: tuple[Leftover, ...]
    in_flight: tuple[int, ...]
    summary: str
    next_action: str

"""Records of `clean`."""

from typing import NamedTuple


class Leftover(NamedTuple):
    """A worktree, a branch or both, as `clean` found it.

    `state` is merged, held_elsewhere, as_dispatched, contained, abandoned, folder_gone or at_risk, with `why`.
    `ignored` counts files that git ignores and that are removed with their worktree. `salvage` is the ref that keeps
    the work, or would. `removed` says whether the leftover has been removed.
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
    """Leftovers that `clean` removed or would remove, and leftovers that it keeps because work would be lost.

    `state` is `WORK_AT_RISK` where work is at risk, else null.
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

"""Records of `undo`."""

from typing import NamedTuple


class Restored(NamedTuple):
    """What `undo` brings back, or would: a branch at a commit, with its worktree where it had one."""

    name: str
    branch: str | None
    commit: str
    path: str | None
    salvage: str | None


class UndoResult(NamedTuple):
    """What `undo` brought back of the last `clean` or `rewind`, and what it does not bring back (`stays`)."""

    run_id: str
    applied: bool
    verb: str | None
    seq: int | None
    restored: tuple[Restored, ...]
    stays: tuple[str, ...]
    summary: str
    next_action: str

"""Records of `undo`."""

from typing import NamedTuple


class Restored(NamedTuple):
    """A branch that `undo` restores, or would, at a commit, with its worktree where it had one."""

    name: str
    branch: str | None
    commit: str
    path: str | None
    salvage: str | None


class UndoResult(NamedTuple):
    """The branches and worktrees that `undo` restored of the last `clean` or `rewind`; `stays` names the rest."""

    run_id: str
    applied: bool
    verb: str | None
    seq: int | None
    restored: tuple[Restored, ...]
    stays: tuple[str, ...]
    summary: str
    next_action: str

"""What `clean`, `rewind` and `undo` return."""

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


class RewindResult(NamedTuple):
    """Where `rewind` brings a branch, what it saves, and what it takes back.

    `dirt` are the files whose uncommitted content is saved; `commits` counts those that the branch leaves. `waves` and
    `agent_runs` are the numbers and ids that end as aborted_for_rewind.
    """

    run_id: str
    applied: bool
    forced: bool
    state_split: bool
    save_point: str
    branch: str
    from_commit: str
    to_commit: str
    commits: int
    dirt: tuple[str, ...]
    salvage: tuple[str, ...]
    integration: str | None
    waves: tuple[int, ...]
    agent_runs: tuple[int, ...]
    findings: int
    from_status: str
    to_status: str
    summary: str
    next_action: str


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

"""Records of `rewind`."""

from typing import NamedTuple


class RewindResult(NamedTuple):
    """The reset of a branch: what is saved, and what the run loses.

    `dirt` are the files whose uncommitted content is saved; `commits` counts the commits that leave the branch. `waves`
    and `agent_runs` are the numbers and ids that end as aborted_for_rewind.
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

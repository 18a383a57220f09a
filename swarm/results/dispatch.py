"""Records of `dispatch`."""

from typing import NamedTuple


class AgentPlan(NamedTuple):
    """One agent of a dispatched wave. `findings` is how many known findings its prompt tells.

    `checked_out` is how many files its worktree holds where that is sparse, and else `None`.
    """

    agent_run_id: int | None
    domain: str
    prompt_path: str
    output_path: str
    worktree_path: str | None
    worktree_branch: str | None
    files: int
    findings: int
    checked_out: int | None


class Unrouted(NamedTuple):
    """An approved finding that no agent of an amend wave can mend, and why."""

    finding_id: str
    file: str | None
    reason: str


class DispatchResult(NamedTuple):
    """What `dispatch` made, or would make."""

    run_id: str
    wave_id: int | None
    wave_number: int
    phase: str
    isolated: bool
    sparse: bool
    dry_run: bool
    dispatch_sha: str
    snapshot_id: int | None
    runtime: str | None
    prompt_dir: str
    agents: tuple[AgentPlan, ...]
    unrouted: tuple[Unrouted, ...]
    edited_files_not_seen: int
    warnings: tuple[str, ...]
    next_action: str

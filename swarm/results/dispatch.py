"""Records of `dispatch`."""

from typing import NamedTuple


class AgentPlan(NamedTuple):
    """An agent of a dispatched wave. `findings` counts the known findings in its prompt, or those to review.

    `checked_out` counts the files in a sparse worktree, and is `None` for a full worktree.
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
    """An approved finding that no agent of an amend wave can fix, or that no reviewer gets, and why."""

    finding_id: str
    file: str | None
    reason: str


class AdviceGiven(NamedTuple):
    """The ids of the lessons at the top of the prompts, and the sha256 of their section."""

    lessons: tuple[str, ...]
    sha256: str


class DispatchResult(NamedTuple):
    """The wave that `dispatch` made, or would make; `included` are the untracked files copied into each tree.

    The agents of a `review` give verdicts about known findings. `advice` is `None` where the prompts have none.
    `plan_lock` is the SHA-256 of the plan that a launch is held to, `signed_by` the id of the key that signed it; both
    are null for a dry run.
    """

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
    included: tuple[str, ...]
    warnings: tuple[str, ...]
    next_action: str
    review: bool = False
    advice: AdviceGiven | None = None
    plan_lock: str | None = None
    signed_by: str | None = None

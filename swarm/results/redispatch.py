"""Records of `resume` and `redrive`, which dispatch agents of a wave again."""

from typing import NamedTuple

from swarm.results.collect import ViolationShown


class Redispatched(NamedTuple):
    """An agent that is dispatched again. `agent_run_id` is its new row, `None` in a dry-run.

    `reused` says that it keeps its worktree, unchanged since dispatch; else `left_behind` is the worktree that stays
    with its content.
    """

    domain: str
    was: str
    before: int
    agent_run_id: int | None
    prompt_path: str
    output_path: str
    worktree_path: str | None
    worktree_branch: str | None
    reused: bool
    left_behind: str | None


class Blocked(NamedTuple):
    """An agent that needs a corrected output or a redrive; `command` takes the corrected output."""

    domain: str
    agent_run_id: int
    status: str
    error: str | None
    command: str


class CompletedHash(NamedTuple):
    """The hash over completed agent runs, their evidence and events; `after` is `None` in a dry-run."""

    before: str
    after: str | None


class RedispatchResult(NamedTuple):
    """The agents that `resume` or `redrive` dispatched, or would dispatch; `timed_out` is a part of them.

    `forgotten` are files touched by no known agent: from now on they belong to the state at the start of the wave.
    """

    run_id: str
    wave_id: int | None
    wave_number: int | None
    phase: str | None
    wave_status: str | None
    applied: bool
    reason: str | None
    timed_out: tuple[str, ...]
    timeout_skipped: tuple[str, ...]
    redispatched: tuple[Redispatched, ...]
    complete: tuple[str, ...]
    blocked: tuple[Blocked, ...]
    forgotten: tuple[ViolationShown, ...]
    completed_hash: CompletedHash | None
    summary: str
    next_action: str

"""What `resume`, `redrive` and `revalidate` return: what they did or, without `--apply`, what they would do."""

from typing import NamedTuple

from swarm.results.collect import ViolationShown


class Redispatched(NamedTuple):
    """An agent that is dispatched again. `agent_run_id` is its new row, `None` in a dry-run.

    `reused` says that its worktree is the one that it had, found as it was dispatched; else `left_behind` is the one
    that it had, with whatever is in it.
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
    """An agent that only a corrected output, or a fresh try, helps on; `command` takes the output."""

    domain: str
    agent_run_id: int
    status: str
    error: str | None
    command: str


class CompletedHash(NamedTuple):
    """The digest over the completed agent runs, their evidence and their events; `after` is `None` in a dry-run."""

    before: str
    after: str | None


class RedispatchResult(NamedTuple):
    """What `resume` or `redrive` did, or would do. `timed_out` is a part of what is dispatched again.

    `forgotten` is what was touched by nobody known: from now on it belongs to how the wave begins.
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

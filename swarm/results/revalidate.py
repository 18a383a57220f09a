"""Records of `revalidate`."""

from typing import NamedTuple

from swarm.results.collect import ClaimedFix, FindingCounts, Problem, SkippedFix, ViolationShown


class Revalidated(NamedTuple):
    """A corrected output: the agent run's state before and now, its remaining problems, and the items refused."""

    domain: str
    agent_run_id: int
    was: str
    status: str
    path: str
    findings_count: int
    errors: tuple[Problem, ...]
    violations: tuple[str, ...]
    refused: int = 0


class RevalidateResult(NamedTuple):
    """The outputs that `revalidate` accepted or refused.

    `wave_violations` stand against the wave as a whole; `accepted` are changes outside the agents' worktrees that the
    given reason accounts for.
    """

    run_id: str
    wave_id: int
    wave_number: int
    phase: str
    wave_status: str
    applied: bool
    reason: str | None
    agents: tuple[Revalidated, ...]
    incomplete: tuple[str, ...]
    wave_violations: tuple[ViolationShown, ...]
    findings: FindingCounts
    fixes: tuple[ClaimedFix, ...]
    skipped_fixes: tuple[SkippedFix, ...]
    summary: str
    next_action: str
    accepted: tuple[ViolationShown, ...] = ()

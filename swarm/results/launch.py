"""Records of `launch`."""

from typing import NamedTuple


class AttemptShown(NamedTuple):
    """One process that was launched for an agent."""

    id: int
    ordinal: int
    runtime: str
    outcome: str | None
    exit_class: int | None
    exit_code: int | None
    duration_ms: int | None
    stall_reason: str | None
    error_code: str | None
    error_fragment: str | None
    record_path: str


class AgentLaunched(NamedTuple):
    """One agent after a launch."""

    domain: str
    agent_run_id: int
    status: str
    attempts: tuple[AttemptShown, ...]
    last_progress_at: str | None


class LaunchResult(NamedTuple):
    """What `launch` ran. `exit_class` is the gravest of the newest attempts."""

    run_id: str
    wave_id: int
    wave_number: int
    launched: int
    exit_class: int
    agents: tuple[AgentLaunched, ...]
    next_action: str

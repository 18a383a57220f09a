"""Records of `wait`."""

from typing import NamedTuple

from swarm.results.attempts import AgentAttempts


class LiveAgent(NamedTuple):
    """An agent of a wave as it is now, by its newest attempt.

    `state` is `waiting` before its first attempt, `running`, `needs_decision`, else the outcome, or the status of an
    agent that ended without an attempt. An attempt that was ordered on an engine is `queued` until a worker takes it;
    `worker` is that worker. `doing` is what its stream said last. `artifacts` are the files of the attempt, which was
    opened at `since`.
    """

    domain: str
    state: str
    attempt_id: int | None = None
    runtime: str | None = None
    doing: str | None = None
    last_progress_at: str | None = None
    seconds: int | None = None
    stall_reason: str | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    artifacts: tuple[str, ...] = ()
    worker: str | None = None
    since: str | None = None


class WaitResult(NamedTuple):
    """The agents of a wave when `wait` ended. `exit_class` is the gravest of the newest attempts that have ended.

    `is_running` says that a launch still supervises them.
    """

    run_id: str
    wave_id: int
    wave_number: int
    is_running: bool
    exit_class: int
    agents: tuple[AgentAttempts, ...]
    live: tuple[LiveAgent, ...]
    next_action: str

    @property
    def needs_attention(self) -> tuple[LiveAgent, ...]:
        """Agents that wait for a decision, or stalled."""
        return tuple(agent for agent in self.live if agent.state in {"needs_decision", "stalled"})

"""Records of `launch`."""

from typing import NamedTuple

from swarm.results.attempts import AgentAttempts


class LaunchResult(NamedTuple):
    """The agents of a wave after a launch. `exit_class` is the gravest of the newest attempts.

    `cancelled` are the attempts whose orders were cancelled.
    """

    run_id: str
    wave_id: int
    wave_number: int
    launched: int
    exit_class: int
    agents: tuple[AgentAttempts, ...]
    next_action: str
    cancelled: int = 0

    @property
    def without_sandbox(self) -> str | None:
        """Return why the newest attempt of an agent had no sandbox; ruff runs no code of the repository."""
        newest = (agent.attempts[-1] for agent in self.agents if agent.attempts)
        return next(
            (last.isolation_reason for last in newest if last.isolation_reason and last.runtime != "ruff"), None
        )

"""Records of `launch`."""

from typing import NamedTuple

from swarm.results.attempts import AgentAttempts


class LaunchResult(NamedTuple):
    """The agents of a wave after a launch. `exit_class` is the gravest of the newest attempts."""

    run_id: str
    wave_id: int
    wave_number: int
    launched: int
    exit_class: int
    agents: tuple[AgentAttempts, ...]
    next_action: str

"""Agents at work, as rows of a table and as lines of their changes."""

from collections.abc import Iterable, Iterator, Mapping

from swarm.results.wait import LiveAgent
from swarm.show.escape import plain


def rows_of(agents: Iterable[LiveAgent]) -> list[tuple[str, ...]]:
    """Return a row for each agent: agent, runtime, state, what it does now, time, tokens, cost."""
    return [
        (
            agent.domain,
            agent.runtime or "",
            state_of(agent),
            agent.doing or "",
            "" if agent.seconds is None else _time(agent.seconds),
            "" if agent.tokens is None else f"{agent.tokens:,}",
            "" if agent.cost_usd is None else f"{agent.cost_usd:.2f} USD",
        )
        for agent in agents
    ]


def changes(before: Mapping[str, str], agents: Iterable[LiveAgent]) -> Iterator[str]:
    """Yield a line for each agent whose state is another than before."""
    for agent in agents:
        if before.get(agent.domain) != state_of(agent):
            detail = f": {plain(agent.doing)}" if agent.doing and agent.state == "needs_decision" else ""
            yield f"{plain(agent.domain)}: {plain(state_of(agent))}{detail}"


def state_of(agent: LiveAgent) -> str:
    """Return the state of an agent in words."""
    state = agent.state.replace("_", " ")
    return f"{state} ({agent.stall_reason})" if agent.stall_reason else state


def _time(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}:{rest:02d}"

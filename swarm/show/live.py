"""Agents at work, as rows of a table and as lines of their changes."""

from collections.abc import Iterable, Iterator, Mapping

from swarm.results.status import StatusResult
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
            "" if agent.seconds is None else clock(agent.seconds),
            "" if agent.tokens is None else f"{agent.tokens:,}",
            "" if agent.cost_usd is None else f"{agent.cost_usd:.2f} USD",
        )
        for agent in agents
    ]


def changes(before: Mapping[str, str], agents: Iterable[LiveAgent]) -> Iterator[str]:
    """Yield a line for each agent whose state is another than before."""
    for agent in agents:
        if before.get(agent.domain) != state_of(agent):
            yield plain(f"{agent.domain}: {_asking(agent) or state_of(agent)}")


def changes_of_status(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield a line for each subject of a status whose state is another than before."""
    for subject, state in now.items():
        if before.get(subject) != state:
            yield plain(f"{subject}: {state}")


def states_of(status: StatusResult, agents: Iterable[LiveAgent]) -> dict[str, str]:
    """Return the states that a status shows, by subject: run, newest wave, agents, findings."""
    wave, found = status.waves.current, status.findings
    return {
        f"run {status.run.id}": f"{status.run.status}, {status.assessment.state}",
        **({} if wave is None else {f"wave {wave.number} ({wave.phase})": wave.status}),
        **{agent.domain: _asking(agent) or state_of(agent) for agent in agents},
        # With a blank, which no name of a domain has.
        "open findings": f"{found.open:,} of {found.total:,}",
    }


def _asking(agent: LiveAgent) -> str:
    return f"{state_of(agent)}: {agent.doing}" if agent.doing and agent.state == "needs_decision" else ""


def state_of(agent: LiveAgent) -> str:
    """Return the state of an agent in words."""
    state = agent.state.replace("_", " ") + (f" on {agent.worker}" if agent.worker else "")
    return f"{state} ({agent.stall_reason})" if agent.stall_reason else state


def clock(seconds: int) -> str:
    """Return minutes and seconds, as a clock shows them."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}:{rest:02d}"

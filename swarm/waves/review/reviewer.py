"""Runtime of a review: an agent that did not report the findings, where this machine has one."""

import sqlite3
from contextlib import suppress

from swarm import errors
from swarm.config import Config
from swarm.rules.phases import Phase
from swarm.rules.reviews import Agent
from swarm.runtimes import registry
from swarm.runtimes.registry import Ready
from swarm.store import reviews
from swarm.store.runs import Run


def reviewer(conn: sqlite3.Connection, run: Run, named: str | None, config: Config, phase: Phase) -> tuple[Ready, ...]:
    """Return the named runtime, else an agent of this machine that reported nothing in the run, else any agent.

    Without an agent the review is left to whoever launches it. Raises what the look-up of a named runtime raises, and
    RuntimePhaseUnsupported for an analyzer.
    """
    if named is not None:
        ready = registry.all_ready(named, config, phase)
        hold_to_agent(ready, phase)
        return ready
    said = set[Agent]().union(*reviews.reporters(conn, run.id).values())
    able = _agents(config, phase)
    others = (each for each in able if not any(map(_agent_of(each).may_be, said)))
    return (next(others, able[0]),) if able else ()


def _agent_of(ready: Ready) -> Agent:
    return Agent(ready.runtime.name, ready.runtime.agent.model if ready.runtime.agent else None)


def hold_to_agent(ready: tuple[Ready, ...], phase: Phase) -> None:
    """Refuse an analyzer, which answers no question. Raises RuntimePhaseUnsupported."""
    if any(each.runtime.is_analyzer for each in ready):
        raise errors.RuntimePhaseUnsupported(runtime=registry.joined(ready), phase=f"{phase} --review")


def _agents(config: Config, phase: Phase) -> list[Ready]:
    found = []
    for name in dict.fromkeys(filter(None, (config.default_runtime, *registry.names(config)))):
        # A runtime that nobody has trusted, or whose program is missing, is no candidate.
        with suppress(errors.SwarmError):
            runtime = registry.runtime_named(name, config)
            if not runtime.is_analyzer:
                found.append(registry.ready(name, config, phase))
    return found

"""Agents of a wave as they are now: from their rows, and from the journals that their launch writes."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from swarm import errors
from swarm.clock import seconds_since
from swarm.results.wait import LiveAgent
from swarm.rules.agent_events import MOST_COUNTED
from swarm.rules.states import AgentRunStatus
from swarm.runtimes import journal
from swarm.store import agent_runs, attempts, permissions, waves
from swarm.store.attempts import Attempt
from swarm.store.runs import Run
from swarm.store.waves import Wave
from swarm.waves.launch.attempt_files import ARTIFACTS, is_in_place_of_attempt

_DOING: Final = {
    "session": "began",
    "text": "writes",
    "reasoning": "thinks",
    "tool": "runs",
    "tool_ended": "works",
    "permission": "waits for a decision about",
    "permission_ended": "works",
    "retry": "asks its provider again",
    "error": "got an error",
    "final": "answered",
}
_LONGEST: Final = 60
_AT_WORK: Final = frozenset({"running", "queued", "needs_decision"})
_COUNTED: Final = ("tokens", "cost_usd")


def newest_wave(conn: sqlite3.Connection, run: Run) -> Wave:
    """Return the wave whose agents are watched. Raises NoWaveToLaunch."""
    wave = waves.newest(conn, run.id)
    if wave is None:
        raise errors.NoWaveToLaunch(run_id=run.id)
    return wave


def live_agents(conn: sqlite3.Connection, wave: Wave) -> tuple[LiveAgent, ...]:
    """Return the agents of a wave as they are now."""
    by_agent = attempts.of_wave(conn, wave.id)
    asking = {one.attempt_id for one in permissions.of_wave(conn, wave.id) if one.is_open}
    found = []
    for agent in agent_runs.current(conn, wave.id):
        own = by_agent.get(agent.id, [])
        if own:
            found.append(_live(agent.domain, own[-1], is_asking=own[-1].id in asking))
        else:
            # An agent without work, or whose output a person wrote, ends without an attempt.
            waits = agent.status in {AgentRunStatus.DISPATCHED, AgentRunStatus.RUNNING}
            found.append(LiveAgent(agent.domain, "waiting" if waits else agent.status.value))
    return tuple(found)


def agents_of_newest(conn: sqlite3.Connection, run: Run) -> tuple[LiveAgent, ...]:
    """Return the agents of the newest wave that had a launch as they are now, none before its launch."""
    wave = waves.newest(conn, run.id)
    return live_agents(conn, wave) if wave and attempts.of_wave(conn, wave.id) else ()


def agents_at_work(conn: sqlite3.Connection, run: Run) -> tuple[LiveAgent, ...]:
    """Return the agents of the wave in flight as they are now, none where no process is at work."""
    wave = waves.in_flight(conn, run.id)
    agents = live_agents(conn, wave) if wave else ()
    return agents if any(map(is_at_work, agents)) else ()


def is_at_work(agent: LiveAgent) -> bool:
    """Say whether a process of an agent is at work, or waits for a decision."""
    return agent.state in _AT_WORK


def journals_of(agents: Iterable[LiveAgent]) -> tuple[Path, ...]:
    """Return the journals that the agents at work write."""
    return tuple(Path(file) for agent in agents if is_at_work(agent) for file in agent.artifacts if _is_journal(file))


def again(agents: Sequence[LiveAgent]) -> tuple[LiveAgent, ...]:
    """Return agents as they still are, where nothing was written about them since: only their time goes on."""
    return tuple(
        one._replace(seconds=round(max(0, seconds_since(one.since)))) if is_at_work(one) and one.since else one
        for one in agents
    )


def mark_of(database: Path, agents: Sequence[LiveAgent]) -> tuple[tuple[int, int], ...] | None:
    """Return what changes with each change of a control plane or of a journal of its agents; `None` is like no other.

    Agents that wait are many, and to read the journal of each takes a hundred times longer than to ask for its time.
    """
    journals = journals_of(agents)
    if len(journals) < sum(map(is_at_work, agents)) or not agents:
        # One that is still to be written would not be seen.
        return None
    found = []
    for file in (database, Path(f"{database}-wal"), *journals):
        try:
            status = file.stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((status.st_mtime_ns, status.st_size))
    return tuple(found)


def _is_journal(file: str) -> bool:
    return file.endswith(f"/{journal.NAME}")


def _live(domain: str, attempt: Attempt, *, is_asking: bool) -> LiveAgent:
    folder = Path(attempt.record_path).parent
    # An agent may put a link in the place of its folder, and nothing is read through it.
    there = is_in_place_of_attempt(folder)
    events = journal.tail(folder).events if there and attempt.outcome is None else ()
    last: Mapping[str, Any] = events[-1] if events else {}
    worker = attempt.worker or next((str(e["worker"]) for e in reversed(events) if "worker" in e), None)
    running = "needs_decision" if is_asking else "queued" if attempt.engine and worker is None else "running"
    seconds = (attempt.duration_ms or 0) / 1000 if attempt.outcome else seconds_since(attempt.created)
    used, cost = _used(attempt, events)
    return LiveAgent(
        domain=domain,
        state=attempt.outcome or running,
        attempt_id=attempt.id,
        runtime=attempt.runtime,
        doing=_doing(last),
        last_progress_at=str(last["ts"]) if "ts" in last else attempt.last_progress,
        seconds=round(max(0, seconds)),
        stall_reason=attempt.stall_reason,
        tokens=used,
        cost_usd=cost,
        worker=worker,
        artifacts=tuple(str(folder / name) for name in ARTIFACTS if there and (folder / name).is_file()),
        since=attempt.created,
    )


def _used(attempt: Attempt, events: Sequence[Mapping[str, Any]]) -> tuple[int | None, float | None]:
    """Return tokens and cost of an attempt: of its row when it has ended, else of the last event that counts them."""
    if attempt.outcome is None:
        used, cost = (next((e[name] for e in reversed(events) if _is_count(e.get(name))), None) for name in _COUNTED)
        return (None if used is None else int(used)), cost
    tokens = [count for name in ("tokensIn", "tokensOut") if isinstance(count := attempt.session.get(name), int)]
    paid = None if attempt.cost_microusd is None else attempt.cost_microusd / 1_000_000
    return (sum(tokens) if tokens else None), paid


def _is_count(value: object) -> bool:
    # An agent may write to its journal, where nothing holds it to its folder.
    return isinstance(value, int | float) and 0 <= value < MOST_COUNTED


def _doing(event: Mapping[str, Any]) -> str | None:
    word = _DOING.get(str(event.get("event")))
    if word is None:
        return None
    detail = " ".join(str(event.get(key) or "") for key in ("name", "target", "text")).split()
    # The text of a session and of an answer is long, and says nothing of the present.
    shown = "" if event["event"] in {"session", "final"} else " ".join(detail)
    return f"{word} {shown}".strip()[:_LONGEST]

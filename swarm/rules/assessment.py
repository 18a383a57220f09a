"""Where a run stands, what is in the way, and one next command that works in that state."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from swarm.rules.phases import AUDIT_PHASES, Phase, is_audit
from swarm.rules.states import AgentRunStatus, WaveStatus

GRAVE: Final = ("CRITICAL", "HIGH")
_BLOCKED: Final = (AgentRunStatus.INVALID_OUTPUT, AgentRunStatus.OWNERSHIP_VIOLATION)
_WORKING: Final = (AgentRunStatus.PENDING, AgentRunStatus.DISPATCHED, AgentRunStatus.RUNNING)


class AgentFacts(NamedTuple):
    """An agent of the newest wave. `has_answered` says that its output is there to be collected."""

    domain: str
    status: str
    has_answered: bool
    error: str | None


class Facts(NamedTuple):
    """What the assessment of a run rests on."""

    run_id: str
    run_status: str
    is_frozen: bool
    has_agents: bool
    phase: Phase | None
    wave_number: int
    wave_status: WaveStatus | None
    is_isolated: bool
    agents: tuple[AgentFacts, ...]
    open_by_severity: Mapping[str, int]
    violations: int


def assess(facts: Facts) -> tuple[str, tuple[str, ...], str]:
    """Return the state's name, what blocks the run, and the next command."""
    run = facts.run_id
    if facts.run_status in {"complete", "aborted"}:
        return "COMPLETE", (), f"swarm findings {run}"
    if facts.phase is None or facts.wave_status in {None, WaveStatus.ABORTED_FOR_REWIND}:
        return _no_wave(facts)
    match facts.wave_status:
        case WaveStatus.DISPATCHED:
            waiting = [a.domain for a in facts.agents if a.status in _WORKING and not a.has_answered]
            if waiting:
                return "IN PROGRESS", (f"no output yet: {', '.join(waiting)}",), f"swarm launch {run}"
            return "READY TO COLLECT", (), f"swarm collect {run}"
        case WaveStatus.FAILED:
            return _failed(facts)
        case _:
            return _ended(facts)


def _no_wave(facts: Facts) -> tuple[str, tuple[str, ...], str]:
    run = facts.run_id
    if not facts.has_agents:
        return "NO WAVE", ("no domain has an agent",), f"swarm domains {run} --add rest --globs '[\"**\"]'"
    if not facts.is_frozen:
        return "NO WAVE", ("the map is a draft",), f"swarm domains {run} --freeze"
    return "NO WAVE", (), f"swarm dispatch {run} {Phase.HEALTH_AUDIT_A} --isolate"


def _failed(facts: Facts) -> tuple[str, tuple[str, ...], str]:
    blockers = [
        f"{a.domain} is {a.status}: {a.error or 'no reason kept'}" for a in facts.agents if a.status != "complete"
    ]
    if facts.violations:
        blockers.append(f"{facts.violations} files were touched that should not have been")
    state = "BLOCKED" if any(agent.status in _BLOCKED for agent in facts.agents) else "WAVE FAILED"
    return state, tuple(blockers), _dispatch(facts, facts.phase)


def _ended(facts: Facts) -> tuple[str, tuple[str, ...], str]:
    run, phase = facts.run_id, facts.phase
    incomplete = [agent.domain for agent in facts.agents if agent.status != AgentRunStatus.COMPLETE]
    if incomplete:
        return "INCOMPLETE", (f"not complete: {', '.join(incomplete)}",), _dispatch(facts, phase)
    if phase is not None and not is_audit(phase) and facts.wave_status is not WaveStatus.VERIFIED:
        return "VERIFY REQUIRED", ("the wave is not verified",), f"swarm findings {run}"
    grave = {severity: facts.open_by_severity.get(severity, 0) for severity in GRAVE}
    if phase is not Phase.FEATURE_AUDIT and any(grave.values()):
        told = ", ".join(f"{count} {severity}" for severity, count in grave.items() if count)
        return "AMEND NEEDED", (f"{told} open",), f"swarm findings {run}"
    following = _following(phase)
    return "READY TO ADVANCE", (), _dispatch(facts, following) if following else f"swarm findings {run}"


def _following(phase: Phase | None) -> Phase | None:
    if phase not in AUDIT_PHASES:
        return None
    position = AUDIT_PHASES.index(phase) + 1
    return AUDIT_PHASES[position] if position < len(AUDIT_PHASES) else None


def _dispatch(facts: Facts, phase: Phase | None) -> str:
    isolate = " --isolate" if facts.is_isolated else ""
    freeze = "" if facts.is_frozen else " --auto-freeze"
    return f"swarm dispatch {facts.run_id} {phase}{isolate}{freeze}"

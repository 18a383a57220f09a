"""State machines of waves and agent runs, as tables, and the reasons to refuse a transition."""

from enum import StrEnum
from typing import Final, NamedTuple

# Exit classes, gravest first: program not found, runtime failed, launch refused, not started, done.
GRAVEST_FIRST: Final = (127, 3, 2, 1, 0)


class AgentRunStatus(StrEnum):
    """States of an agent run."""

    PENDING = "pending"
    DISPATCHED = "dispatched"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    INVALID_OUTPUT = "invalid_output"
    OWNERSHIP_VIOLATION = "ownership_violation"
    ABORTED_FOR_REWIND = "aborted_for_rewind"


class WaveStatus(StrEnum):
    """States of a wave."""

    DISPATCHED = "dispatched"
    COLLECTED = "collected"
    VERIFIED = "verified"
    ADVANCED = "advanced"
    FAILED = "failed"
    ABORTED_FOR_REWIND = "aborted_for_rewind"


class Refusal(StrEnum):
    """Reason to refuse a transition: its source is an end, its source is blocked, or the table lacks the step."""

    TERMINAL = "TERMINAL"
    BLOCKED = "BLOCKED"
    INVALID = "INVALID"


class Machine(NamedTuple):
    """A state machine: lawful steps, ends, blocked states, and what an override may make of a state."""

    steps: dict[str, frozenset[str]]
    terminal: frozenset[str]
    blocked: frozenset[str]
    overrides: dict[str, frozenset[str]]


_A = AgentRunStatus
_ENDS = frozenset(
    {_A.COMPLETE, _A.FAILED, _A.TIMED_OUT, _A.INVALID_OUTPUT, _A.OWNERSHIP_VIOLATION},
)
AGENT_RUN: Final = Machine(
    steps={
        _A.PENDING: frozenset({_A.DISPATCHED, _A.ABORTED_FOR_REWIND}),
        _A.DISPATCHED: _ENDS | {_A.RUNNING, _A.ABORTED_FOR_REWIND},
        _A.RUNNING: _ENDS | {_A.ABORTED_FOR_REWIND},
        _A.FAILED: frozenset({_A.DISPATCHED, _A.ABORTED_FOR_REWIND}),
        _A.TIMED_OUT: frozenset({_A.DISPATCHED, _A.ABORTED_FOR_REWIND}),
        # Blocked states have no step to `dispatched`: only `revalidate` or a new agent run leads out.
        _A.INVALID_OUTPUT: frozenset({_A.ABORTED_FOR_REWIND}),
        _A.OWNERSHIP_VIOLATION: frozenset({_A.ABORTED_FOR_REWIND}),
    },
    # A complete row never changes: a redispatch adds a new row.
    terminal=frozenset({_A.COMPLETE, _A.ABORTED_FOR_REWIND}),
    blocked=frozenset({_A.INVALID_OUTPUT, _A.OWNERSHIP_VIOLATION}),
    overrides={
        _A.INVALID_OUTPUT: frozenset({_A.COMPLETE}),
        _A.OWNERSHIP_VIOLATION: frozenset({_A.COMPLETE}),
    },
)

# Ends after which resume dispatches an agent run again.
CAN_BE_RESUMED: Final = (_A.FAILED, _A.TIMED_OUT)

_W = WaveStatus
WAVE: Final = Machine(
    steps={
        _W.DISPATCHED: frozenset({_W.COLLECTED, _W.FAILED, _W.ABORTED_FOR_REWIND}),
        # Back to `dispatched` when a `redrive` or `resume` opens the wave again.
        _W.COLLECTED: frozenset({_W.VERIFIED, _W.ADVANCED, _W.DISPATCHED, _W.ABORTED_FOR_REWIND}),
        _W.VERIFIED: frozenset({_W.ADVANCED, _W.DISPATCHED, _W.ABORTED_FOR_REWIND}),
        # A failed wave goes on by `resume` or `redrive`; only corrected outputs, by override, make it collected.
        _W.FAILED: frozenset({_W.DISPATCHED, _W.ABORTED_FOR_REWIND}),
    },
    terminal=frozenset({_W.ADVANCED, _W.ABORTED_FOR_REWIND}),
    blocked=frozenset(),
    overrides={_W.FAILED: frozenset({_W.COLLECTED})},
)

# Waves whose agents can still be launched, or dispatched again.
CAN_GO_ON: Final = (_W.DISPATCHED, _W.FAILED)


def refusal(machine: Machine, source: str, target: str, *, override: bool = False) -> Refusal | None:
    """Return why `source` → `target` is refused, or `None` when it is lawful.

    The kind follows the source: terminal first, then blocked, else the step is not in the table.
    """
    if target in machine.steps.get(source, frozenset()):
        return None
    if override and target in machine.overrides.get(source, frozenset()):
        return None
    # In this order, because a terminal state can be blocked as well and the end is the plainer reason.
    if source in machine.terminal:
        return Refusal.TERMINAL
    return Refusal.BLOCKED if source in machine.blocked else Refusal.INVALID


def allowed_from(machine: Machine, source: str) -> tuple[str, ...]:
    """Return the lawful targets from a state, sorted."""
    return tuple(sorted(machine.steps.get(source, frozenset())))


def is_ended(status: str) -> bool:
    """Say whether an agent run in this state no longer works."""
    return status not in {_A.PENDING, _A.DISPATCHED, _A.RUNNING}

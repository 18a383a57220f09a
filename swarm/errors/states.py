"""Errors of changes of state that are refused."""

from swarm.errors.catalogue import Severity, SwarmError


class StateConflict(SwarmError):
    code = "STATE_CONFLICT"
    severity = Severity.MEDIUM
    text = "{subject} is no longer {expected}: someone else moved it first"
    advice = "look at `swarm status {run_id}`, then repeat the command if it still applies"
    when = "a row was not in the state that the mutation expected; nothing was written"
    subject: str
    expected: str
    run_id: str


class StateMachineRejectionError(SwarmError):
    text = "Illegal transition {from_state} → {to_state}: {reason}"
    kind: str
    from_: str
    to: str
    reason: str
    agent_run_id: int | None = None
    wave_id: int | None = None
    allowed_transitions: tuple[str, ...] = ()
    remedy: str = ""

    def _shown(self) -> dict[str, object]:
        return super()._shown() | {"from_state": self.from_, "to_state": self.to}


class StateMachineBlocked(StateMachineRejectionError):
    code = "STATE_MACHINE_BLOCKED"
    severity = Severity.LOW
    advice = "{remedy}"
    when = "a transition out of invalid_output or ownership_violation without a lawful override"


class StateMachineTerminal(StateMachineRejectionError):
    code = "STATE_MACHINE_TERMINAL"
    severity = Severity.LOW
    advice = "this agent is already complete, check why the caller tried to re-advance it"
    when = "a transition out of a terminal state"


class StateMachineInvalid(StateMachineRejectionError):
    code = "STATE_MACHINE_INVALID"
    severity = Severity.LOW
    advice = "{remedy}"
    when = "a transition that is not in the table"

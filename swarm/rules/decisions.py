"""Decisions of a coordinator: actions, sources, limits, and the day on which a decision expires."""

from enum import StrEnum
from typing import Final

from swarm.rules.findings import Decision, Observation


class Action(StrEnum):
    """Actions of a coordinator on a finding."""

    APPROVE = "approve"
    DEFER = "defer"
    REJECT = "reject"
    REOPEN = "reopen"
    CLOSE = "close"


class Source(StrEnum):
    """Sources of a decision: a command, an imported file, or a comment in the code."""

    COORDINATOR = "coordinator"
    IMPORTED = "imported"
    INLINE = "inline"


DECISION_OF: Final = {
    Action.APPROVE: Decision.APPROVED,
    Action.DEFER: Decision.DEFERRED,
    Action.REJECT: Decision.REJECTED,
}
CLOSED: Final = (Decision.DEFERRED, Decision.REJECTED)
VERIFIED_HOW: Final = ("independent", "self_attested", "operator_evidence")
LONGEST_REASON: Final = 2000
LONGEST_AUTHOR: Final = 200


def is_applicable(action: Action, observation: str, decision: str) -> bool:
    """Say whether an action applies: reopen needs a fixed or decided finding, every other action an unfixed finding."""
    is_fixed = observation == Observation.FIXED
    # A finding that is open and undecided has nothing to withdraw.
    if action is Action.REOPEN:
        return is_fixed or decision != Decision.OPEN
    return not is_fixed


def has_expired(expires: str | None, today: str) -> bool:
    """Say whether a decision is over; a decision holds to the end of its last day. Days are `YYYY-MM-DD`."""
    # ISO days compare as text.
    return expires is not None and expires < today

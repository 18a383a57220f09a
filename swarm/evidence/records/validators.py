"""Validators of submissions, each held apart: one that crashes is reported as a fault of the verifier."""

from collections.abc import Callable
from typing import Final, TypeVar

from swarm import errors

_Answer = TypeVar("_Answer")
_LONGEST: Final = 900
_FAULTS: Final = (errors.ValidatorFaultSchema, errors.ValidatorFaultPolicy, errors.ValidatorFaultSteps)


def held_apart(fault: type[errors.ValidatorFault], check: Callable[[], _Answer]) -> tuple[_Answer | None, list[str]]:
    """Return what a check answers; where it raises, `None` and the fault as a reason to reject."""
    try:
        return check(), []
    except Exception as error:  # noqa: BLE001 - the record of a fault is the only trace that the submission leaves
        thrown = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
        return None, [fault(thrown=thrown).message]


def is_fault(reason: str) -> bool:
    """Say whether a reason is a fault of the verifier, and none of the submission."""
    return reason.startswith(tuple(fault.code for fault in _FAULTS))

"""Records of `doctor`."""

from typing import NamedTuple


class Check(NamedTuple):
    """A check of the doctor."""

    id: str
    status: str
    message: str
    hint: str | None


class Repair(NamedTuple):
    """A safe repair. `status` is planned, done, or not_done where the need is past or the repair failed."""

    id: str
    what: str
    status: str


class LeftAlone(NamedTuple):
    """A thing that the doctor leaves alone because work may depend on it, and the verb that handles it."""

    id: str
    what: str
    hint: str


class DoctorResult(NamedTuple):
    """Every check, and the worst status; with `--fix`, the repairs and the things left to other verbs."""

    checks: tuple[Check, ...]
    overall: str
    fix: bool = False
    applied: bool = False
    repairs: tuple[Repair, ...] = ()
    left: tuple[LeftAlone, ...] = ()

"""Records of `doctor`."""

from typing import NamedTuple


class Check(NamedTuple):
    """One check of the doctor."""

    id: str
    status: str
    message: str
    hint: str | None


class Repair(NamedTuple):
    """A safe repair: `status` is planned, done, or not_done where it was needed no more or did not succeed."""

    id: str
    what: str
    status: str


class LeftAlone(NamedTuple):
    """What the doctor does not touch, because work may hang on it, and what handles it."""

    id: str
    what: str
    hint: str


class DoctorResult(NamedTuple):
    """Every check, and the worst of them; with `--fix` the repairs, and what is left to other verbs."""

    checks: tuple[Check, ...]
    overall: str
    fix: bool = False
    applied: bool = False
    repairs: tuple[Repair, ...] = ()
    left: tuple[LeftAlone, ...] = ()

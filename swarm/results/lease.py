"""Records of `lease`."""

from typing import NamedTuple


class LeaseShown(NamedTuple):
    """A file that a domain's agent may edit in one wave although it is not its own, or asks to, or may not."""

    wave: int
    domain: str
    file: str
    status: str
    owner: str | None
    request_reason: str | None
    reason: str | None
    decided: str | None


class LeasesResult(NamedTuple):
    """The leases of a run, or the one that was decided. `wave_number` is the wave that a grant would be for."""

    run_id: str
    wave_number: int
    changed: bool
    leases: tuple[LeaseShown, ...]
    next_action: str

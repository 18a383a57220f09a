"""Records of `lease`."""

from typing import NamedTuple


class LeaseShown(NamedTuple):
    """A file of another domain that an agent may edit in one wave, asks for, or must not edit."""

    wave: int
    domain: str
    file: str
    status: str
    owner: str | None
    request_reason: str | None
    reason: str | None
    decided: str | None


class LeasesResult(NamedTuple):
    """The leases of a run, or the lease that was decided. `wave_number` is the wave that a grant is for."""

    run_id: str
    wave_number: int
    changed: bool
    leases: tuple[LeaseShown, ...]
    next_action: str

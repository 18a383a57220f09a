"""Records of `runs`."""

from typing import NamedTuple


class RunShown(NamedTuple):
    """A run in the list of runs."""

    id: str
    repo: str
    status: str
    branch: str | None
    wave_count: int
    finding_count: int
    created: str

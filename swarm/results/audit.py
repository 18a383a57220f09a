"""Records of `audit`."""

from typing import NamedTuple

from swarm.results.collect import FindingCounts
from swarm.results.findings import FindingShown, FindingsResult


class AuditResult(NamedTuple):
    """A whole audit: the run, its new wave, and the digest."""

    run_id: str
    wave_id: int
    wave_number: int
    phase: str
    runtime: str
    since: str | None
    wave_status: str
    exit_class: int
    changed: FindingCounts
    digest: FindingsResult
    new_ids: tuple[str, ...]
    fixed: tuple[FindingShown, ...]
    next_action: str

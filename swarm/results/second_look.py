"""Records of `verify-fixed`, `verify-recurring`, `verify-unverified` and `verify-approved`."""

from typing import NamedTuple


class ClaimsSummary(NamedTuple):
    """What a second look at findings came to, counted."""

    total: int
    verified: int
    regressed: int
    claimed_but_still_present: int
    drifted: int
    broken: int
    unverifiable: int
    verified_via_distribution: dict[str, int]


class ClaimRow(NamedTuple):
    """A second look at one finding: its class, how that is known, and one line of evidence."""

    finding_id: str
    classification: str
    verified_via: str
    evidence: str
    severity: str
    rule_id: str | None
    file: str | None
    line: int | None
    status: str
    domain: str
    description: str


class Delta(NamedTuple):
    """A delta file of a `verify-*` verb; in JSON mode it is the data."""

    schema: str
    run_id: str
    wave_number: int | None
    commit_sha: str
    summary: ClaimsSummary
    threshold: int
    threshold_exceeded: bool
    exit_code: int
    findings: tuple[ClaimRow, ...]

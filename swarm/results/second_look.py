"""Records of `verify-fixed`, `verify-recurring`, `verify-unverified` and `verify-approved`."""

from typing import NamedTuple


class ClaimsSummary(NamedTuple):
    """The classes of a second look at findings, counted."""

    total: int
    verified: int
    regressed: int
    claimed_but_still_present: int
    drifted: int
    broken: int
    unverifiable: int
    verified_via_distribution: dict[str, int]


class ClaimRow(NamedTuple):
    """A second look at a finding: its class, the kind of evidence, and a line of evidence."""

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
    """The delta file of a `verify-*` verb, which is also its data."""

    schema: str
    run_id: str
    wave_number: int | None
    commit_sha: str
    summary: ClaimsSummary
    threshold: int
    threshold_exceeded: bool
    exit_code: int
    findings: tuple[ClaimRow, ...]

"""What `merge`, `verify` and the `verify-*` verbs return."""

from typing import NamedTuple

from swarm.results.second_look import ClaimRow, ClaimsSummary


class StepShown(NamedTuple):
    """One step of a build. `exit_code` is null when it did not start; `log` is the folder of its whole output."""

    name: str
    kind: str
    argv: tuple[str, ...]
    status: str
    passed: bool
    exit_code: int | None
    duration_ms: int
    test_count: int | None
    log: str


class BuildShown(NamedTuple):
    """What the build said of a commit. `flaky` says that it was red once and green when tried again."""

    verdict: str
    adapter: str | None
    steps: tuple[StepShown, ...]
    test_count: int | None
    flaky: bool
    accepted: str | None


class Claims(NamedTuple):
    """The claims part of a verification: every fixed finding and every claimed one, counted; and those that offend."""

    summary: ClaimsSummary
    offending: tuple[ClaimRow, ...]


class VerifyResult(NamedTuple):
    """What `verify` found out about one commit."""

    run_id: str
    wave_id: int | None
    wave_number: int | None
    phase: str
    commit_sha: str
    verdict: str
    adapter: str | None
    steps: tuple[StepShown, ...]
    test_count: int | None
    claims: Claims
    threshold: int
    threshold_exceeded: bool
    exit_code: int
    fixed: tuple[str, ...]
    verification_id: int | None
    receipt_id: int | None
    probes: dict[str, int] | None
    note: str | None
    next_action: str

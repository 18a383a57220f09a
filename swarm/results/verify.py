"""Records of `verify`, and of builds."""

from typing import NamedTuple

from swarm.results.persist import IngestOutcome
from swarm.results.second_look import ClaimRow, ClaimsSummary
from swarm.rules.sandbox_policy import Isolation


class StepShown(NamedTuple):
    """A step of a build. `exit_code` is null when the step did not start; `log` is the folder of its output.

    `last_lines` are the last lines of each stream of a step that did not pass; `hint` says what its sandbox hid.
    """

    name: str
    kind: str
    argv: tuple[str, ...]
    status: str
    passed: bool
    exit_code: int | None
    duration_ms: int
    test_count: int | None
    log: str
    last_lines: tuple[str, ...] = ()
    hint: str | None = None


class BuildShown(NamedTuple):
    """The verdict of a build. `flaky` says that it failed once and passed on the second try.

    `isolation` is the sandbox that its steps ran in, null where no step ran.
    """

    verdict: str
    adapter: str | None
    steps: tuple[StepShown, ...]
    test_count: int | None
    flaky: bool
    accepted: str | None
    isolation: Isolation | None = None


class Claims(NamedTuple):
    """The claims of a verification: fixed and claimed findings, counted, and the offending rows."""

    summary: ClaimsSummary
    offending: tuple[ClaimRow, ...]


class VerifyResult(NamedTuple):
    """The verification of a commit. `base_test_count` counts the tests that ran below the wave's work, if known.

    `isolation` is the sandbox that the steps ran in, null where no step ran; `ingest` is null without `--ingest`.
    """

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
    base_test_count: int | None = None
    accepted: str | None = None
    reason: str | None = None
    isolation: Isolation | None = None
    ingest: IngestOutcome | None = None

"""Records of `status`."""

from typing import NamedTuple


class StatusRun(NamedTuple):
    """The run of a status."""

    id: str
    repo: str
    status: str
    branch: str | None
    commit_sha: str
    save_point_tag: str
    created: str
    timeout_policy: int


class StatusDomain(NamedTuple):
    """A domain in a status."""

    name: str
    ownership: str
    frozen: bool
    description: str


class StatusWave(NamedTuple):
    """The newest wave in a status. `from_elsewhere` holds for a wave in flight that this user did not dispatch here."""

    id: int
    number: int
    phase: str
    status: str
    snapshot_id: int
    dispatch_sha: str
    isolated: bool
    ownership_probe_degraded: bool
    from_elsewhere: bool = False
    review: bool = False


class StatusWaves(NamedTuple):
    """The number of waves, and the newest."""

    total: int
    current: StatusWave | None


class StatusAgent(NamedTuple):
    """An agent of the newest wave. `stale` says that it is past the run's time-out policy.

    While its launch runs, `doing`, `tokens` and `cost_usd` are what its stream said last, and `worker` is the one that
    works on it, where an engine has its order; `doing` is `queued` before that.

    `error` is the first reason for which it is not complete, `errors` are all that is wrong with an invalid output.
    `interrupted` holds for a running agent whose launch and process have ended without its answer.
    """

    domain: str
    status: str
    started: str | None
    completed: str | None
    error: str | None
    stale: bool
    errors: tuple[str, ...] = ()
    doing: str | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    worker: str | None = None
    interrupted: bool = False


class AgentSummary(NamedTuple):
    """The agents of the newest wave, counted."""

    total: int
    complete: int
    in_flight: int
    blocked: int


class WaveCounts(NamedTuple):
    """Findings of the newest collected wave, counted."""

    new: int
    recurring: int
    fixed: int
    unverified: int


class StatusFindings(NamedTuple):
    """The findings of a run, counted. `by_severity` counts the open ones."""

    total: int
    by_severity: dict[str, int]
    by_status: dict[str, int]
    open: int
    this_wave: WaveCounts | None


class LastVerification(NamedTuple):
    """The newest `verify` of a run. `offending` counts claims that do not hold, `None` where none were checked."""

    id: int
    verdict: str
    passed: bool
    commit_sha: str
    phase: str
    wave_number: int | None
    test_count: int | None
    offending: int | None
    created: str


class Assessment(NamedTuple):
    """The state of a run, its blockers, and a command that works now."""

    state: str
    blockers: tuple[str, ...]
    next_action: str


class StatusResult(NamedTuple):
    """The state of a run. `refused_items` are items of outputs that the newest ended wave could not take.

    `review` is the newest wave of the run where that is a review that has ended; `waves.current` is then an earlier
    wave.
    """

    run: StatusRun
    domains: tuple[StatusDomain, ...]
    waves: StatusWaves
    agents: tuple[StatusAgent, ...]
    agent_summary: AgentSummary
    findings: StatusFindings
    violations: int
    last_verification: LastVerification | None
    assessment: Assessment
    refused_items: tuple[str, ...] = ()
    review: StatusWave | None = None

"""Records of `trends`."""

from typing import NamedTuple

from swarm.results.findings import SeverityCounts


class SeenIn(NamedTuple):
    """A wave of a run."""

    run_id: str
    wave: int


class Comeback(NamedTuple):
    """A finding that persists over waves or runs, or came back after a fix. Place and status are the newest."""

    finding_id: str
    severity: str
    rule: str
    status: str
    repo: str
    file: str | None
    line: int | None
    description: str
    runs: int
    waves: int
    came_back: int
    first: SeenIn
    last: SeenIn


class WavePoint(NamedTuple):
    """Findings of a run after a wave. `open` is `None` where the wave did not record them."""

    run_id: str
    repo: str
    wave: int
    phase: str
    status: str
    dispatched: str
    ended: str | None
    open: SeverityCounts | None
    new: int
    fixed: int
    regressed: int


class Recurrence(NamedTuple):
    """A rule or file whose findings come back. `rate` is the share of fixes after which a finding came back."""

    name: str
    findings: int
    open: int
    fixes: int
    came_back: int
    rate: float


class TrendsResult(NamedTuple):
    """The answer to a query; the fields of other queries are `None`. `total` includes what the limit left out."""

    query: str
    repo: str | None
    runs: int
    total: int
    recurring: tuple[Comeback, ...] | None = None
    history: tuple[WavePoint, ...] | None = None
    rules: tuple[Recurrence, ...] | None = None
    files: tuple[Recurrence, ...] | None = None

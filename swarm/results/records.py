"""Records of `records`."""

from typing import Any, NamedTuple


class CorruptRecord(NamedTuple):
    """A file that lies among the records and is none, and why."""

    path: str
    problem: str


class RecordLine(NamedTuple):
    """A record in a list; `surfaces` is empty for a submission that did not fit its schema."""

    path: str
    repo: str
    run_id: str
    status: str
    proposed: str | None
    verified: str
    surfaces: tuple[str, ...]
    finished_at: str | None
    verified_at: str
    rejection_reasons: tuple[str, ...]


class RecordsListed(NamedTuple):
    """Records below a root, the newest first; `total` counts them before the limit."""

    root: str
    total: int
    records: tuple[RecordLine, ...]
    corrupt: tuple[CorruptRecord, ...]


class RecordWhole(NamedTuple):
    """A record as its file has it."""

    root: str
    path: str
    record: dict[str, Any]


class Reindexed(NamedTuple):
    """Indexes that were made anew of every accepted record."""

    root: str
    records: int
    repos: int
    failing: int
    stale: int
    corrupt: tuple[CorruptRecord, ...]


class PortfolioSurface(NamedTuple):
    """The latest record of a surface, held to the limits of its policy.

    `freshness` is healthy, stale, unknown_freshness (its moment lies in the future or does not exist) or missing;
    `is_due` says of a healthy one that its policy wants to be warned.
    """

    surface: str
    freshness: str
    is_due: bool
    verified: str | None
    run_id: str | None
    path: str | None
    finished_at: str | None
    age_days: float | None
    max_age_days: int
    enforcement: str
    required_scenarios: tuple[str, ...]
    missing_scenarios: tuple[str, ...]


class PortfolioRepo(NamedTuple):
    """A repository of the portfolio; `policy_problem` says why its policy cannot be used."""

    repo: str
    policy_version: str
    policy_problem: str | None
    surfaces: tuple[PortfolioSurface, ...]


class PortfolioCoverage(NamedTuple):
    """Surfaces that are expected, by a policy or a record, and those with a record; the same of required scenarios."""

    surfaces_expected: int
    surfaces_recorded: int
    scenarios_required: int
    scenarios_recorded: int


class Portfolio(NamedTuple):
    """Every repository with a record or a policy of its own."""

    root: str
    records: int
    repos: tuple[PortfolioRepo, ...]
    coverage: PortfolioCoverage
    freshness: dict[str, int]
    corrupt: tuple[CorruptRecord, ...]

"""`records portfolio`: how much of every repository is recorded, and how fresh it is."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from swarm.evidence.records.archive import kept_records
from swarm.evidence.records.indexes import Policies, age_days, latest_records
from swarm.evidence.records.policies import MalformedFile, own_policy, repos_with_policy
from swarm.results.records import Portfolio, PortfolioCoverage, PortfolioRepo, PortfolioSurface
from swarm.rules.record_forms import SURFACES, Surface
from swarm.rules.record_policy import Freshness, SurfacePolicy, freshness


def portfolio(root: Path) -> Portfolio:
    """Return every repository with a record or a policy, from the records themselves and not from their indexes."""
    limits = Policies(root)
    count, latest, corrupt = latest_records(kept_records(root), limits)
    repos = tuple(
        _repo(root, repo, latest.get(repo, {}), limits) for repo in sorted({*latest, *repos_with_policy(root)})
    )
    surfaces = [surface for repo in repos for surface in repo.surfaces]
    required = sum(len(one.required_scenarios) for one in surfaces)
    counts = Counter(one.freshness for one in surfaces)
    return Portfolio(
        root=str(root),
        records=count,
        repos=repos,
        coverage=PortfolioCoverage(
            surfaces_expected=len(surfaces),
            surfaces_recorded=sum(one.run_id is not None for one in surfaces),
            scenarios_required=required,
            scenarios_recorded=required - sum(len(one.missing_scenarios) for one in surfaces),
        ),
        freshness={state: counts[state] for state in get_args(Freshness)},
        corrupt=corrupt,
    )


def _repo(root: Path, repo: str, latest: Mapping[str, Mapping[str, Any]], limits: Policies) -> PortfolioRepo:
    policy, problem = limits.of(repo)
    expected = {*latest, *_expected(root, repo)}
    surfaces = (
        _surface(surface, policy.of(surface), latest.get(surface)) for surface in SURFACES if surface in expected
    )
    return PortfolioRepo(repo, policy.version, problem, tuple(surfaces))


def _expected(root: Path, repo: str) -> list[str]:
    """Return the surfaces that a repository's own policy names; the global policy names those of nobody."""
    try:
        own = own_policy(root, repo) or {}
    except MalformedFile:
        return []
    return list(own.get("surfaces", {}))


def _surface(surface: Surface, own: SurfacePolicy, entry: Mapping[str, Any] | None) -> PortfolioSurface:
    age = None if entry is None else age_days(entry["finished_at"])
    state = "missing" if entry is None else freshness(age, own)
    found = entry or {}
    shown = found.get("scenarios", {})
    return PortfolioSurface(
        surface=surface,
        freshness=state,
        is_due=state == "healthy" and age is not None and age > own.warn_age_days,
        verified=found.get("verified"),
        run_id=found.get("run_id"),
        path=found.get("path"),
        finished_at=found.get("finished_at"),
        age_days=None if age is None else round(age, 1),
        max_age_days=own.max_age_days,
        enforcement=own.enforcement,
        required_scenarios=own.required_scenarios,
        missing_scenarios=tuple(name for name in own.required_scenarios if name not in shown),
    )

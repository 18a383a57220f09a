"""Policy of records: what a submission must show, for each surface of a product."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from swarm.rules.record_forms import MODES, CiCheck, Mode, ScenarioResult, Submitted, Surface

Enforcement = Literal["required", "warn-only", "exempt"]
Freshness = Literal["healthy", "stale", "unknown_freshness", "missing"]
BUILT_IN: Final = "built-in"


class SurfacePolicy(NamedTuple):
    """Requirements of a surface of a product; ages in days."""

    enforcement: Enforcement = "required"
    required_scenarios: tuple[str, ...] = ()
    max_age_days: int = 30
    warn_age_days: int = 14
    execution_modes: tuple[Mode, ...] = MODES
    tests_must_pass: bool = False
    coverage_min: float | None = None
    evidence_kinds: tuple[str, ...] = ()
    evidence_count: int = 0


class RecordPolicy(NamedTuple):
    """The policy of a repository: its version, and what each of its surfaces must show."""

    version: str = BUILT_IN
    default: SurfacePolicy = SurfacePolicy()
    surfaces: Mapping[str, SurfacePolicy] = {}

    def of(self, surface: Surface) -> SurfacePolicy:
        """Return what a surface must show."""
        return self.surfaces.get(surface, self.default)


class PolicyAnswer(NamedTuple):
    """Violations of a policy: those that reject a submission, and those that are recorded alone."""

    violations: tuple[str, ...]
    warnings: tuple[str, ...]


def policy_from(documents: Sequence[Mapping[str, Any]]) -> RecordPolicy:
    """Return the policy of documents that fit their schema; each stands above those before it.

    Within a document a surface stands above the defaults.
    """
    layers = [
        {key: each[key] for key in ("enforcement",) if key in each} | each.get("defaults", {}) for each in documents
    ]
    named = {surface for each in documents for surface in each.get("surfaces", {})}
    surfaces = {}
    for surface in named:
        steps = [
            part
            for each, layer in zip(documents, layers, strict=True)
            for part in (layer, each.get("surfaces", {}).get(surface, {}))
        ]
        surfaces[surface] = _surface(steps)
    version = "+".join(str(each["policy_version"]) for each in documents) or BUILT_IN
    return RecordPolicy(version, _surface(layers), surfaces)


def _surface(layers: Sequence[Mapping[str, Any]]) -> SurfacePolicy:
    own: dict[str, Any] = {}
    for layer in layers:
        own |= {key: value for key, value in layer.items() if key not in {"freshness", "evidence"}}
        own |= layer.get("freshness", {})
        own |= {f"evidence_{key}": value for key, value in layer.get("evidence", {}).items()}
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in own.items()}
    return SurfacePolicy(**fields)


def judged(submission: Submitted, policy: RecordPolicy) -> PolicyAnswer:
    """Return the violations of a submission that fits its schema."""
    violations: list[str] = []
    warnings: list[str] = []
    by_surface: dict[Surface, list[ScenarioResult]] = {}
    for scenario in submission["scenario_results"]:
        by_surface.setdefault(scenario["product_surface"], []).append(scenario)
    for surface, scenarios in by_surface.items():
        own = policy.of(surface)
        found = [
            f"policy: surface {surface}: {problem}"
            for problem in _problems(scenarios, submission.get("ci_checks", []), own)
        ]
        if own.enforcement == "required":
            violations += found
        elif own.enforcement == "warn-only":
            warnings += found
    return PolicyAnswer(tuple(violations), tuple(warnings))


def _problems(scenarios: Sequence[ScenarioResult], checks: Sequence[CiCheck], own: SurfacePolicy) -> Iterator[str]:
    shown = {scenario["scenario_id"] for scenario in scenarios}
    yield from (f"required scenario '{name}' is missing" for name in own.required_scenarios if name not in shown)
    for scenario in scenarios:
        yield from (f"scenario '{scenario['scenario_id']}' {problem}" for problem in _of_scenario(scenario, own))
    if own.tests_must_pass:
        yield from _of_tests([check for check in checks if check["kind"] == "test"])
    if own.coverage_min is not None:
        yield from _of_coverage([check for check in checks if check["kind"] == "coverage"], own.coverage_min)


def _of_scenario(scenario: ScenarioResult, own: SurfacePolicy) -> Iterator[str]:
    mode, evidence = scenario["execution_mode"], scenario.get("evidence", [])
    if mode not in own.execution_modes:
        yield f"ran in mode {mode}, and {', '.join(own.execution_modes)} may"
    if mode != "bot" and not scenario.get("attested_by", "").strip():
        yield f"ran in mode {mode} and names nobody who attests it"
    if scenario["verdict"] == "blocked" and not scenario.get("blocking_reason", "").strip():
        yield "is blocked and gives no reason"
    if len(evidence) < own.evidence_count:
        yield f"has {len(evidence)} of {own.evidence_count} pieces of evidence"
    kinds = {piece["kind"] for piece in evidence}
    yield from (f"has no evidence of kind '{kind}'" for kind in own.evidence_kinds if kind not in kinds)


def _of_tests(tests: Sequence[CiCheck]) -> Iterator[str]:
    if not any(check["status"] == "pass" for check in tests):
        yield "no check of kind test passed"
    yield from (f"test check '{check['id']}' failed" for check in tests if check["status"] == "fail")


def _of_coverage(checks: Sequence[CiCheck], least: float) -> Iterator[str]:
    measured = [check["value"] for check in checks if "value" in check and check["status"] != "skip"]
    if not measured:
        yield f"no check of kind coverage has a value, and {least:g} is needed"
    elif min(measured) < least:
        yield f"coverage {min(measured):g} is below {least:g}"


def freshness(age_days: float | None, own: SurfacePolicy) -> Freshness:
    """Return how fresh a record is by the limits of its surface; `None` is an age that nobody can tell."""
    # A record of the future says nothing about the present.
    if age_days is None or age_days < 0:
        return "unknown_freshness"
    return "stale" if age_days > own.max_age_days else "healthy"

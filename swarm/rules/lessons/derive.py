"""The eight rules that make candidate findings of records, each a pure function of a record and of those before it."""

import re
from collections.abc import Iterator
from typing import Final

from swarm.rules.lessons.look import LessonRule, RecordLook, Sight

_OF_SURFACE: Final = re.compile(r"policy: surface ([a-z-]+): (?:scenario '([^']*)' )?(.*)", re.DOTALL)
_MISSING: Final = re.compile(r"required scenario '([^']*)' is missing")
_SCHEMA: Final = re.compile(r"(schema|submission-contains-verifier-field|repo): (\$[^:\s]*|[^:]*)")
_DIGITS: Final = re.compile(r"\[[0-9]+\]|[0-9]+(?:\.[0-9]+)?")
# Words in the names of steps and scenarios, and the stage of the journey that they stand for; the first one holds.
_STAGES: Final = (
    (("install", "download"), "install"),
    (("setup", "configure", "init", "login"), "setup"),
    (("first", "onboard", "welcome"), "first_run"),
    (("export", "download", "report"), "export"),
    (("publish", "release", "deploy"), "publish"),
    (("recover", "restore", "resume", "retry", "undo", "rollback"), "recovery"),
    (("integrat", "plugin", "webhook", "api"), "integration"),
    (("verif", "test", "check", "lint", "build"), "verification"),
    (("rollout", "upgrade", "migrat"), "rollout"),
)


def surface_misclassification(look: RecordLook) -> Iterator[Sight]:
    """Yield scenarios that are reported for another surface than before, or than the policy requires them for."""
    shown = {one["scenario_id"]: one["product_surface"] for one in look.scenarios}
    other = {name: before for name in shown if (before := look.surfaces.get(name, shown[name])) != shown[name]}
    for surface, _, problem in _of_policy(look):
        missing = _MISSING.fullmatch(problem)
        if missing and missing[1] in shown and shown[missing[1]] != surface:
            other[missing[1]] = surface
    for name, meant in sorted(other.items()):
        yield Sight(
            subject=name,
            surface=shown[name],
            title=f"Scenario {name} is reported for the surface {shown[name]}",
            summary=f"The scenario {name} belongs to the surface {meant} and is reported for {shown[name]}, so that"
            " neither surface shows what it should.",
            text=f"scenario {name} is reported for {shown[name]}, and belongs to {meant}",
            scenario_id=name,
            mode=look.mode_of(name),
        )


def evidence_policy_mismatch(look: RecordLook) -> Iterator[Sight]:
    """Yield scenarios whose evidence is not what the policy asks for."""
    for surface, scenario, problem in _of_policy(look):
        if scenario is not None and _is_of_evidence(problem):
            yield Sight(
                subject=scenario,
                surface=surface,
                title=f"Scenario {scenario} leaves other evidence than the policy asks for",
                summary=f"The policy of the surface {surface} asks for evidence that the scenario {scenario} does not"
                " leave.",
                text=f"scenario {scenario} {problem}",
                scenario_id=scenario,
                mode=look.mode_of(scenario),
            )


def verdict_downgrade(look: RecordLook) -> Iterator[Sight]:
    """Yield a verdict that the verifier lowered."""
    verdict = look.record["overall_verdict"]
    if not verdict["downgraded"]:
        return
    step = f"{verdict['proposed']} to {verdict['verified']}"
    why = "; ".join(verdict.get("downgrade_reasons", ())[:3]) or "no reason is recorded"
    yield Sight(
        subject=step,
        surface=look.own_surface,
        title=f"A proposed verdict was lowered from {step}",
        summary=f"The submission proposes {verdict['proposed']} where the verifier finds {verdict['verified']}: the"
        " verdict is proposed before its scenarios, provenance and policy are looked at.",
        text=f"lowered from {step}: {why}",
    )


def scenario_step_failure(look: RecordLook) -> Iterator[Sight]:
    """Yield each step of a scenario that failed."""
    for scenario in look.scenarios:
        name = scenario["scenario_id"]
        for step in scenario["step_results"]:
            if step["status"] == "fail":
                yield Sight(
                    subject=f"{name} {step['step_id']}",
                    surface=scenario["product_surface"],
                    title=f"Step {step['step_id']} of scenario {name} fails",
                    summary=f"The step {step['step_id']} of the scenario {name} failed on the surface"
                    f" {scenario['product_surface']}.",
                    text=f"step {step['step_id']} ended fail in mode {scenario['execution_mode']}",
                    scenario_id=name,
                    step_id=step["step_id"],
                    mode=scenario["execution_mode"],
                    stage=_stage_of(f"{step['step_id']} {name}"),
                )


def blocked_scenario(look: RecordLook) -> Iterator[Sight]:
    """Yield each scenario that is blocked."""
    for scenario in look.scenarios:
        name = scenario["scenario_id"]
        if scenario["verdict"] == "blocked":
            yield Sight(
                subject=name,
                surface=scenario["product_surface"],
                title=f"Scenario {name} is blocked",
                summary=f"The scenario {name} could not be run to its end on the surface"
                f" {scenario['product_surface']}, so nothing is known about what it covers.",
                text=f"blocked: {scenario.get('blocking_reason') or 'no reason is given'}",
                scenario_id=name,
                mode=scenario["execution_mode"],
                stage=_stage_of(name),
            )


def execution_mode_gap(look: RecordLook) -> Iterator[Sight]:
    """Yield scenarios that ran in a mode that the policy does not count, or that nobody attests."""
    for surface, scenario, problem in _of_policy(look):
        if scenario is not None and problem.startswith("ran in mode "):
            yield Sight(
                subject=scenario,
                surface=surface,
                title=f"Scenario {scenario} runs in a mode that does not count",
                summary=f"The policy of the surface {surface} does not count the mode in which the scenario {scenario}"
                " runs.",
                text=f"scenario {scenario} {problem}",
                scenario_id=scenario,
                mode=look.mode_of(scenario),
            )


def schema_rejection(look: RecordLook) -> Iterator[Sight]:
    """Yield each place at which a submission does not fit its schema, or has a key of the verifier."""
    for reason in look.record["verification"]["rejection_reasons"]:
        if found := _SCHEMA.match(reason):
            # Without the numbers of lists: the tenth wrong step is no other defect than the first.
            place = _DIGITS.sub("", found[2]).strip() or "$"
            yield Sight(
                subject=f"{found[1]} {place}" if found[1] != "schema" else place,
                surface=look.surface,
                title=f"Submissions are rejected by their schema at {place}",
                summary=f"What makes the submissions of this repository writes a form at {place} that the schema"
                " refuses.",
                text=reason,
            )


def policy_rejection(look: RecordLook) -> Iterator[Sight]:
    """Yield what else of a policy a rejected submission does not meet."""
    shown = {one["scenario_id"] for one in look.scenarios}
    for surface, scenario, problem in _of_policy(look, rejected=True):
        missing = _MISSING.fullmatch(problem)
        is_misplaced = missing is not None and missing[1] in shown
        if _is_of_evidence(problem) or problem.startswith("ran in mode ") or is_misplaced:
            continue
        what = _DIGITS.sub("", problem)
        yield Sight(
            subject=f"{scenario or ''} {what}",
            surface=surface,
            title=f"The policy rejects {f'scenario {scenario}' if scenario else 'a submission'}: {what}",
            summary=f"Submissions for the surface {surface} do not meet its policy: {what}.",
            text=f"scenario {scenario} {problem}" if scenario else problem,
            scenario_id=scenario,
            mode=look.mode_of(scenario) if scenario else None,
        )


# Each with the issue, the root cause, the remediation and the transfer scope of its findings.
RULES: Final = (
    LessonRule(
        "surface-misclassification",
        surface_misclassification,
        "surface_misclassification",
        "wrong_surface",
        "set_policy",
        "surface_local",
    ),
    LessonRule(
        "evidence-policy-mismatch",
        evidence_policy_mismatch,
        "evidence_mismatch",
        "weak_evidence",
        "set_evidence",
        "surface_archetype",
    ),
    LessonRule(
        "verdict-downgrade", verdict_downgrade, "verdict_overclaim", "optimistic_report", "add_review_step", "org_wide"
    ),
    LessonRule(
        "scenario-step-failure", scenario_step_failure, "step_failure", "product_defect", "add_check", "repo_local"
    ),
    LessonRule("blocked-scenario", blocked_scenario, "blocked_scenario", "environment", "add_scenario", "repo_local"),
    LessonRule("execution-mode-gap", execution_mode_gap, "mode_gap", "uncovered_mode", "set_policy", "execution_mode"),
    LessonRule(
        "schema-rejection", schema_rejection, "schema_violation", "emitter_drift", "set_verification", "repo_local"
    ),
    LessonRule("policy-rejection", policy_rejection, "policy_violation", "policy_gap", "set_policy", "surface_local"),
)


def _of_policy(look: RecordLook, *, rejected: bool = False) -> Iterator[tuple[str, str | None, str]]:
    """Yield the surface, the scenario and the problem of each reason that is of a surface's policy."""
    reasons = look.record["verification"]["rejection_reasons"] if rejected else look.reasons
    for reason in reasons:
        if (found := _OF_SURFACE.fullmatch(reason)) is not None:
            yield found[1], found[2], found[3]


def _is_of_evidence(problem: str) -> bool:
    return problem.startswith("has ") and "evidence" in problem


def _stage_of(names: str) -> str:
    words = names.lower()
    return next((stage for parts, stage in _STAGES if any(part in words for part in parts)), "core_loop")

"""Synthesis: patterns of accepted findings, a recommendation for each pattern, doctrine of the strong patterns.

Everything is made of kinds and counts, and of no text that a record brought. A lesson that is there already keeps its
state; once it is accepted it keeps its words, too, and only what supports it grows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from swarm.rules.lessons.lesson import (
    MOST_NAMES,
    Doctrine,
    Lesson,
    LessonFinding,
    LessonPattern,
    LessonStatus,
    Recommendation,
    Strength,
    id_of,
    kebab,
)

_FEWEST_FINDINGS: Final = 2
_STRONG: Final = 3
_STABLE: Final = 5
_SURFACES_OF_STABLE: Final = 2
# What each action asks for, as the imperative of a sentence.
ACTIONS: Final[Mapping[str, str]] = {
    "add_check": "Add a check that runs the failing step before a release.",
    "add_scenario": "Add a scenario that covers what was never run.",
    "set_policy": "State in the policy what the surface must show.",
    "set_evidence": "Say which evidence a scenario must leave, and collect it where it runs.",
    "add_review_step": "Let a second person or agent look at the verdict before it is sent.",
    "set_verification": "Verify the submission where it is made, with the schema that judges it.",
}
_ISSUES: Final[Mapping[str, str]] = {
    "surface_misclassification": "scenarios are reported for the wrong surface",
    "evidence_mismatch": "scenarios leave other evidence than the policy asks for",
    "verdict_overclaim": "verdicts are proposed that the verifier lowers",
    "step_failure": "steps of scenarios fail",
    "blocked_scenario": "scenarios are blocked",
    "mode_gap": "scenarios run in a mode that does not count",
    "schema_violation": "submissions do not fit the schema",
    "policy_violation": "submissions do not meet the policy",
    "other": "the findings name the same kind of defect",
}
_LAWS: Final[Mapping[str, tuple[str, str]]] = {
    "surface_misclassification": ("surface", "Name the surface by what the user touches, before the first scenario"),
    "evidence_mismatch": ("evidence", "Decide which evidence counts before the scenario runs"),
    "verdict_overclaim": ("calibration", "Propose no better verdict than the worst step allows"),
    "step_failure": ("verification", "Run each step of a scenario in CI before a release"),
    "blocked_scenario": ("rollout", "Roll out nothing whose scenarios are blocked"),
    "mode_gap": ("verification", "Run each scenario in a mode that its policy counts"),
    "schema_violation": ("verification", "Check a submission by its schema where it is made"),
    "policy_violation": ("rollout", "Meet the policy before a version is rolled out"),
    "other": ("verification", "Look for the same defect before a release"),
}


def patterns_of(findings: Iterable[LessonFinding]) -> list[LessonPattern]:
    """Return the patterns of accepted findings: alike in issue and root cause, two or more, from different records."""
    groups: dict[tuple[str, str], list[LessonFinding]] = {}
    for finding in findings:
        if finding.status == LessonStatus.ACCEPTED:
            groups.setdefault((finding.issue_kind, finding.root_cause_kind), []).append(finding)
    found = []
    for key, alike in sorted(groups.items()):
        records = _each(record for finding in alike for record in finding.source_record_ids)
        if len(alike) >= _FEWEST_FINDINGS and len(records) >= _FEWEST_FINDINGS:
            found.append(_pattern(*key, alike, records))
    return found


def _pattern(issue: str, cause: str, alike: Sequence[LessonFinding], records: tuple[str, ...]) -> LessonPattern:
    repos = _each(finding.repo for finding in alike)
    surfaces = _each(finding.product_surface for finding in alike)
    where = f"{len(repos):,} repositor{'y' if len(repos) == 1 else 'ies'}"
    return LessonPattern(
        pattern_id=f"dpat-{kebab(issue)}-{kebab(cause)}",
        title=f"Pattern: {_ISSUES[issue]} ({cause.replace('_', ' ')})",
        status=LessonStatus.CANDIDATE.value,
        issue_kind=issue,
        root_cause_kind=cause,
        strength=strength_of(len(repos), len(surfaces)).value,
        summary=f"{_sentence(_ISSUES[issue])}: {len(alike):,} accepted findings in {where}, on {', '.join(surfaces)}."
        f" Root cause: {cause.replace('_', ' ')}.",
        repos=repos[:MOST_NAMES],
        product_surfaces=surfaces,
        finding_ids=tuple(finding.finding_id for finding in alike)[:MOST_NAMES],
        source_record_ids=records[:MOST_NAMES],
        execution_modes=_each(finding.execution_mode for finding in alike if finding.execution_mode),
    )


def strength_of(repos: int, surfaces: int) -> Strength:
    """Return the strength of a pattern: strong at three repositories, stable at five of two surfaces or more."""
    if repos >= _STABLE and surfaces >= _SURFACES_OF_STABLE:
        return Strength.PORTFOLIO_STABLE
    return Strength.STRONG if repos >= _STRONG else Strength.EMERGING


def recommendation_for(pattern: LessonPattern, findings: Mapping[str, LessonFinding]) -> Recommendation:
    """Return the recommendation of a pattern: the action that most of its findings ask for, the first by name."""
    asked = Counter(findings[name].remediation_kind for name in pattern.finding_ids if name in findings)
    action = min(asked, key=lambda kind: (-asked[kind], kind))
    return Recommendation(
        # By the pattern alone: a pattern has a single recommendation, also where its findings come to ask for another.
        recommendation_id=f"drec-{pattern.pattern_id.removeprefix('dpat-')}",
        title=f"Recommendation: {ACTIONS[action].rstrip('.')}",
        status=LessonStatus.CANDIDATE.value,
        action=action,
        pattern_id=pattern.pattern_id,
        text=f"{ACTIONS[action]} In {len(pattern.finding_ids):,} accepted findings {_ISSUES[pattern.issue_kind]}.",
        repos=pattern.repos,
        product_surfaces=pattern.product_surfaces,
        execution_modes=pattern.execution_modes,
    )


def doctrine_of(pattern: LessonPattern) -> Doctrine | None:
    """Return the law that a strong pattern stands for, `None` for one that is emerging."""
    if pattern.strength == Strength.EMERGING:
        return None
    law, words = _LAWS[pattern.issue_kind]
    return Doctrine(
        doctrine_id=f"ddoc-{law}-{pattern.pattern_id.removeprefix('dpat-')}",
        title=f"Law of {law}: {words[0].lower()}{words[1:]}"[:200],
        status=LessonStatus.CANDIDATE.value,
        law=law,
        strength=pattern.strength,
        pattern_id=pattern.pattern_id,
        statement=f"{words}. In {len(pattern.repos):,} repositories {_ISSUES[pattern.issue_kind]}.",
        repos=pattern.repos,
        product_surfaces=pattern.product_surfaces,
        execution_modes=pattern.execution_modes,
    )


def kept(before: Lesson | None, made: Lesson) -> Lesson:
    """Return a made lesson with the state of the lesson that is there, and with its words once it is accepted."""
    if before is None:
        return made
    standing = made._replace(status=before.status, superseded_by=before.superseded_by)
    if before.status != LessonStatus.ACCEPTED:
        return standing
    words = {
        name: getattr(before, name)
        for name in ("title", "summary", "text", "statement", "action")
        if hasattr(before, name)
    }
    return standing._replace(**words)


def is_other(before: Lesson, made: Lesson) -> bool:
    """Say whether the lesson that has an id is about something else than the lesson that is made for it."""
    names = ("issue_kind", "root_cause_kind", "pattern_id", "law")
    return any(getattr(before, name, None) != getattr(made, name, None) for name in names)


def _each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def unsupported(lessons: Iterable[Lesson]) -> list[LessonPattern]:
    """Return the patterns of which fewer than two findings are accepted by now, and which nobody has rejected."""
    every = list(lessons)
    accepted = {
        id_of(each) for each in every if isinstance(each, LessonFinding) and each.status == LessonStatus.ACCEPTED
    }
    return [
        each
        for each in every
        if isinstance(each, LessonPattern)
        and each.status != LessonStatus.REJECTED
        and len(accepted & set(each.finding_ids)) < _FEWEST_FINDINGS
    ]

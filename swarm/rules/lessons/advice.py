"""Advice: the accepted lessons that fit a surface, a mode or a repository, a bounded number of each kind."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from swarm.rules.lessons.lesson import (
    DOCTRINE,
    FINDING,
    PATTERN,
    RECOMMENDATION,
    Doctrine,
    Lesson,
    LessonFinding,
    LessonKind,
    LessonPattern,
    LessonStatus,
    Recommendation,
    Strength,
    id_of,
    kind_of,
)
from swarm.rules.lessons.section import Advice
from swarm.rules.lessons.synthesis import unsupported

MOST: Final[Mapping[LessonKind, int]] = {FINDING: 8, PATTERN: 5, RECOMMENDATION: 5, DOCTRINE: 5}
_ORDER: Final = (DOCTRINE, RECOMMENDATION, PATTERN, FINDING)
_STRENGTHS: Final = (Strength.PORTFOLIO_STABLE, Strength.STRONG, Strength.EMERGING)


class Wanted(NamedTuple):
    """Scope of the advice: a surface of the product, an execution mode, a repository, or nothing of them."""

    surface: str | None = None
    mode: str | None = None
    repo: str | None = None


def advice_for(lessons: Iterable[Lesson], wanted: Wanted) -> tuple[Advice, ...]:
    """Return the accepted lessons that fit: doctrine first, then by kind and by how near and how strong they are."""
    every = list(lessons)
    dropped = {pattern.pattern_id for pattern in unsupported(every)}
    strong = {
        each.pattern_id for each in every if isinstance(each, LessonPattern) and each.strength != Strength.EMERGING
    }
    fitting = [
        each
        for each in every
        if each.status == LessonStatus.ACCEPTED and _pattern_of(each) not in dropped and _fits(each, wanted, strong)
    ]
    fitting.sort(key=lambda each: _rank(each, wanted))
    chosen = []
    for kind in _ORDER:
        chosen += [each for each in fitting if kind_of(each) is kind][: MOST[kind]]
    return tuple(Advice(kind_of(each).word, id_of(each), each.title, _text(each)) for each in chosen)


def _pattern_of(lesson: Lesson) -> str | None:
    return None if isinstance(lesson, LessonFinding) else lesson.pattern_id


def _fits(lesson: Lesson, wanted: Wanted, strong: set[str]) -> bool:
    if isinstance(lesson, LessonFinding):
        return _finding_fits(lesson, wanted)
    is_near = wanted.repo is None or wanted.repo in lesson.repos
    # What three repositories or more have taught holds for the others, too.
    is_general = isinstance(lesson, Doctrine) or lesson.pattern_id in strong
    fits_surface = wanted.surface is None or wanted.surface in lesson.product_surfaces
    fits_mode = wanted.mode is None or not lesson.execution_modes or wanted.mode in lesson.execution_modes
    return (is_near or is_general) and fits_surface and fits_mode


def _finding_fits(finding: LessonFinding, wanted: Wanted) -> bool:
    """Say whether a finding concerns who asks: its own repository, or others as far as it can be transferred."""
    if wanted.mode is not None and finding.execution_mode not in {None, wanted.mode}:
        return False
    is_surface = wanted.surface in {None, finding.product_surface}
    if wanted.repo is None or finding.repo == wanted.repo:
        return is_surface or finding.transfer_scope in {"execution_mode", "org_wide"}
    match finding.transfer_scope:
        case "surface_archetype":
            return finding.product_surface == wanted.surface
        case "execution_mode":
            return finding.execution_mode is not None and finding.execution_mode == wanted.mode
        case "org_wide":
            return finding.repo.partition("/")[0] == wanted.repo.partition("/")[0]
        case _:
            return False


def _rank(lesson: Lesson, wanted: Wanted) -> tuple[bool, int, int, str]:
    if isinstance(lesson, LessonFinding):
        seen = lesson.occurrences or len(lesson.source_record_ids)
        return lesson.repo != wanted.repo, 0, -seen, lesson.finding_id
    strength = 0 if isinstance(lesson, Recommendation) else _STRENGTHS.index(Strength(lesson.strength))
    return wanted.repo not in lesson.repos, strength, -len(lesson.repos), id_of(lesson)


def _text(lesson: Lesson) -> str:
    match lesson:
        case LessonFinding() | LessonPattern():
            return lesson.summary
        case Recommendation():
            return lesson.text
        case Doctrine():
            return lesson.statement

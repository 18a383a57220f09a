"""`lessons synthesize`: patterns, recommendations and doctrine, made of the accepted findings."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

from swarm.evidence.lessons.settle import settle
from swarm.evidence.lessons.shelf import every_lesson
from swarm.evidence.lessons.step import changing
from swarm.results.lessons import LessonMade, LessonRefused, LessonsSynthesized
from swarm.rules.lessons.lesson import (
    DOCTRINE,
    PATTERN,
    RECOMMENDATION,
    Lesson,
    LessonFinding,
    LessonKind,
    LessonPattern,
    LessonStatus,
    Recommendation,
    id_of,
)
from swarm.rules.lessons.synthesis import doctrine_of, is_other, kept, patterns_of, recommendation_for, unsupported


def synthesize(root: Path, *, write: bool) -> LessonsSynthesized:
    """Make the patterns, recommendations and doctrine of a root, and write those that are new or changed.

    What is there keeps its state. An id that another lesson has is refused, and the others go on. Raises the errors of
    files, LessonsBusy and LedOutside.
    """
    with changing(root, "synthesize") if write else nullcontext():
        known = every_lesson(root)
        results: list[LessonMade] = []
        refused: list[LessonRefused] = []
        for kind, made in _made(known).items():
            own, others = settle(root, kind, made, known, kept, is_other, write=write)
            results += own
            refused += others
    return LessonsSynthesized(
        root=str(root),
        written=write,
        lessons=tuple(results),
        unsupported=tuple(id_of(pattern) for pattern in unsupported(known.values())),
        errors=tuple(refused),
    )


def _made(known: Mapping[str, Lesson]) -> dict[LessonKind, Sequence[Lesson]]:
    """Return what the accepted findings give, by kind. A rejected pattern gives nothing."""
    findings = {name: lesson for name, lesson in known.items() if isinstance(lesson, LessonFinding)}
    patterns = patterns_of(findings.values())
    standing = [pattern for pattern in patterns if _status(known, pattern) != LessonStatus.REJECTED]
    return {
        PATTERN: patterns,
        RECOMMENDATION: [made for each in standing if _is_free(known, made := recommendation_for(each, findings))],
        DOCTRINE: [law for each in standing if (law := doctrine_of(each)) is not None],
    }


def _status(known: Mapping[str, Lesson], pattern: LessonPattern) -> str:
    return known.get(pattern.pattern_id, pattern).status


def _is_free(known: Mapping[str, Lesson], made: Recommendation) -> bool:
    """Say whether no recommendation that a person wrote under another id stands for the same pattern."""
    return not any(
        isinstance(lesson, Recommendation) and lesson.pattern_id == made.pattern_id and id_of(lesson) != id_of(made)
        for lesson in known.values()
    )

"""`lessons advise`: the accepted lessons that fit a surface, a mode or a repository."""

from pathlib import Path

from swarm.evidence.lessons.shelf import every_lesson
from swarm.results.lessons import LessonAdvice, LessonsAdvised
from swarm.rules.lessons.advice import Wanted, advice_for
from swarm.rules.lessons.lesson import UNDECIDED
from swarm.rules.lessons.section import AdviceSection


def advise(root: Path, wanted: Wanted) -> LessonsAdvised:
    """Return the advice of a root for who asks. Raises the errors of files of lessons."""
    lessons = list(every_lesson(root).values())
    advice = advice_for(lessons, wanted)
    return LessonsAdvised(
        root=str(root),
        surface=wanted.surface,
        mode=wanted.mode,
        repo=wanted.repo,
        advice=tuple(LessonAdvice(*item) for item in advice),
        undecided=sum(lesson.status in UNDECIDED for lesson in lessons),
        prompt=AdviceSection(advice).text,
    )


def section_for(root: Path, wanted: Wanted) -> AdviceSection:
    """Return the advice of a root as the first section of a prompt. Raises the errors of files of lessons."""
    return AdviceSection(advice_for(every_lesson(root).values(), wanted))

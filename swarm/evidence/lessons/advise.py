"""`lessons advise`: the accepted lessons that fit a surface, a mode or a repository."""

from pathlib import Path

from swarm.evidence.lessons.shelf import every_lesson
from swarm.results.lessons import LessonAdvice, LessonsAdvised
from swarm.rules.lessons.advice import Wanted, advice_for, advice_text
from swarm.rules.lessons.lesson import LessonStatus

_UNDECIDED = {LessonStatus.CANDIDATE, LessonStatus.REVIEWED}


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
        undecided=sum(lesson.status in _UNDECIDED for lesson in lessons),
        prompt=advice_text(advice),
    )

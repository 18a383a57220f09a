"""Lessons that a rule made beside those on disk: what is new, what changes, and which ids collide."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from swarm.evidence.lessons.writers import collision, write_lessons
from swarm.results.lessons import LessonMade, LessonRefused
from swarm.rules.lessons.lesson import Lesson, LessonKind, document_of, id_of

_OF_ANOTHER = "stands on disk for another lesson; refused to silently clobber"


def settle(
    root: Path,
    kind: LessonKind,
    made: Sequence[Lesson],
    before: Mapping[str, Lesson],
    kept: Callable[[Lesson, Lesson], Lesson],
    is_other: Callable[[Lesson, Lesson], bool],
    *,
    write: bool,
) -> tuple[list[LessonMade], list[LessonRefused]]:
    """Write made lessons of a kind, each over the lesson with its id, and return what each comes to.

    `kept` returns a made lesson with what stays of the lesson on disk; `is_other` says that both are about different
    things. Equal lessons are not written. A lesson that is refused goes into the refusals, and the others go on.
    """
    results: list[LessonMade] = []
    refused: list[LessonRefused] = []
    due: list[Lesson] = []
    for lesson in made:
        old = before.get(id_of(lesson))
        if old is not None and is_other(old, lesson):
            error = collision(kind, id_of(lesson), _OF_ANOTHER)
            refused.append(LessonRefused(error.code, id_of(lesson), error.message))
            continue
        new = lesson if old is None else kept(old, lesson)
        if new == old:
            results.append(LessonMade(kind.word, id_of(new), new.status, "unchanged", new.title))
        else:
            due.append(new)
    batch = write_lessons(root, kind, [document_of(lesson) for lesson in due], dry_run=not write)
    passed = {file.stem for file in batch.written}
    for lesson in due:
        # Of two that claim an id, the first was written.
        if id_of(lesson) in passed:
            passed.discard(id_of(lesson))
            change = "new" if id_of(lesson) not in before else "changed"
            results.append(LessonMade(kind.word, id_of(lesson), lesson.status, change, lesson.title))
    refused += [LessonRefused(error.code, str(error.fields[kind.id_key]), error.message) for error in batch.errors]
    return sorted(results), refused

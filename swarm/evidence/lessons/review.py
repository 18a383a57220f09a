"""`lessons review`: actions of a person on lessons, each recorded in the log in one step with its file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from swarm import errors
from swarm.clock import now
from swarm.evidence.lessons.shelf import every_lesson
from swarm.evidence.lessons.step import LogEntry, changing, digest_of, record
from swarm.results.lessons import LessonChanged, LessonShown, LessonsListed, LessonsReviewed
from swarm.rules.lessons.evidence import joined
from swarm.rules.lessons.lesson import Lesson, LessonFinding, LessonStatus, id_of, kind_of
from swarm.rules.lessons.review import NEED_A_REASON, NEED_ANOTHER, ReviewAction, actions_of, state_after


class ReviewRequest(NamedTuple):
    """An action on some lessons. `other` is the lesson that a merge or a replacement names."""

    action: ReviewAction
    ids: tuple[str, ...]
    actor: str
    reason: str | None = None
    other: str | None = None


def listed(root: Path, statuses: Sequence[str] = ()) -> LessonsListed:
    """Return the lessons of a root, of some states or of all, ordered by kind and id."""
    lessons = [lesson for lesson in every_lesson(root).values() if not statuses or lesson.status in statuses]
    return LessonsListed(root=str(root), lessons=tuple(map(shown, lessons)))


def shown(lesson: Lesson) -> LessonShown:
    """Return a lesson as it is listed."""
    actions = tuple(action.value for action in actions_of(lesson.status))
    return LessonShown(kind_of(lesson).word, id_of(lesson), lesson.status, lesson.title, actions)


def review(root: Path, request: ReviewRequest) -> LessonsReviewed:
    """Carry out an action on lessons, on all of them or on none.

    Raises ReasonRequired, LessonNotFound, LessonStateRefused, LessonsBusy, and the errors of files and writers.
    """
    action = request.action
    if action in NEED_A_REASON and not (request.reason or "").strip():
        raise errors.ReasonRequired(action=f"{action} of a lesson")
    # Before the lock is made: a refusal leaves no folder behind.
    known = every_lesson(root)
    for named in request.ids:
        found(known, named)
    with changing(root, "review"):
        known = every_lesson(root)
        # By their ids: the beginning of an id may name a lesson that is named whole as well.
        before = list({id_of(each): each for each in (found(known, named) for named in request.ids)}.values())
        other = found(known, request.other) if request.other is not None else None
        changed = [_after(lesson, action, other) for lesson in before]
        entries = [_entry(request, old, new, other) for old, new in zip(before, changed, strict=True)]
        if other is not None and action is ReviewAction.MERGE:
            changed.append(_with_evidence(other, before))
            entries.append(_entry(request, other, changed[-1], before[0])._replace(action="take_over"))
        record(root, changed, entries)
    return LessonsReviewed(
        root=str(root),
        action=action.value,
        reason=request.reason,
        changed=tuple(
            LessonChanged(entry.kind, entry.id, entry.from_status, entry.to_status, entry.other) for entry in entries
        ),
    )


def found(known: Mapping[str, Lesson], named: str) -> Lesson:
    """Return the lesson with an id, or with an id that begins so. Raises LessonNotFound."""
    if named in known:
        return known[named]
    beginning = [lesson_id for lesson_id in known if named and lesson_id.startswith(named)]
    if len(beginning) != 1:
        problem = f"{len(beginning):,} lessons begin so" if beginning else "No lesson is called so"
        raise errors.LessonNotFound(received=named, problem=problem)
    return known[beginning[0]]


def _after(lesson: Lesson, action: ReviewAction, other: Lesson | None) -> Lesson:
    """Return a lesson after an action. Raises LessonStateRefused."""
    if (status := state_after(action, lesson.status)) is None:
        raise _refused(lesson, f"'{action}' is not possible")
    if action not in NEED_ANOTHER or other is None:
        # Open again, it stands for itself: what took its place is in the log.
        standing = lesson._replace(merged_into=None) if isinstance(lesson, LessonFinding) else lesson
        return standing._replace(status=status.value, superseded_by=None)
    if id_of(other) == id_of(lesson):
        raise _refused(lesson, "it cannot take its own place")
    if kind_of(other) is not kind_of(lesson):
        raise _refused(lesson, f"{id_of(other)} is of another kind")
    if other.status == LessonStatus.REJECTED:
        raise _refused(other, f"it cannot take the place of {id_of(lesson)}")
    if action is ReviewAction.SUPERSEDE:
        return lesson._replace(status=status.value, superseded_by=id_of(other))
    if not isinstance(lesson, LessonFinding):
        raise _refused(lesson, "only findings merge; `supersede` replaces it")
    return lesson._replace(status=status.value, merged_into=id_of(other))


def _refused(lesson: Lesson, problem: str) -> "errors.LessonStateRefused":
    allowed = tuple(action.value for action in actions_of(lesson.status))
    return errors.LessonStateRefused(lesson_id=id_of(lesson), status=lesson.status, problem=problem, allowed=allowed)


def _with_evidence(other: Lesson, before: Sequence[Lesson]) -> Lesson:
    for lesson in before:
        if isinstance(other, LessonFinding) and isinstance(lesson, LessonFinding):
            other = joined(other, lesson)
    return other


def _entry(request: ReviewRequest, before: Lesson, after: Lesson, other: Lesson | None) -> LogEntry:
    return LogEntry(
        ts=now(),
        action=request.action.value,
        kind=kind_of(after).word,
        id=id_of(after),
        from_status=before.status,
        to_status=after.status,
        actor=request.actor,
        reason=request.reason,
        other=id_of(other) if other is not None else None,
        sha256=digest_of(after),
    )

"""Records of `lessons`."""

from typing import NamedTuple


class LessonShown(NamedTuple):
    """A lesson, and the actions that its state allows."""

    kind: str
    id: str
    status: str
    title: str
    actions: tuple[str, ...]


class LessonsListed(NamedTuple):
    """The lessons of a root, ordered by kind and id."""

    root: str
    lessons: tuple[LessonShown, ...]


class LessonChanged(NamedTuple):
    """A lesson before and after an action; `other` is the lesson that takes its place, or whose evidence it took."""

    kind: str
    id: str
    from_: str
    to: str
    other: str | None


class LessonsReviewed(NamedTuple):
    """An action of a person on lessons."""

    root: str
    action: str
    reason: str | None
    changed: tuple[LessonChanged, ...]

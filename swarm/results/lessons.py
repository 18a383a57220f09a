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


class LessonMade(NamedTuple):
    """A lesson that a rule made: `new`, `changed`, or `unchanged` beside the one on disk."""

    kind: str
    id: str
    status: str
    change: str
    title: str


class LessonRefused(NamedTuple):
    """A lesson that was not written, with the code of its error."""

    code: str
    id: str
    message: str


class LessonsSynthesized(NamedTuple):
    """Patterns, recommendations and doctrine of the accepted findings; `written` is false in a dry run.

    `unsupported` are patterns of which fewer than two findings are accepted by now.
    """

    root: str
    written: bool
    lessons: tuple[LessonMade, ...]
    unsupported: tuple[str, ...]
    errors: tuple[LessonRefused, ...]


class LessonAdvice(NamedTuple):
    """A lesson as advice."""

    kind: str
    id: str
    title: str
    text: str


class LessonsAdvised(NamedTuple):
    """The accepted lessons that fit, bounded for each kind; `prompt` is the section that a prompt gets.

    `undecided` counts the lessons that nobody has accepted or rejected, and that therefore are no advice.
    """

    root: str
    surface: str | None
    mode: str | None
    repo: str | None
    advice: tuple[LessonAdvice, ...]
    undecided: int
    prompt: str


class LessonsExported(NamedTuple):
    """Lessons of some states, each as the document of its file, by kind."""

    root: str
    statuses: tuple[str, ...]
    findings: tuple[dict[str, object], ...]
    patterns: tuple[dict[str, object], ...]
    recommendations: tuple[dict[str, object], ...]
    doctrine: tuple[dict[str, object], ...]


class RuleFault(NamedTuple):
    """A rule that threw on a record; the other rules and records were looked at."""

    rule: str
    record: str
    problem: str


class UnreadRecord(NamedTuple):
    """A file of records that is no record, and of which nothing is derived."""

    path: str
    problem: str


class LessonsDerived(NamedTuple):
    """Candidate findings of records; `written` is false in a dry run, `records` counts the records looked at."""

    root: str
    written: bool
    records: int
    lessons: tuple[LessonMade, ...]
    errors: tuple[LessonRefused, ...]
    rule_faults: tuple[RuleFault, ...]
    corrupt: tuple[UnreadRecord, ...]

"""Lessons as a page of Markdown, strongest kind first."""

from collections.abc import Iterator, Mapping
from typing import Final

from swarm.results.lessons import LessonsExported
from swarm.show.escape import markdown

# The texts of each kind, of which a lesson has one, and the list that supports it.
_TEXTS: Final = ("statement", "text", "summary")
_SUPPORT: Final = (("pattern_id", "Pattern"), ("finding_ids", "Findings"), ("source_record_ids", "Records"))
_MOST: Final = 20


def page(result: LessonsExported) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# Lessons"
    for title, lessons in (
        ("Doctrine", result.doctrine),
        ("Recommendations", result.recommendations),
        ("Patterns", result.patterns),
        ("Findings", result.findings),
    ):
        if lessons:
            yield ""
            yield f"## {title}"
        for lesson in lessons:
            yield from _lesson(lesson)
    if not (result.doctrine or result.recommendations or result.patterns or result.findings):
        yield ""
        yield f"None is {' or '.join(result.statuses)}."


def _lesson(lesson: Mapping[str, object]) -> Iterator[str]:
    yield ""
    yield f"### {markdown(str(lesson['title']))}"
    yield ""
    yield from (markdown(str(lesson[name])) for name in _TEXTS if name in lesson)
    yield ""
    yield f"- Id: `{next(iter(lesson.values()))}`, {lesson['status']}"
    for name, words in _SUPPORT:
        found = lesson.get(name)
        named = found[:_MOST] if isinstance(found, list) else [found] if found else []
        if named:
            more = f" and {len(found) - _MOST:,} more" if isinstance(found, list) and len(found) > _MOST else ""
            yield f"- {words}: {', '.join(markdown(str(each)) for each in named)}{more}"

"""`lessons export`: lessons as one document, for other tools and for other repositories."""

from collections.abc import Sequence
from pathlib import Path

from swarm.evidence.lessons.shelf import lessons_of
from swarm.results.lessons import LessonsExported
from swarm.rules.lessons.lesson import KINDS, document_of


def export(root: Path, statuses: Sequence[str]) -> LessonsExported:
    """Return the lessons of some states. Raises the errors of files of lessons."""
    documents = {
        kind.folder: tuple(document_of(each) for each in lessons_of(root, kind) if each.status in statuses)
        for kind in KINDS
    }
    return LessonsExported(root=str(root), statuses=tuple(statuses), **documents)

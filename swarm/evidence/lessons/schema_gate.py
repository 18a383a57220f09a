"""The schema of each kind of lesson as a gate: what does not fit is refused before the disk is touched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.documents import violations
from swarm.rules.lessons.lesson import LessonKind


class Refusals(NamedTuple):
    """Errors of a kind of lesson."""

    schema: type[errors.LessonSchemaInvalid]
    collision: type[errors.LessonIdCollision]


REFUSALS: Final[Mapping[str, Refusals]] = {
    "finding": Refusals(errors.FindingSchemaInvalid, errors.FindingIdCollision),
    "pattern": Refusals(errors.PatternSchemaInvalid, errors.PatternIdCollision),
    "recommendation": Refusals(errors.RecommendationSchemaInvalid, errors.RecommendationIdCollision),
    "doctrine": Refusals(errors.DoctrineSchemaInvalid, errors.DoctrineIdCollision),
}


def hold_to_schema(kind: LessonKind, document: object, path: Path | None = None) -> None:
    """Refuse a document that does not fit the schema of its kind; `path` is the file that it was read from.

    Raises the kind's error of its schema.
    """
    found = [
        {"path": one.path, "message": one.text.removeprefix(f"{one.path}: ")} for one in violations(document, kind.word)
    ]
    if not found:
        return
    named = document.get(kind.id_key) if isinstance(document, Mapping) else None
    # A number or a list in the place of the id is no name of anything.
    shown = errors.shortened(named) if isinstance(named, str) else "no id"
    fields: dict[str, Any] = {
        kind.id_key: shown,
        "errors": tuple(found),
        "path": None if path is None else str(path),
        "problem": "; ".join(f"{fault['path']} {fault['message']}" for fault in found),
    }
    raise REFUSALS[kind.word].schema(**fields)

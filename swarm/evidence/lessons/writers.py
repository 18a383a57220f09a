"""Writers of lessons, with the same gates for every caller, in this order: schema, place, collision, atomic write."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.evidence.lessons.schema_gate import REFUSALS, hold_to_schema
from swarm.evidence.lessons.shelf import file_of, lessons_folder
from swarm.files import hold_in_place, write_whole
from swarm.rules.lessons.lesson import LessonKind
from swarm.yaml_text import MOST_CHARACTERS, yaml_from

Document = Mapping[str, Any]
_IN_PROCESS: Final = "already written in this process; refused to silently clobber"
# Ids that this process wrote, by root: a second writer of an id would undo the first without a word.
_SEEN: Final[dict[Path, set[str]]] = {}


class Batch(NamedTuple):
    """Outcome of a batch: the written files, and the error of each document that was refused."""

    written: tuple[Path, ...]
    errors: tuple[errors.SwarmError, ...]


def reset_seen_writes(root: Path) -> None:
    """Forget which ids this process wrote below a root, for a caller who has read what he writes again."""
    _SEEN.pop(root.resolve(), None)


def write_lesson(root: Path, kind: LessonKind, document: Document) -> Path:
    """Write a lesson of a kind, through every gate.

    Raises the kind's errors of its schema and its id, LedOutside, LessonFileInvalid and WorkspaceNotWritable.
    """
    file, text = passed(root, kind, document)
    # By the folder above: a kind can have thousands of files, and each write looks for what dead writers left.
    write_whole(file, text, lessons_folder(root))
    _SEEN.setdefault(root.resolve(), set()).add(document[kind.id_key])
    return file


def passed(root: Path, kind: LessonKind, document: Document) -> tuple[Path, str]:
    """Return the file and the text of a document that passes the gates; nothing is written."""
    hold_to_schema(kind, document)
    lesson_id = document[kind.id_key]
    file = file_of(root, kind, lesson_id)
    hold_in_place(file.parent.parent, root)
    hold_in_place(file.parent, root)
    if lesson_id in _SEEN.get(root.resolve(), set()):
        raise collision(kind, lesson_id, _IN_PROCESS)
    text = yaml_from(dict(document))
    # No verb could read it again.
    if len(text.encode()) > MOST_CHARACTERS:
        raise errors.LessonFileInvalid(path=str(file), problem=f"it would be larger than {MOST_CHARACTERS:,} bytes")
    return file, text


def write_lessons(root: Path, kind: LessonKind, documents: Sequence[Document], *, dry_run: bool = False) -> Batch:
    """Write a batch of a kind. A document that is refused goes into the errors, and the others are written.

    A dry run passes every document through the gates, and writes none.
    """
    written: list[Path] = []
    refused: list[errors.SwarmError] = []
    claimed: dict[str, int] = {}
    for index, document in enumerate(documents):
        try:
            hold_to_schema(kind, document)
            lesson_id = document[kind.id_key]
            if (before := claimed.setdefault(lesson_id, index)) != index:
                raise collision_in_batch(kind, lesson_id, before, index)
            written.append(passed(root, kind, document)[0] if dry_run else write_lesson(root, kind, document))
        except (errors.LessonSchemaInvalid, errors.LessonIdCollision) as error:
            refused.append(error)
    return Batch(tuple(written), tuple(refused))


def collision_in_batch(kind: LessonKind, lesson_id: str, first: int, second: int) -> "errors.LessonIdCollision":
    """Return the error for an id that two documents of a batch claim."""
    problem = f"already claimed by index {first}; refused write at index {second} to avoid silent clobber"
    return collision(kind, lesson_id, problem, batch="intra-batch ")


def collision(kind: LessonKind, lesson_id: str, problem: str, batch: str = "") -> "errors.LessonIdCollision":
    """Return the error for an id that another lesson of the kind has."""
    fields: dict[str, Any] = {kind.id_key: lesson_id, "problem": problem, "batch": batch}
    return REFUSALS[kind.word].collision(**fields)

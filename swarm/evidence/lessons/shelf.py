"""Files of lessons: their places, and reading of each kind.

`<root>/lessons/<kind>/<id>.yaml` holds one lesson. A file may come from anybody: its size, depth and form are bounded,
and it is held to the schema of its kind before it is used.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from swarm import errors
from swarm.documents import read_bounded
from swarm.evidence.lessons import schema_gate
from swarm.files import is_in_place
from swarm.rules.lessons.lesson import KINDS, Lesson, LessonKind, id_of, lesson_from
from swarm.yaml_text import MOST_CHARACTERS, parse_yaml

MOST_FILES: Final = 20_000
_SUFFIX: Final = ".yaml"


def lessons_folder(root: Path) -> Path:
    """Return the folder of the lessons of a root."""
    return root / "lessons"


def file_of(root: Path, kind: LessonKind, lesson_id: str) -> Path:
    """Return the file of a lesson; an id is held to the schema before it becomes a name."""
    return lessons_folder(root) / kind.folder / f"{lesson_id}{_SUFFIX}"


def every_lesson(root: Path) -> dict[str, Lesson]:
    """Return all lessons of a root by id, the kinds in their order. Raises as `lessons_of`."""
    return {id_of(lesson): lesson for kind in KINDS for lesson in lessons_of(root, kind)}


def lessons_of(root: Path, kind: LessonKind) -> list[Lesson]:
    """Return the lessons of a kind, ordered by id. Raises LessonFileInvalid, and the kind's error of its schema."""
    folder = lessons_folder(root) / kind.folder
    if not folder.exists() and not folder.is_symlink():
        return []
    if not is_in_place(folder, root):
        raise errors.LessonFileInvalid(path=str(folder), problem="a link stands in its place, or in that of its parent")
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    if len(names) > MOST_FILES:
        raise errors.LessonFileInvalid(path=str(folder), problem=f"it holds more than {MOST_FILES:,} files")
    return [_read(folder / name, kind) for name in names]


def _read(file: Path, kind: LessonKind) -> Lesson:
    if file.suffix != _SUFFIX:
        raise errors.LessonFileInvalid(path=str(file), problem=f"its name does not end with {_SUFFIX}")
    document = _document(file)
    schema_gate.hold_to_schema(kind, document, file)
    if document[kind.id_key] != file.stem:
        raise errors.LessonFileInvalid(path=str(file), problem=f"its {kind.id_key} is '{document[kind.id_key]}'")
    return lesson_from(kind, document)


def _document(file: Path) -> Mapping[str, Any]:
    try:
        document = parse_yaml(read_bounded(file, MOST_CHARACTERS).decode())
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit, ValueError) as error:
        problem = error.problem if isinstance(error, errors.SwarmError) else str(error)
        raise errors.LessonFileInvalid(path=str(file), problem=problem) from error
    if not isinstance(document, dict):
        raise errors.LessonFileInvalid(path=str(file), problem="it is no table of YAML")
    return document

"""Changes of lessons under a lock, each together with its line of the review log, in one step.

A change is first written whole to a journal, then to its files and to the log. A process that dies between leaves the
journal, and the next change begins by carrying it out: neither a file nor a line of the log is ever alone.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import errors
from swarm.documents import parse_bounded, read_bounded
from swarm.evidence.lessons.shelf import lessons_folder
from swarm.evidence.lessons.writers import passed, reset_seen_writes, write_lesson
from swarm.files import hold_in_place, make_folder, write_whole
from swarm.rules.lessons.lesson import KINDS, Lesson, document_of, kind_of
from swarm.yaml_text import yaml_from

WAIT_SECONDS: Final = 30.0
LOG_NAME: Final = "review-log.jsonl"
_JOURNAL: Final = ".journal.json"
_BY_WORD: Final = {kind.word: kind for kind in KINDS}


class LogEntry(NamedTuple):
    """A line of the review log; `sha256` is the digest of the lesson's file after the action."""

    ts: str
    action: str
    kind: str
    id: str
    from_status: str
    to_status: str
    actor: str
    reason: str | None
    other: str | None
    sha256: str


@contextmanager
def changing(root: Path, verb: str) -> Iterator[None]:
    """Hold the lock of those who change the lessons of a root, and carry out what a killed process left.

    Raises LessonsBusy, LedOutside, LessonFileInvalid.
    """
    from swarm.locks import LockTaken, by_holder, locked

    folder = lessons_folder(root)
    hold_in_place(folder, root)
    make_folder(folder)
    try:
        with locked(folder / ".review.lock", f"lessons {verb}", timeout=WAIT_SECONDS):
            _carry_out(root)
            # Under the lock everything is read before it is written again, so no write is blind.
            reset_seen_writes(root)
            yield
    except LockTaken as taken:
        raise errors.LessonsBusy(path=str(folder), waited=WAIT_SECONDS, holder=by_holder(taken.holder)) from taken


def record(root: Path, lessons: Sequence[Lesson], entries: Sequence[LogEntry]) -> None:
    """Write lessons and the lines of the log about them in one step; to be called in `changing`.

    Raises the errors of the writers before anything is written.
    """
    documents = [(kind_of(lesson), document_of(lesson)) for lesson in lessons]
    for kind, document in documents:
        passed(root, kind, document)
    log = lessons_folder(root) / LOG_NAME
    size = log.stat().st_size if log.exists() else 0
    lines = [json.dumps(entry._asdict(), ensure_ascii=False) for entry in entries]
    changes = [{"kind": kind.word, "document": document} for kind, document in documents]
    journal = {"lessons": changes, "log_size": size, "lines": lines}
    write_whole(lessons_folder(root) / _JOURNAL, json.dumps(journal, ensure_ascii=False))
    _carry_out(root)


def digest_of(lesson: Lesson) -> str:
    """Return the sha256 of the file that a lesson is written to."""
    return hashlib.sha256(yaml_from(document_of(lesson)).encode()).hexdigest()


def _carry_out(root: Path) -> None:
    """Carry out the change of the journal, from its beginning: each part may be done already."""
    file = lessons_folder(root) / _JOURNAL
    if not os.path.lexists(file):
        return
    journal = _journal(file)
    reset_seen_writes(root)
    for kind, document in journal[0]:
        write_lesson(root, _BY_WORD[kind], document)
    _append(lessons_folder(root) / LOG_NAME, journal[1], journal[2])
    file.unlink()


def _journal(file: Path) -> tuple[list[tuple[str, dict[str, Any]]], int, list[str]]:
    """Return the lessons, the former size of the log and its new lines. Raises LessonFileInvalid."""
    try:
        journal = parse_bounded(read_bounded(file), str(file))
        lessons = [(str(change["kind"]), dict(change["document"])) for change in journal["lessons"]]
        if strange := sorted({kind for kind, _ in lessons} - _BY_WORD.keys()):
            raise ValueError(f"it has the kind {strange[0]}")
        return lessons, int(journal["log_size"]), [str(line) for line in journal["lines"]]
    except (errors.SwarmError, ValueError, TypeError, LookupError, AttributeError) as error:
        problem = f"it is no journal of a change: {error}"
        raise errors.LessonFileInvalid(path=str(file), problem=problem) from error


def _append(log: Path, size: int, lines: Sequence[str]) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as stream:
        # What a killed process wrote of these lines is cut off; a log that is shorter than before stays as it is.
        kept = max(0, min(size, os.fstat(handle).st_size))
        os.ftruncate(handle, kept)
        stream.seek(kept)
        stream.writelines(f"{line}\n".encode() for line in lines)
        stream.flush()
        os.fsync(handle)

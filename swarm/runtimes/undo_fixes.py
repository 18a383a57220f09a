"""Texts of files from before the fixes of an attempt, kept so that the next attempt can undo fixes cut short."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Final

from swarm import errors
from swarm.documents import parse_bounded, read_bounded
from swarm.files import is_in_place, write_whole

RECORD: Final = "mended.json"
_RECORDS: Final = "attempt-*/mended*.json"


def take_back(tree: Path, attempts: Path, files: Collection[str]) -> None:
    """Undo the fixes of interrupted attempts, newest first, so that the next attempt begins where they began.

    The turns of an attempt follow each other as the names of their records do. A file that was edited since stays as
    it is; so do all files where a record was not written by us.
    """
    records = sorted(attempts.glob(_RECORDS), key=lambda file: (len(file.parent.name), file), reverse=True)
    for record in records:
        try:
            kept = parse_bounded(read_bounded(record), RECORD)
        except errors.SwarmError:
            continue
        for file, versions in kept.items() if isinstance(kept, dict) else ():
            place = tree / file
            match versions:
                case [str() as source, str() | None as digest] if file in files and is_plain(place, tree):
                    body = place.read_bytes()
                    if digest is None and body != source.encode("utf-8", "surrogateescape"):
                        # A program of the attempt was killed while it wrote, so nobody knows what stands there.
                        write_whole(record.with_name(f"{len(list(record.parent.iterdir()))}.taken-back"), body)
                    if digest in {None, hashlib.sha256(body).hexdigest()}:
                        place.write_bytes(source.encode("utf-8", "surrogateescape"))


def record_of(folder: Path, tool: str, turn: int = 1) -> Path:
    """Return the place where an attempt keeps the files that a tool changes in a turn. Turns count from 1."""
    return folder / f"mended.{tool}.{turn:02}.json"


def is_plain(place: Path, tree: Path) -> bool:
    """Say whether a path of a tree is a regular file, and no link stands on the way to it."""
    return place.is_file() and not place.is_symlink() and is_in_place(place.parent, tree)


def digest_of(text: str) -> str:
    """Return the digest by which a record knows a text again."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()

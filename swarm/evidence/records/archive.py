"""The files of records below a root, read one after the other in the order of their paths."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

from swarm import documents, errors
from swarm.rules.record_forms import AnyRecord
from swarm.rules.record_places import RECORDS, REJECTED, record_place

SCHEMA = "dogfood-record"
UNREADABLE = (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit, errors.BoundedJsonParseFailed)


# A record lies five folders deep.
_DEEPEST = 12


class KeptRecord(NamedTuple):
    """A file of a record: its path below the root, and its document, or why it is corrupt."""

    path: str
    document: AnyRecord | None
    problem: str | None = None


def kept_records(root: Path, *, rejected: bool = False, repo: str | None = None) -> Iterator[KeptRecord]:
    """Yield the accepted records of a repository, or of all of them, or the rejected ones.

    A file that is no record is yielded with why.
    """
    for path in record_paths(root, rejected=rejected, repo=repo):
        yield read_record(root, path)


def record_paths(root: Path, *, rejected: bool = False, repo: str | None = None) -> Iterator[str]:
    """Yield the path, below the root, of each file of an accepted record, or of a rejected one. No link is followed.

    A folder that cannot be read, or lies too deep, is yielded as well: as a record it is corrupt, and so it is listed.
    """
    top = root / (REJECTED if rejected else RECORDS)
    # Not by recursion: a folder that somebody else made can be as deep as a path can be long.
    waiting = [top if repo is None else top / repo]
    while waiting:
        folder = waiting.pop()
        try:
            if len(folder.relative_to(top).parts) > _DEEPEST:
                raise OSError
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            yield folder.relative_to(root).as_posix()
            continue
        below = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        waiting += [one for one in reversed(below) if rejected or one != root / REJECTED]
        for entry in entries:
            # Files of other names are the lock, and what writers that died left behind.
            is_record = entry.name.startswith("run-") and entry.name.endswith(".json")
            if is_record and not entry.is_dir(follow_symlinks=False):
                yield Path(entry.path).relative_to(root).as_posix()


def read_record(root: Path, path: str) -> KeptRecord:
    """Return the record at a path below a root."""
    try:
        document = documents.parse_bounded(documents.read_bounded(root / path), path)
    except UNREADABLE as error:
        return KeptRecord(path, None, error.problem)
    except OSError as error:
        return KeptRecord(path, None, error.strerror or str(error))
    if problem := documents.check(document, SCHEMA):
        return KeptRecord(path, None, problem)
    record = cast("AnyRecord", document)
    if not _is_of_its_place(path, record):
        return KeptRecord(path, None, "it lies at the place of another repository, run or status")
    return KeptRecord(path, record)


def _is_of_its_place(path: str, record: AnyRecord) -> bool:
    """Say whether a record lies where its own repository, run id and status put it; the day is that of its path."""
    rejected = record["verification"]["status"] == "rejected"
    day = "-".join(path.split("/")[-4:-1])
    try:
        place = record_place(record["repo"], record["run_id"], day, rejected=rejected)
    except ValueError:
        return False
    # A second rejection of the same run has a digest behind its run id.
    return path == place or (rejected and path.startswith(place.removesuffix(".json") + "-"))

"""Records written below a root: under a lock, each whole or not at all, and never in the place of another."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Any, Final, NamedTuple

from swarm import documents, errors
from swarm.evidence.records.archive import SCHEMA, KeptRecord, read_record
from swarm.evidence.records.submission import moment_of
from swarm.files import hold_in_place, make_folder, write_new
from swarm.locks import LockTaken, locked
from swarm.rules.record_forms import VERIFIER_FIELDS, AnyRecord
from swarm.rules.record_places import RECORDS, record_place

LOCK_SECONDS: Final = 60.0
_SCRATCH: Final = f"{RECORDS}/_writing"
_YEAR: Final = "[0-9][0-9][0-9][0-9]"
_TWO: Final = "[0-9][0-9]"


class Kept(NamedTuple):
    """The place of a record below its root. `is_new` is false where it was there already, as `earlier`."""

    path: str
    is_new: bool
    earlier: KeptRecord | None = None


@contextmanager
def lock_of(root: Path, verb: str) -> Iterator[None]:
    """Hold the lock of the records below a root. Raises RecordsBusy, WorkspaceNotWritable and LedOutside."""
    folder = root / RECORDS
    make_folder(folder)
    hold_in_place(folder, root)
    file = folder / "records.lock"
    try:
        with locked(file, verb, timeout=LOCK_SECONDS):
            yield
    except LockTaken as taken:
        by = f" by process {taken.holder}" if taken.holder else ""
        raise errors.RecordsBusy(path=str(file), waited=LOCK_SECONDS, holder=by) from None


def known(root: Path, record: AnyRecord) -> Kept | None:
    """Return the record that an accepted submission has already, whatever its day. Raises RecordCorrupt."""
    if record["verification"]["status"] == "rejected":
        return None
    for earlier in _of_any_day(root, record["repo"], record["run_id"]):
        if _cleared(root, root / earlier):
            continue
        found = read_record(root, earlier)
        if found.document is None:
            raise errors.RecordCorrupt(path=str(root / earlier), problem=str(found.problem))
        return Kept(earlier, is_new=False, earlier=found)
    return None


def keep(root: Path, record: AnyRecord) -> Kept:
    """Write a record that is not known; the caller holds the lock.

    Raises RecordValidationError, DuplicateRunIdError, RecordCorrupt, LedOutside and WorkspaceNotWritable.
    """
    hold_to_schema(record)
    rejected = record["verification"]["status"] == "rejected"
    path = record_place(record["repo"], record["run_id"], _day(record), rejected=rejected)
    if rejected:
        return _keep_rejected(root, path, record)
    _write(root, path, record)
    return Kept(path, is_new=True)


def hold_to_schema(record: AnyRecord) -> None:
    """Refuse a record that readers could not rely on. Raises RecordValidationError."""
    if found := documents.violations(record, SCHEMA):
        told = "; ".join(f"{one.path} {one.message}" for one in found)
        raise errors.RecordValidationError(
            told=errors.shortened(told),
            errors=tuple({"path": one.path, "keyword": one.keyword, "message": one.message} for one in found),
        )


def _keep_rejected(root: Path, path: str, record: AnyRecord) -> Kept:
    """Keep a rejected record beside those of the same run; the same rejection a second time adds nothing."""
    digest = _digest(record)
    for place in (path, f"{path.removesuffix('.json')}-{digest[:12]}.json"):
        is_free = not (root / place).exists() or _cleared(root, root / place)
        earlier = None if is_free else read_record(root, place)
        if earlier is None:
            _write(root, place, record)
            return Kept(place, is_new=True)
        if earlier.document is not None and _digest(earlier.document) == digest:
            return Kept(place, is_new=False, earlier=earlier)
    raise errors.RecordCorrupt(path=str(root / place), problem="another file stands in its place")


def _write(root: Path, path: str, record: AnyRecord) -> None:
    # A day can have thousands of records: the temporary files have a folder of their own.
    file, scratch = root / path, root / _SCRATCH
    for folder in (file.parent, scratch):
        make_folder(folder)
        hold_in_place(folder, root)
    try:
        write_new(file, f"{json.dumps(record, ensure_ascii=False, indent=1)}\n".encode(), scratch)
    except FileExistsError as error:
        # The lock keeps our own writers apart: this is a writer of another machine, on a shared file system.
        raise errors.DuplicateRunIdError(run_id=record["run_id"], path=path) from error


def _cleared(root: Path, file: Path) -> bool:
    """Take away an empty file that stands in the place of a record: another tool, or a full disk, left it there."""
    try:
        is_empty = stat.S_ISREG((status := file.lstat()).st_mode) and status.st_size == 0
    except OSError:
        return False
    if not is_empty:
        return False
    aside = root / _SCRATCH / f"{file.name}.{os.getpid()}"
    make_folder(aside.parent)
    hold_in_place(aside.parent, root)
    # Moved first and looked at then: a writer that no lock holds back may have put a record there.
    file.rename(aside)
    if aside.stat().st_size:
        os.link(aside, file)
    aside.unlink()
    return not file.exists()


def _of_any_day(root: Path, repo: str, run_id: str) -> Iterator[str]:
    """Yield the records of a run id: days are counted, not records, so that no other record is read."""
    folder = root / RECORDS / repo
    for day in sorted(folder.glob(f"{_YEAR}/{_TWO}/{_TWO}")):
        place = day / f"run-{run_id}.json"
        if place.is_symlink() or place.exists():
            yield place.relative_to(root).as_posix()


def _day(record: AnyRecord) -> str:
    """Return the day of a record in UTC: that of its run, or of its judgement where it names no run."""
    if "malformed" not in record:
        moment = moment_of(record["timing"]["finished_at"])
        if moment is not None:
            return f"{moment.astimezone(UTC):%Y-%m-%d}"
    return record["verification"]["verified_at"][:10]


def submitted(record: AnyRecord) -> dict[str, Any]:
    """Return what a record takes over of its submission, to compare two that may have been judged differently."""
    own = {key: value for key, value in record.items() if key not in VERIFIER_FIELDS}
    return {**own, "overall_verdict": record["overall_verdict"]["proposed"]}


def _digest(record: AnyRecord) -> str:
    """Return a digest of what a record says, apart from when it was judged."""
    verification = {key: value for key, value in record["verification"].items() if key != "verified_at"}
    said = {**record, "verification": verification}
    text = json.dumps(said, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

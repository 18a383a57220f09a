"""`records list` and `records show`."""

from pathlib import Path
from typing import cast

from swarm import errors
from swarm.evidence.records.archive import KeptRecord, kept_records, read_record, record_paths
from swarm.results.records import CorruptRecord, RecordLine, RecordsListed, RecordWhole
from swarm.rules.record_forms import AnyRecord

_LISTED = 5


def records(root: Path, repo: str | None, status: str, limit: int | None) -> RecordsListed:
    """Return the records of a root, or of a repository: accepted, rejected or all of them, the newest first."""
    kept: list[KeptRecord] = []
    for rejected in (False, True):
        if status in {"all", "rejected" if rejected else "accepted"}:
            kept += kept_records(root, rejected=rejected, repo=repo)
    lines = [_line(one.path, one.document) for one in kept if one.document is not None]
    lines.sort(key=lambda line: (line.verified_at, line.path), reverse=True)
    corrupt = tuple(CorruptRecord(one.path, str(one.problem)) for one in kept if one.document is None)
    return RecordsListed(str(root), len(lines), tuple(lines if limit is None else lines[:limit]), corrupt)


def _line(path: str, record: AnyRecord) -> RecordLine:
    whole = None if "malformed" in record else record
    surfaces = (
        () if whole is None else tuple(dict.fromkeys(one["product_surface"] for one in whole["scenario_results"]))
    )
    return RecordLine(
        path=path,
        repo=record["repo"],
        run_id=record["run_id"],
        status=record["verification"]["status"],
        proposed=record["overall_verdict"]["proposed"],
        verified=record["overall_verdict"]["verified"],
        surfaces=surfaces,
        finished_at=None if whole is None else whole["timing"]["finished_at"],
        verified_at=record["verification"]["verified_at"],
        rejection_reasons=tuple(record["verification"]["rejection_reasons"]),
    )


def whole_record(root: Path, named: str, repo: str | None) -> RecordWhole:
    """Return the record of a run id, or of a path below the root; an accepted one before those that were rejected.

    Raises RecordNotFound, also for the run id of several records, and RecordCorrupt.
    """
    path = _place(root, named, repo)
    kept = read_record(root, path)
    if kept.document is None:
        raise errors.RecordCorrupt(path=str(root / path), problem=str(kept.problem))
    return RecordWhole(str(root), path, cast("dict[str, object]", kept.document))


def _place(root: Path, named: str, repo: str | None) -> str:
    for rejected in (False, True):
        # By the names of files alone: nothing else has to be read.
        paths = list(record_paths(root, rejected=rejected, repo=repo))
        found = [path for path in paths if named in {path, path.rpartition("/")[2].removesuffix(".json")[4:]}]
        if len(found) == 1:
            return found[0]
        if found:
            raise errors.RecordNotFound(received=named, among=f": {', '.join(found[:_LISTED])}")
    raise errors.RecordNotFound(received=named)

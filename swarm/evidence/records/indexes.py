"""Indexes of the accepted records: the latest of each repository and surface, those that fail, those that are stale.

A record is written first and its index after: a mark stands between both, and after a crash the indexes are made anew.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from swarm import clock, documents, errors
from swarm.evidence.records import policies
from swarm.evidence.records.archive import UNREADABLE, KeptRecord, kept_records
from swarm.evidence.records.submission import moment_of
from swarm.files import hold_in_place, make_folder, write_whole
from swarm.results.records import CorruptRecord
from swarm.rules.record_forms import RunRecord
from swarm.rules.record_places import INDEXES
from swarm.rules.record_policy import RecordPolicy, SurfacePolicy, freshness
from swarm.rules.record_verdicts import worst

LATEST: Final = "latest-by-repo.json"
_FAILING: Final = "failing.json"
_STALE: Final = "stale.json"
_MARK: Final = ".changing"
_SCHEMA: Final = "swarm.records-index/v1"
# A moment that does not exist, in a file that somebody edited, is later than nothing.
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_DAY_SECONDS: Final = 86_400
# The latest record of each surface, by repository; entries are JSON objects.
Latest = dict[str, dict[str, dict[str, Any]]]


class IndexesMade(NamedTuple):
    """Indexes that were made of every record."""

    records: int
    latest: Latest
    failing: int
    stale: int
    corrupt: tuple[CorruptRecord, ...]


def mark_change(root: Path) -> None:
    """Leave a mark before a record is written: whoever finds it later makes the indexes anew."""
    folder = root / INDEXES
    make_folder(folder)
    hold_in_place(folder, root)
    (folder / _MARK).touch()


def is_marked(root: Path) -> bool:
    """Say whether a writer died between a record and its index."""
    return (root / INDEXES / _MARK).exists()


def add_to_indexes(root: Path, kept: KeptRecord) -> int | None:
    """Enter a new record, without reading another; return how many fail, `None` where the indexes must be rebuilt."""
    found = _read(root)
    if found is None or kept.document is None:
        return None
    latest, corrupt = found
    enter(latest, kept, Policies(root))
    return _write(root, latest, corrupt).failing


def rebuild(root: Path) -> IndexesMade:
    """Make the indexes of every record below a root; the caller holds the lock."""
    count, latest, corrupt = latest_records(kept_records(root), Policies(root))
    if not is_marked(root):
        mark_change(root)
    counts = _write(root, latest, corrupt)
    return IndexesMade(count, latest, counts.failing, counts.stale, corrupt)


class Policies:
    """Policies of repositories, read once each; a malformed one leaves the limits that hold without any."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, tuple[RecordPolicy, str | None]] = {}

    def of(self, repo: str) -> tuple[RecordPolicy, str | None]:
        """Return the policy of a repository, and why it cannot be used."""
        if repo not in self._read:
            try:
                self._read[repo] = policies.policy_of(self._root, repo), None
            except policies.MalformedFile as error:
                self._read[repo] = RecordPolicy("malformed"), error.problem
        return self._read[repo]


def latest_records(kept: Iterable[KeptRecord], limits: Policies) -> tuple[int, Latest, tuple[CorruptRecord, ...]]:
    """Return how many records there are, the latest by repository and surface, and the files that are no records."""
    count, latest, corrupt = 0, Latest(), []
    for one in kept:
        if one.document is None:
            corrupt.append(CorruptRecord(one.path, str(one.problem)))
            continue
        count += 1
        enter(latest, one, limits)
    return count, latest, tuple(corrupt)


def enter(latest: Latest, kept: KeptRecord, limits: Policies) -> None:
    """Enter a record as the latest of each of its surfaces, unless a later one is there."""
    record = cast("RunRecord", kept.document)
    for surface, entry in _entries(kept.path, record, limits):
        surfaces = latest.setdefault(record["repo"], {})
        if surface not in surfaces or _age_key(entry) >= _age_key(surfaces[surface]):
            surfaces[surface] = entry


def _age_key(entry: Mapping[str, Any]) -> tuple[datetime, str]:
    # Of two records of one moment the greater run id, so that the order of reading decides nothing.
    return moment_of(entry["finished_at"]) or _NEVER, entry["run_id"]


def _entries(path: str, record: RunRecord, limits: Policies) -> Iterator[tuple[str, dict[str, Any]]]:
    for surface in dict.fromkeys(one["product_surface"] for one in record["scenario_results"]):
        scenarios = [one for one in record["scenario_results"] if one["product_surface"] == surface]
        own = limits.of(record["repo"])[0].of(surface)
        yield (
            surface,
            {
                "run_id": record["run_id"],
                "path": path,
                "commit_sha": record["ref"]["commit_sha"],
                "finished_at": record["timing"]["finished_at"],
                "proposed": record["overall_verdict"]["proposed"],
                "verified": record["overall_verdict"]["verified"],
                "verdict_of_surface": worst(one["verdict"] for one in scenarios),
                "scenarios": {one["scenario_id"]: one["verdict"] for one in scenarios},
                "provenance": record["verification"].get("provenance"),
                "max_age_days": own.max_age_days,
                "warn_age_days": own.warn_age_days,
            },
        )


def age_days(finished_at: str) -> float | None:
    """Return the age of a record in days, `None` for a moment that does not exist."""
    moment = moment_of(finished_at)
    return None if moment is None else clock.seconds_since(moment.isoformat()) / _DAY_SECONDS


class _Counts(NamedTuple):
    failing: int
    stale: int


def _write(root: Path, latest: Latest, corrupt: Iterable[CorruptRecord]) -> _Counts:
    """Write the three indexes, each whole, and take the mark away."""
    failing, stale = [], []
    for repo, surface, entry in _flat(latest):
        named = {"repo": repo, "surface": surface, **entry}
        age = age_days(entry["finished_at"])
        state = freshness(age, SurfacePolicy(max_age_days=entry["max_age_days"]))
        if entry["verified"] != "pass":
            failing.append(named)
        if state != "healthy":
            stale.append({**named, "freshness": state, "age_days": None if age is None else round(age, 1)})
    ordered = {repo: dict(sorted(latest[repo].items())) for repo in sorted(latest)}
    bodies: dict[str, dict[str, Any]] = {
        LATEST: {"updated_at": clock.now(), "repos": ordered, "corrupt": [one._asdict() for one in corrupt]},
        _FAILING: {"failing": failing},
        _STALE: {"stale": stale},
    }
    for name, body in bodies.items():
        _write_index(
            root / INDEXES / name, json.dumps({"schema": _SCHEMA, **body}, ensure_ascii=False, indent=1) + "\n"
        )
    (root / INDEXES / _MARK).unlink(missing_ok=True)
    return _Counts(len(failing), len(stale))


def _write_index(file: Path, text: str) -> None:
    """Write an index that says something else than its file; most records change none of those that fail."""
    try:
        is_same = documents.read_bounded(file) == text.encode()
    except (errors.BoundedJsonReadFailed, errors.BoundedJsonSizeLimit):
        is_same = False
    if not is_same:
        write_whole(file, text)


def _flat(latest: Latest) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for repo in sorted(latest):
        for surface in sorted(latest[repo]):
            yield repo, surface, latest[repo][surface]


def _read(root: Path) -> tuple[Latest, tuple[CorruptRecord, ...]] | None:
    """Return what the index of the latest records says, `None` where it is missing, damaged or out of date."""
    folder = root / INDEXES
    try:
        body = documents.parse_bounded(documents.read_bounded(folder / LATEST), LATEST)
    except UNREADABLE:
        return None
    if not documents.fits(body, "records-index"):
        return None
    return body["repos"], tuple(CorruptRecord(**one) for one in body["corrupt"])

"""`trust`: the executable parts of a `swarm.toml` shown, and trusted by a record."""

from pathlib import Path

from swarm import clock
from swarm import trust as records
from swarm.config import FILE_NAME, Unjudged
from swarm.results.trust import TrustedShown, TrustResult
from swarm.trust import Trust

NOTHING = TrustResult(path=None, real_path=None, owner=None, digest=None, parts={}, is_trusted=True)


def looked_at(found: Unjudged | None, trust: Trust) -> TrustResult:
    """Return the executable parts of a configuration, and whether they count, without a change."""
    if found is None:
        return NOTHING
    return TrustResult(
        path=str(found.place.path),
        real_path=str(found.place.real_path),
        owner=found.place.owner,
        digest=found.digest,
        parts=dict(found.executable),
        is_trusted=not found.executable or trust.covers(found.place, found.digest),
    )


def trust(found: Unjudged) -> TrustResult:
    """Record the executable parts of a configuration, as they were read, as trusted. Raises TrustRecordUnusable."""
    file = records.record(found.place, found.digest, clock.now())
    return looked_at(found, Trust(everything=True))._replace(record=str(file))


def withdrawn(*folders: Path) -> TrustResult:
    """Remove the record of the first folder that has one: of a configuration that may be there no more."""
    places = [folder.resolve() / FILE_NAME for folder in folders]
    place = next((place for place in places if records.remove(place)), None)
    shown = NOTHING._replace(is_trusted=False)
    return shown if place is None else shown._replace(path=str(place), removed=True)


def all_trusted() -> TrustResult:
    """Return every record of this user. Raises TrustRecordUnusable, OwnedByAnotherUser."""
    shown = tuple(TrustedShown(each.path, each.digest, each.trusted_at) for each in records.records())
    return NOTHING._replace(trusted=shown)

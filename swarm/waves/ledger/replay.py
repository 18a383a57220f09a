"""`ledger replay`: the states that the ledger alone gives, and their differences from the tables."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from swarm.results.ledger import Difference, Rebuilt, ReplayShown
from swarm.store import digests as digest_table
from swarm.store import finding_moves, forms, ledger, sightings, table_states
from swarm.store.connection import Store
from swarm.store.digests import Digest
from swarm.waves.ledger.story import ABSENT, Facts, Recorded, Story, kind_of, story_of
from swarm.waves.ledger.verify import verify

MOST_SHOWN: Final = 1_000
_NO_ROW: Final = "row"


def replay(store: Store, run_id: str | None, *, check: bool) -> ReplayShown:
    """Rebuild the states of one run, or of all, from the ledger; with `check`, compare the tables with them.

    A finding begins with its first sighting. Sightings are read from their table and checked against the count and
    digest in the wave's event. Raises LedgerBroken: the events of a broken chain prove nothing; ControlPlaneRowRefused.
    """
    # Before the snapshot: the walk reads pages, and a snapshot would hold writers back all the while.
    head = verify(store, None).head
    with store.snapshot() as conn:
        return forms.made("events", lambda conn: _replayed(conn, run_id, head, check=check), conn)


def _replayed(conn: sqlite3.Connection, run_id: str | None, head: str, *, check: bool) -> ReplayShown:
    # Each finding that recurs has a sighting: forged events that name more findings would be followed for ever.
    most = sightings.number_of(conn)
    story = story_of(finding_moves.one_by_one(ledger.events_after(conn, 0, run_id), most))
    differences = [Difference(*step) for step in story.steps]
    differences += _sightings(conn, story, run_id)
    counts = Counter(kind_of(subject) for subject, _, _ in story.every())
    # Read before the comparison, which removes the subjects that it compares.
    states = () if check else tuple(_shown(story))
    if check:
        differences += _compared(conn, story, run_id)
    return ReplayShown(
        run_id=run_id,
        events=story.events,
        head=head,
        checked=check,
        counts=dict(counts),
        differing=len(differences),
        differences=tuple(differences[:MOST_SHOWN]),
        states=states,
    )


def _shown(story: Story) -> Iterator[Rebuilt]:
    for subject, run, facts in story.every():
        yield Rebuilt(subject, run, {name: value for name, value in facts.items() if value != ABSENT})


def _sightings(conn: sqlite3.Connection, story: Story, run_id: str | None) -> Iterator[Difference]:
    """Add the sightings of every wave to the story, and yield their differences from the wave's events.

    A wave that was collected more than once has an event for each collect, over all its sightings until then.
    """
    numbers = {wave_id: (run, number) for wave_id, run, number in sightings.waves_of_sightings(conn, run_id)}
    for wave_id in sorted(numbers.keys() | story.recorded.keys()):
        subject = f"wave:{wave_id}"
        run, number = numbers.get(wave_id, (story.runs.get(subject), 0))
        rows = sightings.sightings_in(conn, wave_id)
        digest, new = Digest(), set[int]()
        for record in sorted(story.recorded.get(wave_id, []), key=lambda record: record.sightings):
            for sighting in digest.over(islice(rows, record.sightings - digest.count)):
                story.see(sighting, number)
                story.runs.setdefault(f"finding:{sighting.finding}", run)
                if sighting.matched_by == "new":
                    new.add(sighting.finding)
            yield from _unlike(subject, run, _facts(record), _facts(Recorded(digest.count, digest.hex(), len(new))))
        if left := sum(1 for _ in rows):
            yield Difference(subject, run, "sightings beyond those of its events", "0", str(left))


def _facts(record: Recorded) -> Facts:
    return {"sightings": record.sightings, "digest of its sightings": record.digest, "new findings": record.new}


def _compared(conn: sqlite3.Connection, story: Story, run_id: str | None) -> Iterator[Difference]:
    """Yield every fact that differs between tables and story; compared subjects leave the story."""
    digests = {wave: facts["claims"] for wave, facts in story.facts.items() if "claims" in facts}
    reviews = {wave: facts["reviews"] for wave, facts in story.facts.items() if "reviews" in facts}
    sealed = {wave: facts["evidence"] for wave, facts in story.facts.items() if "evidence" in facts}
    for subject, run, facts in table_states.all_stated(conn, run_id):
        expected = _expected(story, subject, facts, digests)
        if expected is None:
            yield Difference(subject, run, _NO_ROW, None, _brief(facts))
        else:
            yield from _unlike(subject, run, expected, facts)
    # Rows without an event of their own are covered by digests in the events of their wave.
    yield from _digests(conn, story, "digest of its claims", digests, digest_table.fix_claims_digest)
    yield from _digests(conn, story, "digest of its reviews", reviews, digest_table.reviews_digest)
    yield from _digests(conn, story, "digest of its evidence", sealed, digest_table.digest)
    for name, bodies in (("snapshot", table_states.snapshot_digests), ("output", table_states.output_digests)):
        for row_id, run, kept, found in bodies(conn, run_id):
            yield from _unlike(f"{name}:{row_id}", run, {"sha256": kept}, {"sha256": found})
    for subject, run, facts in story.every():
        yield Difference(subject, run, _NO_ROW, _brief(facts), None)


def _digests(
    conn: sqlite3.Connection,
    story: Story,
    fact: str,
    kept: Mapping[str, str],
    there: Callable[[sqlite3.Connection, int], str],
) -> Iterator[Difference]:
    for wave, digest in kept.items():
        found = there(conn, int(wave.partition(":")[2]))
        yield from _unlike(wave, story.runs[wave], {fact: digest}, {fact: found})


def _expected(story: Story, subject: str, facts: Facts, digests: dict[str, Any]) -> Facts | None:
    match kind_of(subject):
        case "finding":
            found = story.findings.pop(int(subject.partition(":")[2]), None)
            return None if found is None else found.facts()
        case "claim":
            # The digest over the wave's claims proves that the row exists; older versions wrote no digest.
            has_digest = digests.get(f"wave:{facts['wave']}", ABSENT) != ABSENT
            expected = story.facts.pop(subject, {"outcome": "claimed" if has_digest else ABSENT})
            return expected if has_digest else {}
        case _:
            return story.facts.pop(subject, None)


def _unlike(subject: str, run: str | None, expected: Facts, found: Facts) -> Iterator[Difference]:
    for fact, value in expected.items():
        if value != ABSENT and fact in found and found[fact] != value:
            yield Difference(subject, run, fact, _word(value), _word(found[fact]))


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _brief(facts: Facts) -> str:
    """Return a word for a whole subject."""
    return next((str(facts[key]) for key in ("status", "observation", "outcome", "verdict") if key in facts), "there")

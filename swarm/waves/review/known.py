"""Verdicts of a run by finding, and the groups of findings that reviewers trace to one cause."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

from swarm.rules import reviews as rules
from swarm.store import reviews
from swarm.store.reviews import Review

MOST_RELATED: Final = 100


class KnownReviews:
    """Verdicts by the id of their finding, oldest first."""

    def __init__(self, every: Iterable[Review] = ()) -> None:
        self._by_finding: dict[str, list[Review]] = {}
        for review in every:
            self._by_finding.setdefault(review.finding_id, []).append(review)

    def __bool__(self) -> bool:
        """Say whether there is any verdict."""
        return bool(self._by_finding)

    def of(self, finding_id: str) -> Sequence[Review]:
        """Return the verdicts of a finding, oldest first."""
        return self._by_finding.get(finding_id, ())

    def standing(self, finding_id: str) -> str | None:
        """Return the result of all verdicts of a finding, `None` for a finding without a verdict."""
        own = self._by_finding.get(finding_id, ())
        return rules.standing((rules.agent_of(review), review.verdict) for review in own)

    def group(self, finding_id: str) -> tuple[str, ...]:
        """Return the findings that share a finding's cause, itself among them; none for a finding without a group."""
        return self._groups.get(finding_id, ())

    def same_cause(self, finding_id: str) -> tuple[str, ...]:
        """Return the other findings of a finding's group; of many, the first."""
        # Bounded: each of 10,000 findings of a cause would otherwise name all the others.
        first = self.group(finding_id)[: MOST_RELATED + 1]
        return tuple(name for name in first if name != finding_id)[:MOST_RELATED]

    @cached_property
    def _groups(self) -> dict[str, tuple[str, ...]]:
        links = {
            finding_id: [name for review in rules.newest_of_each(own) for name in review.same_cause]
            for finding_id, own in self._by_finding.items()
        }
        return rules.groups(links)


def known_reviews(conn: sqlite3.Connection, run_id: str) -> KnownReviews:
    """Return the verdicts of a run."""
    return KnownReviews(reviews.of_run(conn, run_id))

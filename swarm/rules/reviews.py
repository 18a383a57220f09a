"""Verdicts of a second look at a finding, and groups of findings that share a cause."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, TypeVar


class ReviewVerdict(StrEnum):
    """Answers of a reviewer about a finding."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


# Stands in place of a verdict where the newest verdicts of two reviewers contradict each other.
DISPUTED: Final = "disputed"
# The reviewer of an output that no runtime of ours made.
BY_HAND: Final = "a person"


class ByReviewer(Protocol):
    """A verdict with its reviewer."""

    @property
    def reviewer(self) -> str:
        """The runtime, or BY_HAND."""

    @property
    def reviewer_model(self) -> str | None:
        """The model that the runtime was asked to use, `None` for its own choice."""


class Agent(NamedTuple):
    """A runtime, and the model that it was asked to use: two models are two readers. `None` is a model nobody named.

    The model that a program says it used does not count: it could claim independence.
    """

    runtime: str
    model: str | None = None

    def __str__(self) -> str:
        """Return the name in the form in which chains name it."""
        return f"{self.runtime}:{self.model}" if self.model else self.runtime

    def may_be(self, other: "Agent") -> bool:
        """Say whether this may be another agent: a model that nobody named may be any."""
        is_known = self.model is not None and other.model is not None
        return self.runtime == other.runtime and (not is_known or self.model == other.model)


def agent_of(review: ByReviewer) -> Agent:
    """Return the reviewer of a verdict."""
    return Agent(review.reviewer, review.reviewer_model)


_ByReviewer = TypeVar("_ByReviewer", bound=ByReviewer)


def newest_of_each(reviews: Iterable[_ByReviewer]) -> list[_ByReviewer]:
    """Return the newest verdict of each reviewer, of verdicts with the oldest first: an earlier one was taken back."""
    return list({agent_of(review): review for review in reviews}.values())


def standing(verdicts: Iterable[tuple[object, str]]) -> str | None:
    """Return the result of all verdicts of a finding, as (reviewer, verdict) with the oldest first.

    The newest verdict of each reviewer counts. `None` stands for a finding without a verdict.
    """
    newest = set(dict(verdicts).values())
    if {ReviewVerdict.CONFIRMED, ReviewVerdict.REFUTED} <= newest:
        return DISPUTED
    return next((verdict.value for verdict in ReviewVerdict if verdict in newest), None)


def groups(links: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Return, by finding, the findings that share its cause, itself among them, in ascending order.

    `links` holds the findings that a reviewer names for a finding. A link counts in both directions, so that a circle
    of links is one group.
    """
    parent: dict[str, str] = {}
    size: dict[str, int] = {}

    def root(item: str) -> str:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for item, others in links.items():
        for other in others:
            # The smaller group joins the larger: a chain of 10,000 links would otherwise cost its square.
            small, large = sorted((root(item), root(other)), key=lambda name: size.get(name, 1))
            if small != large:
                parent[small] = large
                size[large] = size.get(large, 1) + size.get(small, 1)
    members: dict[str, list[str]] = {}
    for item in sorted(parent):
        members.setdefault(root(item), []).append(item)
    # A tuple for each group, which its members share.
    shared = [tuple(own) for own in members.values() if len(own) > 1]
    return {item: own for own in shared for item in own}

"""Verdicts of reviewers as text."""

from typing import Final

from swarm.results.findings import FindingShown, ReviewShown
from swarm.rules.reviews import agent_of, newest_of_each
from swarm.show.escape import plain

MARKS: Final = {"confirmed": "✓", "refuted": "✗", "unknown": "?"}
_OWN: Final = "not independent: it reported the finding itself"


def state_with_review(finding: FindingShown, state: str) -> str:
    """Return the state of a finding with the result of its reviews; `unknown` says nothing more than no review."""
    return f"{state}, {finding.review}" if finding.review in {"confirmed", "refuted", "disputed"} else state


def verdict_line(review: ReviewShown) -> str:
    """Return a verdict with its reviewer, the place of its quote and its reason."""
    by = f"{plain(str(agent_of(review)))}, {_OWN}" if review.independent is False else plain(str(agent_of(review)))
    at = f" at {plain(review.file)}:{review.line}" if review.file else ""
    return f"{review.finding_id} {review.verdict} by {by}{at}: {plain(review.reason)}"


def objection(finding: FindingShown) -> str:
    """Return the newest refutation that stands, with its reason; `""` for a finding that nobody refutes."""
    refuted = [review for review in newest_of_each(finding.reviews) if review.verdict == "refuted"]
    last = max(refuted, key=lambda review: review.wave, default=None)
    return "" if last is None else f"refuted by {plain(str(agent_of(last)))}: {plain(last.reason)}"


def review_note(finding: FindingShown) -> str:
    """Return the result of a finding's reviews with the reviewers, `""` where they say nothing."""
    if finding.review in {None, "unknown"}:
        return ""
    clear = [review for review in newest_of_each(finding.reviews) if review.verdict != "unknown"]
    said = ", ".join(f"{review.verdict} by {agent_of(review)}" for review in clear)
    return f"{finding.review}: {said}" if finding.review == "disputed" else said

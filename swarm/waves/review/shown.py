"""Findings and verdicts as records of the document."""

import sqlite3
from collections.abc import Iterable, Iterator

from swarm.results.findings import FindingShown, ReviewShown
from swarm.store import reviews
from swarm.store.findings import Finding
from swarm.store.reviews import Review
from swarm.store.runs import Run
from swarm.waves.review.known import KnownReviews, known_reviews


def findings_shown(conn: sqlite3.Connection, run: Run, found: Iterable[Finding]) -> Iterator[FindingShown]:
    """Yield findings as records of the document, as they are read."""
    known = known_reviews(conn, run.id)
    return (finding_shown(finding, known) for finding in found)


def finding_shown(finding: Finding, known: KnownReviews, *, is_new: bool | None = None) -> FindingShown:
    """Return a finding as the record of the document, with its reviews."""
    shown = FindingShown(
        finding_id=finding.finding_id,
        fingerprint=finding.fingerprint,
        severity=finding.severity,
        category=finding.category,
        rule_id=finding.rule_id,
        status=finding.status,
        file=finding.file,
        line=finding.line,
        symbol=finding.symbol or finding.scope or None,
        quote=finding.quote,
        description=finding.description,
        recommendation=finding.recommendation,
        domain=finding.domain,
        first_seen_wave=finding.first_wave,
        last_seen_wave=finding.last_wave,
        anchored=finding.anchored,
        matched_by=finding.matched_by,
        sightings=finding.sightings,
        reason=_reason(finding),
        evidence=finding.evidence,
        match=finding.match_note,
        decision_source=finding.decision_source,
        decided_by=finding.decided_by,
        expires=finding.decision_expires,
        verified_how=finding.verified_how,
        evidence_note=finding.evidence_note,
        fixed_commit=finding.fixed_commit,
        analyzer=finding.analyzer,
        column=finding.column,
        fixable=bool(finding.fixable),
        is_new=is_new,
        tool=finding.tool,
    )
    # A list of 100,000 findings pays for a look at each of them only where there are reviews.
    return _with_reviews(shown, known) if known else shown


def _with_reviews(shown: FindingShown, known: KnownReviews) -> FindingShown:
    return shown._replace(
        review=known.standing(shown.finding_id),
        reviews=tuple(map(review_shown, known.of(shown.finding_id))),
        same_cause=known.same_cause(shown.finding_id),
    )


def _reason(finding: Finding) -> str | None:
    """Return the reason for a finding's status: that of its decision, or of its observation."""
    decided = finding.decision_reason if finding.status == finding.decision else None
    return decided or finding.observation_reason


def review_shown(review: Review) -> ReviewShown:
    """Return a verdict as the record of the document."""
    return ReviewShown(
        finding_id=review.finding_id,
        domain=review.domain,
        wave=review.wave_number,
        commit=review.commit,
        reviewer=review.reviewer,
        independent=review.is_independent,
        verdict=review.verdict,
        file=review.file,
        line=review.line,
        quote=review.quote,
        reason=review.reason,
        same_cause=review.same_cause,
        reviewer_model=review.reviewer_model,
    )


def reviews_shown(conn: sqlite3.Connection, wave_id: int) -> tuple[ReviewShown, ...]:
    """Return the verdicts of a wave as records of the document."""
    return tuple(map(review_shown, reviews.of_wave(conn, wave_id)))

"""Check findings a second time in a commit: are they fixed, did they come back, are their lines still there."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from swarm.clock import today
from swarm.git import history
from swarm.git.repository import Repository, contents, files_at
from swarm.git.runner import GitError
from swarm.results.second_look import ClaimRow, ClaimsSummary
from swarm.rules import verification
from swarm.rules.anchors import SourceText, folded
from swarm.rules.findings import EvidenceKind, Observation
from swarm.rules.verification import Inspection, Row
from swarm.store import finding_moves, findings, fix_claims
from swarm.store.findings import Finding, Selection
from swarm.store.fix_claims import FixClaim
from swarm.store.runs import Run
from swarm.waves.places import Place, inspection_of, places_at
from swarm.waves.prove.build import Prover
from swarm.waves.prove.rescan import Answer, ask_again, census_of


class Question(StrEnum):
    """The question that a verb asks of findings."""

    FIXED = "verify-fixed"
    RECURRING = "verify-recurring"
    UNVERIFIED = "verify-unverified"
    APPROVED = "verify-approved"


class FindingsCheck(NamedTuple):
    """The rows of a check, those that offend first, and their number by class.

    `answers` are the answers of analyzers that were run again, by row.
    """

    rows: tuple[ClaimRow, ...]
    summary: ClaimsSummary
    answers: Mapping[int, Answer]

    @property
    def offending(self) -> tuple[ClaimRow, ...]:
        """The rows that count against the threshold."""
        return tuple(row for row in self.rows if row.classification in _OFFENDING)

    def exit_code(self, threshold: int) -> int:
        """Return 2 when no finding could be checked or a place is broken, 1 when too many offend, else 0."""
        if self.summary.broken:
            return 2
        return verification.exit_code(len(self.rows), len(self.offending), self.summary.unverifiable, threshold)


_OFFENDING = (*verification.OFFENDING, verification.DRIFTED, verification.BROKEN)
_ORDER = (
    verification.BROKEN,
    verification.REGRESSED,
    verification.STILL_PRESENT,
    verification.DRIFTED,
    verification.UNVERIFIABLE,
    verification.VERIFIED,
)
_STATUSES: Mapping[Question, tuple[str, ...]] = {
    Question.FIXED: ("fixed", "approved"),
    Question.RECURRING: (),
    Question.UNVERIFIED: ("unverified",),
    Question.APPROVED: ("approved",),
}


def check_findings(conn: sqlite3.Connection, prover: Prover, commit: str, question: Question) -> FindingsCheck:
    """Check the findings of a question in a commit.

    Where the line alone does not show that a finding is fixed, its analyzer is run again. Raises GitError.
    """
    run, repository = prover.run, prover.repository
    standing = {claim.finding: claim for claim in fix_claims.standing(conn, run.id)}
    asked = _asked(conn, run, question, standing)
    rows = set(asked)
    every = findings.known_findings(conn, run.id, today=today(), statuses=_STATUSES[question])
    known = [item for item in every if item.known.row_id in rows]
    places = places_at(repository.git, [item.known for item in known], commit)
    judge = _Judge(repository, commit, finding_moves.fixed_by_ledger(conn, run.id))
    judged = {row: judge.row(question, asked[row], places[row]) for row in asked}
    answers: Mapping[int, Answer] = {}
    if question is not Question.APPROVED:
        census = census_of(findings.known_findings(conn, run.id, today=today()))
        doubtful = [
            (item, places[row])
            for item in known
            if (row := item.known.row_id) in standing or judged[row].classification != verification.VERIFIED
            # An analyzer's silence must not put right a row that nothing in the ledger explains.
            if judge.is_recorded(asked[row])
        ]
        answers = ask_again(prover, commit, doubtful, census)
        for row, answer in answers.items():
            judged[row] = verification.asked_again(
                judged[row], answer.verdict, answer.evidence, is_claim=row in standing
            )
    shown = [_shown(asked[row], places[row], judged[row]) for row in asked]
    shown.sort(key=lambda row: _ORDER.index(row.classification))
    return FindingsCheck(tuple(shown), _summary(shown), answers)


def _asked(
    conn: sqlite3.Connection, run: Run, question: Question, standing: Mapping[int, FixClaim]
) -> dict[int, Finding]:
    keeps: Callable[[Finding], bool]
    match question:
        case Question.FIXED:
            keeps = lambda finding: finding.status == Observation.FIXED or finding.row_id in standing  # noqa: E731
        case Question.RECURRING:
            keeps = lambda finding: finding.regressions + (finding.observation == Observation.FIXED) > 1  # noqa: E731
        case _:
            keeps = lambda _: True  # noqa: E731
    every = findings.select(conn, run.id, Selection(statuses=_STATUSES[question]))
    return {finding.row_id: finding for finding in every if keeps(finding)}


class _Judge:
    """Judges findings in a commit; each question to git is asked once."""

    def __init__(self, repository: Repository, commit: str, recorded: Mapping[int, str | None]) -> None:
        self._git = repository.git
        self._commit = commit
        self._recorded = recorded
        self._inside: dict[str, bool] = {}
        self._blobs: dict[str, dict[str, str]] = {}

    def is_recorded(self, finding: Finding) -> bool:
        """Say whether the ledger tells how a finding came to be fixed; a finding that is not fixed needs no event."""
        if finding.observation != Observation.FIXED:
            return True
        row = finding.row_id
        return row in self._recorded and self._recorded[row] in {None, finding.evidence}

    def row(self, question: Question, finding: Finding, place: Place) -> Row:
        if question is Question.APPROVED:
            return verification.verify_approved(inspection_of(place), rewritten=place.line is not None)
        seen = self._seen(finding, place)
        if finding.observation == Observation.FIXED or question is Question.FIXED:
            judged = verification.verify_fixed(seen)
            return judged if self.is_recorded(finding) else verification.unrecorded(judged)
        return verification.verify_open(seen, was_fixed=finding.regressions > 0)

    def _seen(self, finding: Finding, place: Place) -> Inspection:
        evidence = finding.evidence if finding.observation == Observation.FIXED else None
        if not self.is_recorded(finding):
            evidence = None
        return inspection_of(place)._replace(
            evidence=evidence,
            verified_how=finding.verified_how,
            fix_is_there=finding.fixed_commit is None or self._holds(finding.fixed_commit),
            same_content=(evidence == EvidenceKind.ANALYZER_RESCAN and self._is_as_then(finding, place))
            or (evidence == EvidenceKind.CONFIRMED and self._is_quoted(finding.evidence_note or "")),
            closed_by=finding.decided_by or "an operator",
            note=": ".join((finding.evidence_note or "").split("\n", 1)),
        )

    def _is_quoted(self, note: str) -> bool:
        """Say whether the line that an agent quoted as the fix still stands in its file."""
        path, _, quote = note.partition("\n")
        blob = self._files(self._commit).get(path)
        if blob is None:
            return False
        return any(SourceText(path, body).places_of(folded(quote)) for _, body in contents(self._git, [(path, blob)]))

    def _holds(self, commit: str) -> bool:
        if commit not in self._inside:
            self._inside[commit] = history.is_ancestor(self._git, commit, self._commit)
        return self._inside[commit]

    def _is_as_then(self, finding: Finding, place: Place) -> bool:
        if finding.fixed_commit is None or place.path is None:
            return False
        then, now = self._files(finding.fixed_commit), self._files(self._commit)
        return place.path in now and then.get(place.path) == now[place.path]

    def _files(self, commit: str) -> dict[str, str]:
        if commit not in self._blobs:
            try:
                self._blobs[commit] = {file.path: file.blob for file in files_at(self._git, commit)}
            except GitError:
                self._blobs[commit] = {}
        return self._blobs[commit]


def _shown(finding: Finding, place: Place, row: Row) -> ClaimRow:
    return ClaimRow(
        finding_id=finding.finding_id,
        classification=row.classification,
        verified_via=row.verified_via,
        evidence=row.evidence,
        severity=finding.severity,
        rule_id=finding.rule_id,
        file=place.path or finding.file,
        line=place.line or finding.line,
        status=finding.status,
        domain=finding.domain,
        description=finding.description,
    )


def _summary(rows: Iterable[ClaimRow]) -> ClaimsSummary:
    counts = dict.fromkeys(_ORDER, 0)
    via = dict.fromkeys(verification.VIA, 0)
    for row in rows:
        counts[row.classification] += 1
        via[row.verified_via] += 1
    return ClaimsSummary(
        total=sum(counts.values()),
        verified=counts[verification.VERIFIED],
        regressed=counts[verification.REGRESSED],
        claimed_but_still_present=counts[verification.STILL_PRESENT],
        drifted=counts[verification.DRIFTED],
        broken=counts[verification.BROKEN],
        unverifiable=counts[verification.UNVERIFIABLE],
        verified_via_distribution=via,
    )

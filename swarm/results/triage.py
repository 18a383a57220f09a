"""Records of the triage verbs."""

from typing import NamedTuple


class FindingDecided(NamedTuple):
    """A finding with its status before and after a decision."""

    finding_id: str
    fingerprint: str
    severity: str
    file: str | None
    line: int | None
    from_: str
    to: str


class SameCause(NamedTuple):
    """The undecided findings that reviewers trace to the cause of an approved finding."""

    finding_id: str
    others: tuple[str, ...]


class TriageResult(NamedTuple):
    """The findings that a decision changed. `unchanged` had this decision already.

    `refuted` are ids that `approve --all` left out, because a reviewer refutes the finding and none confirms it.
    """

    run_id: str
    action: str
    author: str
    reason: str | None
    expires: str | None
    changed: tuple[FindingDecided, ...]
    unchanged: tuple[FindingDecided, ...]
    next_action: str
    refuted: tuple[str, ...] = ()
    same_cause: tuple[SameCause, ...] = ()


class DecisionSkipped(NamedTuple):
    """A decision of a file that was not imported, and why."""

    fingerprint: str
    finding_id: str
    reason: str


class ImportResult(NamedTuple):
    """The outcome of each decision of a file.

    `unchanged` are ids of findings that had this decision already. `pending` are fingerprints of findings that the run
    does not know, or knows as fixed; `expired` are fingerprints of decisions past their last day. `reopened` are
    findings whose earlier decision has expired.
    """

    run_id: str
    file: str
    decisions: int
    applied: tuple[FindingDecided, ...]
    reopened: tuple[FindingDecided, ...]
    unchanged: tuple[str, ...]
    pending: tuple[str, ...]
    expired: tuple[str, ...]
    skipped: tuple[DecisionSkipped, ...]
    next_action: str


class DecisionExported(NamedTuple):
    """A decision in a file, with the facts by which a reader knows the finding."""

    fingerprint: str
    decision: str
    reason: str | None
    author: str
    decided: str | None
    expires: str | None
    aliases: tuple[str, ...]
    rule: str
    file: str | None
    quote: str
    severity: str
    description: str

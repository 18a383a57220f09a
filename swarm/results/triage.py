"""What the triage verbs return: frozen records, from which both the text and the JSON document are made."""

from typing import NamedTuple


class FindingDecided(NamedTuple):
    """One finding, and the words it was and is shown with."""

    finding_id: str
    fingerprint: str
    severity: str
    file: str | None
    line: int | None
    from_: str
    to: str


class TriageResult(NamedTuple):
    """What a decision changed. `unchanged` were so already."""

    run_id: str
    action: str
    author: str
    reason: str | None
    expires: str | None
    changed: tuple[FindingDecided, ...]
    unchanged: tuple[FindingDecided, ...]
    next_action: str


class DecisionSkipped(NamedTuple):
    """A decision of a file that was not taken over, and why."""

    fingerprint: str
    finding_id: str
    reason: str


class ImportResult(NamedTuple):
    """What became of each decision of a file.

    `unchanged` (finding ids) were so already; `pending` and `expired` are fingerprints: of findings that are not
    there, or fixed, and may come yet, and of decisions that are over. `reopened` were decided until a day that is over.
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
    """A decision as it travels, with what tells its reader which finding it is about."""

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

"""Verification of a finding in a commit: whether the commit has its fix or, for an approved finding, its place."""

from enum import StrEnum
from typing import Final, NamedTuple

from swarm.rules.findings import CHANGED_FORM, REMOVED_WORDS, STANDING, EvidenceKind, Fate

VERIFIED: Final = "verified"
REGRESSED: Final = "regressed"
STILL_PRESENT: Final = "claimed-but-still-present"
UNVERIFIABLE: Final = "unverifiable"
DRIFTED: Final = "drifted"
BROKEN: Final = "broken"
VIA: Final = ("anchor", "cross_ref", "operator", "agent_attestation", "unverifiable")
OFFENDING: Final = (REGRESSED, STILL_PRESENT)
OPERATOR: Final = "operator"
SELF_ATTESTED: Final = "self_attested"


class Inspection(NamedTuple):
    """Observations of a finding in the commit that is verified.

    `evidence` is the reason why the finding counts as fixed, `None` for a claim or an open finding. `fix_is_there`
    holds where the history of the commit has the commit that fixed the finding; `same_content` where what an analyzer
    was silent on, or what an agent quoted as the fix, is unchanged. `note` is that quote.
    """

    fate: Fate
    place: str
    evidence: str | None
    verified_how: str | None
    fix_is_there: bool
    same_content: bool
    closed_by: str = "an operator"
    note: str = ""


class Row(NamedTuple):
    """Class of a finding, the kind of evidence, and a line of evidence for users."""

    classification: str
    verified_via: str
    evidence: str


_UNKNOWN: Final = Row(UNVERIFIABLE, "unverifiable", "there is no anchor, or its history is not here")


def verify_fixed(seen: Inspection) -> Row:
    """Judge a finding that counts as fixed, or that an agent claims to have fixed."""
    # A line that is missing proves a fix, whoever claims the fix.
    if seen.fate in REMOVED_WORDS:
        return Row(VERIFIED, "anchor", REMOVED_WORDS[seen.fate])
    if seen.evidence == EvidenceKind.ANALYZER_RESCAN and seen.same_content:
        return Row(VERIFIED, "cross_ref", "its analyzer read this very content with the rule on, and was silent")
    if seen.evidence == EvidenceKind.CONFIRMED and seen.same_content:
        return Row(VERIFIED, "agent_attestation", f"the owner's agent found it gone: {seen.note}")
    if seen.fate in STANDING:
        return _still_there(seen)
    # A person's word closes a finding, and is no observation that it is gone.
    if seen.evidence == OPERATOR:
        return Row(UNVERIFIABLE, _via_of_word(seen), f"on the word of {seen.closed_by}; there is no line to check")
    return _UNKNOWN


def unrecorded(row: Row) -> Row:
    """Judge a finding whose row says fixed while no event of the ledger says so: somebody edited the database."""
    doubt = "the database says fixed, and no event of the ledger made it so"
    if row.classification == VERIFIED:
        return Row(UNVERIFIABLE, "unverifiable", doubt)
    return row._replace(evidence=f"{doubt}; {row.evidence}")


def _still_there(seen: Inspection) -> Row:
    where = _where(seen)
    match seen.evidence:
        # The analyzer judged other content, so neither its silence nor the line decides.
        case EvidenceKind.ANALYZER_RESCAN:
            doubt = f"its line stands at {seen.place}, and the file has changed since its analyzer was silent on it"
            return Row(UNVERIFIABLE, "unverifiable", doubt)
        case EvidenceKind.CONFIRMED:
            doubt = f"{where}, and what showed it gone has changed since: {seen.note}"
            return Row(UNVERIFIABLE, "unverifiable", doubt)
        case EvidenceKind.ANCHOR if seen.fix_is_there:
            return Row(REGRESSED, "anchor", f"it was seen gone, and is back; {where}")
        case EvidenceKind.ANCHOR:
            return Row(STILL_PRESENT, "anchor", f"{where}; the commit that fixed it is not in here")
        case "operator":
            return Row(STILL_PRESENT, _via_of_word(seen), f"closed on the word of {seen.closed_by}; {where}")
    return Row(STILL_PRESENT, "anchor", where)


def _where(seen: Inspection) -> str:
    words = CHANGED_FORM.get(seen.fate, "it stands unchanged at")
    return f"{words} {seen.place}"


def _via_of_word(seen: Inspection) -> str:
    return "agent_attestation" if seen.verified_how == SELF_ATTESTED else "operator"


class RescanOutcome(StrEnum):
    """Answer of the analyzer of a finding when it runs again; `mute` where it cannot judge the finding."""

    SILENT = "silent"
    REPORTED = "reported"
    MUTE = "mute"


def asked_again(row: Row, outcome: RescanOutcome, evidence: str, *, is_claim: bool) -> Row:
    """Return a row as the finding's own analyzer corrects the row, run again in the same commit.

    A claimed fix of an analyzer's finding rests on the analyzer: where it cannot judge, the claim is unverifiable.
    """
    match outcome:
        case RescanOutcome.SILENT:
            # Silence confirms a row, and proves a row that nothing else could.
            return row if row.classification == VERIFIED else Row(VERIFIED, "cross_ref", evidence)
        case RescanOutcome.REPORTED:
            return Row(REGRESSED if row.classification == REGRESSED else STILL_PRESENT, "anchor", evidence)
        case RescanOutcome.MUTE:
            # A finding that counts as fixed rests on earlier evidence; a claim has nothing else.
            doubted = is_claim and row.classification == VERIFIED
            return Row(UNVERIFIABLE, "unverifiable", evidence) if doubted else row


def verify_open(seen: Inspection, *, was_fixed: bool) -> Row:
    """Judge an open finding by its line."""
    if seen.fate in REMOVED_WORDS:
        return verify_fixed(seen)
    if seen.fate in STANDING:
        words = CHANGED_FORM.get(seen.fate, "it stands at")
        return Row(REGRESSED if was_fixed else STILL_PRESENT, "anchor", f"{words} {seen.place}")
    return _UNKNOWN


def verify_approved(seen: Inspection, *, rewritten: bool) -> Row:
    """Judge whether an approved finding still has a place to fix.

    `rewritten` holds where a single line replaced the finding's line.
    """
    if seen.fate in STANDING:
        return Row(VERIFIED, "anchor", f"it stands at {seen.place}")
    if seen.fate is Fate.REMOVED and rewritten:
        return Row(DRIFTED, "anchor", f"its line was rewritten, now {seen.place}")
    if seen.fate in REMOVED_WORDS:
        evidence = "its file is gone" if seen.fate is Fate.FILE_REMOVED else "its line is gone"
        return Row(BROKEN, "anchor", evidence)
    return _UNKNOWN


def exit_code(rows: int, offending: int, unverifiable: int, threshold: int) -> int:
    """Return 2 where there are rows and all are unverifiable, 1 where more offend than the threshold, else 0."""
    # Nothing could be checked: neither pass nor fail would be true.
    if rows and unverifiable == rows:
        return 2
    return int(offending > threshold)

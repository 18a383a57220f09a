"""What a second look at a finding comes to: is its mend there, or, of an approved one, is its place still there."""

from enum import StrEnum
from typing import Final, NamedTuple

from swarm.rules.findings import EvidenceKind, Fate

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
_STANDING: Final = (Fate.STANDS, Fate.MOVED)
_GONE: Final = (Fate.GONE, Fate.FILE_GONE)


class Looked(NamedTuple):
    """What was seen of one finding in the commit that is verified.

    `evidence` is what it counts as fixed by, `None` for a claim or an open finding. `fix_is_there` says that the
    commit in which it was seen gone is in the history of this one, `same_content` that its file is as it was when an
    analyzer was silent on it, `cross_ref` that a fix names another file which holds its change.
    """

    fate: Fate
    place: str
    evidence: str | None
    verified_how: str | None
    file_changed: bool
    fix_is_there: bool
    same_content: bool


class Row(NamedTuple):
    """The class of a finding, how it is known, and one line that says why."""

    classification: str
    verified_via: str
    evidence: str


_UNKNOWN: Final = Row(UNVERIFIABLE, "unverifiable", "there is no anchor, or its history is not here")


def verify_fixed(seen: Looked) -> Row:
    """Judge a finding that counts as fixed, or that somebody claims to have mended."""
    if seen.fate in _GONE:
        told = "the file is gone" if seen.fate is Fate.FILE_GONE else "the line is gone or was rewritten"
        return Row(VERIFIED, "anchor", told)
    attested = _attested(seen)
    if seen.fate in _STANDING:
        return _still_there(seen, attested)
    return attested or _UNKNOWN


def _still_there(seen: Looked, attested: Row | None) -> Row:
    match seen.evidence:
        case EvidenceKind.ANALYZER_RESCAN if attested is None:
            told = f"its line stands at {seen.place}, and the file has changed since its analyzer was silent on it"
            return Row(UNVERIFIABLE, "unverifiable", told)
        case EvidenceKind.ANCHOR if seen.fix_is_there:
            return Row(REGRESSED, "anchor", f"it was seen gone, and stands again at {seen.place}")
        case EvidenceKind.ANCHOR:
            return Row(STILL_PRESENT, "anchor", f"it stands at {seen.place}; the commit that mended it is not in here")
    if attested is not None and (seen.file_changed or attested.verified_via == "cross_ref"):
        return attested
    return Row(STILL_PRESENT, "anchor", f"it stands unchanged at {seen.place}")


def _attested(seen: Looked) -> Row | None:
    """Return what stands for a fix beside the line itself."""
    if seen.evidence == EvidenceKind.ANALYZER_RESCAN and seen.same_content:
        return Row(VERIFIED, "cross_ref", "its analyzer read this very content with the rule on, and was silent")
    if seen.evidence == EvidenceKind.CONFIRMED:
        return Row(VERIFIED, "agent_attestation", "the owner's agent found it gone, and its file has changed")
    if seen.evidence != OPERATOR:
        return None
    if seen.verified_how == SELF_ATTESTED:
        return Row(VERIFIED, "agent_attestation", "closed on the word of who mended it")
    return Row(VERIFIED, "operator", "closed by the coordinator with evidence")


class RescanOutcome(StrEnum):
    """What the analyzer of a finding says of it when it is asked again."""

    SILENT = "silent"
    REPORTED = "reported"
    MUTE = "mute"


def asked_again(row: Row, said: RescanOutcome, told: str, *, is_claim: bool) -> Row:
    """Return a row as the analyzer that found the finding lets it stand, asked in the same commit.

    What is claimed of its findings rests on its word: where it cannot answer, nobody knows.
    """
    match said:
        case RescanOutcome.SILENT:
            return row if row.classification == VERIFIED else Row(VERIFIED, "cross_ref", told)
        case RescanOutcome.REPORTED:
            return Row(REGRESSED if row.classification == REGRESSED else STILL_PRESENT, "anchor", told)
        case RescanOutcome.MUTE:
            doubted = is_claim and row.classification == VERIFIED
            return Row(UNVERIFIABLE, "unverifiable", told) if doubted else row


def verify_open(seen: Looked, *, was_fixed: bool) -> Row:
    """Judge a finding that is open: whether its line still is there."""
    if seen.fate in _GONE:
        return verify_fixed(seen)
    if seen.fate in _STANDING:
        return Row(REGRESSED if was_fixed else STILL_PRESENT, "anchor", f"it stands at {seen.place}")
    return _UNKNOWN


def verify_approved(seen: Looked, *, rewritten: bool) -> Row:
    """Judge whether the place of an approved finding is still there to be mended.

    `rewritten` says that another line stands in the place of its own.
    """
    if seen.fate in _STANDING:
        return Row(VERIFIED, "anchor", f"it stands at {seen.place}")
    if seen.fate is Fate.GONE and rewritten:
        return Row(DRIFTED, "anchor", f"its line was rewritten, now {seen.place}")
    if seen.fate in _GONE:
        told = "its file is gone" if seen.fate is Fate.FILE_GONE else "its line is gone"
        return Row(BROKEN, "anchor", told)
    return _UNKNOWN


def exit_code(rows: int, offending: int, unverifiable: int, threshold: int) -> int:
    """Return 2 when there are rows and none could be looked at, 1 when more offend than may, else 0."""
    if rows and unverifiable == rows:
        return 2
    return int(offending > threshold)

"""What a second look comes to: every input against tables written by hand."""

from itertools import product
from typing import Any

import pytest

from swarm.rules.findings import EvidenceKind, Fate
from swarm.rules.verification import (
    Inspection,
    RescanOutcome,
    Row,
    asked_again,
    exit_code,
    unrecorded,
    verify_approved,
    verify_fixed,
    verify_open,
)

STANDING = (Fate.STANDS, Fate.MOVED, Fate.MOVED_FILE, Fate.REWRITTEN, Fate.REFORMATTED)
NONE = None
RESCAN, ANCHOR = EvidenceKind.ANALYZER_RESCAN, EvidenceKind.ANCHOR
CONFIRMED, OPERATOR = EvidenceKind.CONFIRMED, EvidenceKind.OPERATOR
HOWS = (None, "independent", "self_attested", "operator_evidence")
OTHERS = (None, "independent", "operator_evidence")
EITHER = (False, True)
INPUTS = list(product(Fate, (NONE, *EvidenceKind), HOWS, EITHER, EITHER))

# Fate; evidence; verified how; the fix is in the history; the content is the same.
# What is `...` does not matter; a tuple is any of its members. Each input fits one row.
FIXED: list[tuple[tuple[Any, ...], tuple[str, str]]] = [
    ((Fate.REMOVED, ..., ..., ..., ...), ("verified", "anchor")),
    ((Fate.FILE_REMOVED, ..., ..., ..., ...), ("verified", "anchor")),
    # Somebody's claim, with nothing that proves it but the line itself.
    ((STANDING, NONE, ..., ..., ...), ("claimed-but-still-present", "anchor")),
    ((Fate.UNKNOWN, NONE, ..., ..., ...), ("unverifiable", "unverifiable")),
    # An analyzer's silence holds for the content that it read, and says nothing of another.
    (((*STANDING, Fate.UNKNOWN), RESCAN, ..., ..., True), ("verified", "cross_ref")),
    (((*STANDING, Fate.UNKNOWN), RESCAN, ..., ..., False), ("unverifiable", "unverifiable")),
    # A line that was seen gone and stands again.
    ((STANDING, ANCHOR, ..., True, ...), ("regressed", "anchor")),
    ((STANDING, ANCHOR, ..., False, ...), ("claimed-but-still-present", "anchor")),
    ((Fate.UNKNOWN, ANCHOR, ..., ..., ...), ("unverifiable", "unverifiable")),
    # An agent's word counts as long as the line that it quoted stands; a person's word proves nothing.
    (((*STANDING, Fate.UNKNOWN), CONFIRMED, ..., ..., True), ("verified", "agent_attestation")),
    (((*STANDING, Fate.UNKNOWN), CONFIRMED, ..., ..., False), ("unverifiable", "unverifiable")),
    ((STANDING, OPERATOR, OTHERS, ..., ...), ("claimed-but-still-present", "operator")),
    ((STANDING, OPERATOR, "self_attested", ..., ...), ("claimed-but-still-present", "agent_attestation")),
    ((Fate.UNKNOWN, OPERATOR, OTHERS, ..., ...), ("unverifiable", "operator")),
    ((Fate.UNKNOWN, OPERATOR, "self_attested", ..., ...), ("unverifiable", "agent_attestation")),
]


def looked(fate: Fate, evidence: Any = None, *more: Any) -> Inspection:
    how, there, same = more or (None, False, False)
    return Inspection(fate, "src/a.py:3", evidence, how, fix_is_there=there, same_content=same)


def fits(values: tuple[Any, ...], pattern: tuple[Any, ...]) -> bool:
    return all(
        wanted is ... or (value in wanted if isinstance(wanted, tuple) else value is wanted or value == wanted)
        for value, wanted in zip(values, pattern, strict=True)
    )


def test_each_input_of_the_table_fits_one_row() -> None:
    assert len(INPUTS) == 8 * 5 * 4 * 2 * 2
    assert {sum(fits(values, pattern) for pattern, _ in FIXED) for values in INPUTS} == {1}


@pytest.mark.parametrize(("pattern", "expected"), FIXED)
def test_a_fixed_or_claimed_finding_is_what_the_table_says(pattern: tuple[Any, ...], expected: tuple[str, str]) -> None:
    found = {verify_fixed(looked(*values))[:2] for values in INPUTS if fits(values, pattern)}
    assert found == {expected}


WORDS = [
    (looked(Fate.REMOVED), "the line is gone or was rewritten"),
    (looked(Fate.FILE_REMOVED), "the file is gone"),
    (looked(Fate.STANDS), "it stands unchanged at src/a.py:3"),
    (
        looked(Fate.MOVED, ANCHOR, None, True, False),
        "it was seen gone, and is back; moved: the same code stands at src/a.py:3",
    ),
    (
        looked(Fate.MOVED_FILE, OPERATOR)._replace(closed_by="Ada"),
        "closed on the word of Ada; moved_file: the same code stands at src/a.py:3",
    ),
    (looked(Fate.UNKNOWN, OPERATOR), "on the word of an operator; there is no line to check"),
    (looked(Fate.UNKNOWN), "there is no anchor, or its history is not here"),
]


@pytest.mark.parametrize(("seen", "words"), WORDS)
def test_one_line_says_why(seen: Inspection, words: str) -> None:
    assert verify_fixed(seen).evidence == words


OPEN = {
    (Fate.STANDS, False): ("claimed-but-still-present", "anchor"),
    (Fate.STANDS, True): ("regressed", "anchor"),
    **{(fate, False): ("claimed-but-still-present", "anchor") for fate in STANDING[1:]},
    **{(fate, True): ("regressed", "anchor") for fate in STANDING[1:]},
    (Fate.REMOVED, False): ("verified", "anchor"),
    (Fate.REMOVED, True): ("verified", "anchor"),
    (Fate.FILE_REMOVED, False): ("verified", "anchor"),
    (Fate.FILE_REMOVED, True): ("verified", "anchor"),
    (Fate.UNKNOWN, False): ("unverifiable", "unverifiable"),
    (Fate.UNKNOWN, True): ("unverifiable", "unverifiable"),
}


def test_an_open_finding_is_what_the_table_says() -> None:
    assert OPEN.keys() == set(product(Fate, EITHER))
    found = {(fate, was): verify_open(looked(fate), was_fixed=was)[:2] for fate, was in OPEN}
    assert found == OPEN


APPROVED = {
    (Fate.STANDS, False): Row("verified", "anchor", "it stands at src/a.py:3"),
    (Fate.STANDS, True): Row("verified", "anchor", "it stands at src/a.py:3"),
    **{
        (fate, known): Row("verified", "anchor", "it stands at src/a.py:3") for fate in STANDING[1:] for known in EITHER
    },
    (Fate.REMOVED, False): Row("broken", "anchor", "its line is gone"),
    (Fate.REMOVED, True): Row("drifted", "anchor", "its line was rewritten, now src/a.py:3"),
    (Fate.FILE_REMOVED, False): Row("broken", "anchor", "its file is gone"),
    (Fate.FILE_REMOVED, True): Row("broken", "anchor", "its file is gone"),
    (Fate.UNKNOWN, False): Row("unverifiable", "unverifiable", "there is no anchor, or its history is not here"),
    (Fate.UNKNOWN, True): Row("unverifiable", "unverifiable", "there is no anchor, or its history is not here"),
}


def test_the_place_of_an_approved_finding_is_what_the_table_says() -> None:
    assert APPROVED.keys() == set(product(Fate, EITHER))
    found = {(fate, rewritten): verify_approved(looked(fate), rewritten=rewritten) for fate, rewritten in APPROVED}
    assert found == APPROVED


def test_a_row_that_no_event_explains_is_never_verified() -> None:
    doubt = "the database says fixed, and no event of the ledger made it so"
    assert unrecorded(verify_fixed(looked(Fate.REMOVED))) == Row("unverifiable", "unverifiable", doubt)
    assert unrecorded(verify_fixed(looked(Fate.STANDS))) == Row(
        "claimed-but-still-present", "anchor", f"{doubt}; it stands unchanged at src/a.py:3"
    )


SEEN = {
    "verified": Row("verified", "anchor", "seen"),
    "regressed": Row("regressed", "anchor", "seen"),
    "claimed-but-still-present": Row("claimed-but-still-present", "anchor", "seen"),
    "unverifiable": Row("unverifiable", "unverifiable", "seen"),
}
STILL = ("claimed-but-still-present", "anchor", "told")
DOUBTED = ("unverifiable", "unverifiable", "told")
# What was seen; what the analyzer says; whether it is a claim. What is not here is left as it was seen.
ASKED = {
    ("regressed", RescanOutcome.SILENT): ("verified", "cross_ref", "told"),
    ("claimed-but-still-present", RescanOutcome.SILENT): ("verified", "cross_ref", "told"),
    ("unverifiable", RescanOutcome.SILENT): ("verified", "cross_ref", "told"),
    ("verified", RescanOutcome.REPORTED): STILL,
    ("regressed", RescanOutcome.REPORTED): ("regressed", "anchor", "told"),
    ("claimed-but-still-present", RescanOutcome.REPORTED): STILL,
    ("unverifiable", RescanOutcome.REPORTED): STILL,
}


@pytest.mark.parametrize("is_claim", EITHER)
@pytest.mark.parametrize("said", RescanOutcome)
@pytest.mark.parametrize("seen", SEEN)
def test_an_analyzer_that_is_asked_again_has_the_last_word(seen: str, said: RescanOutcome, is_claim: bool) -> None:
    expected = ASKED.get((seen, said), tuple(SEEN[seen]))
    if is_claim and (seen, said) == ("verified", RescanOutcome.MUTE):
        expected = DOUBTED
    assert asked_again(SEEN[seen], said, "told", is_claim=is_claim) == expected


@pytest.mark.parametrize(
    ("rows", "offending", "unverifiable", "threshold", "code"),
    [
        (0, 0, 0, 0, 0),
        (3, 0, 0, 0, 0),
        (3, 1, 0, 0, 1),
        (3, 1, 0, 1, 0),
        (3, 2, 1, 1, 1),
        (3, 0, 3, 0, 2),
        (3, 0, 3, 9, 2),
        (3, 0, 2, 0, 0),
        (1, 0, 1, 0, 2),
    ],
)
def test_the_exit_code_is_2_where_nothing_could_be_looked_at_and_1_where_more_offend_than_may(
    rows: int, offending: int, unverifiable: int, threshold: int, code: int
) -> None:
    assert exit_code(rows, offending, unverifiable, threshold) == code

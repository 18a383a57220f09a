"""The phases: their order, their lenses, and which a run is expected to dispatch next."""

import pytest

from swarm.rules.phases import (
    AMEND_PHASES,
    AUDIT_PHASES,
    DISPATCHED_PHASES,
    ENDED_RUN_STATUSES,
    LENS_TEXT,
    LENSES,
    RUN_STATUSES,
    Lens,
    Phase,
    dispatched_phase,
    expected_next,
    is_audit,
)

DISPATCHED = [
    "health-audit-a",
    "health-audit-b",
    "health-audit-c",
    "stage-d-audit",
    "feature-audit",
    "health-amend-a",
    "health-amend-b",
    "health-amend-c",
    "stage-d-amend",
    "feature-execute",
]


def test_the_ten_dispatched_phases_stand_in_their_order() -> None:
    assert list(map(str, DISPATCHED_PHASES)) == DISPATCHED
    assert list(map(str, AUDIT_PHASES + AMEND_PHASES)) == DISPATCHED


def test_a_run_is_a_phase_or_before_or_after_all_of_them() -> None:
    assert list(map(str, RUN_STATUSES)) == [
        "initializing",
        *DISPATCHED,
        "test",
        "treatment",
        "complete",
        "aborted",
    ]
    assert set(RUN_STATUSES) > set(ENDED_RUN_STATUSES) == {"complete", "aborted"}


def test_an_amend_phase_has_the_lens_of_its_audit() -> None:
    assert {phase.value: lens.value for phase, lens in LENSES.items()} == {
        "health-audit-a": "A",
        "health-audit-b": "B",
        "health-audit-c": "C",
        "stage-d-audit": "D",
        "feature-audit": "feature",
        "health-amend-a": "A",
        "health-amend-b": "B",
        "health-amend-c": "C",
        "stage-d-amend": "D",
        "feature-execute": "feature",
    }


def test_every_lens_is_told_in_words() -> None:
    assert LENS_TEXT.keys() == set(Lens)
    assert len(set(LENS_TEXT.values())) == len(Lens)


@pytest.mark.parametrize("name", DISPATCHED)
def test_a_dispatched_phase_is_found_by_its_name(name: str) -> None:
    assert dispatched_phase(name) is Phase(name)


@pytest.mark.parametrize("name", ["test", "treatment", "complete", "initializing", "", "HEALTH-AUDIT-A", "audit"])
def test_what_is_not_dispatched_is_found_by_no_name(name: str) -> None:
    assert dispatched_phase(name) is None


def test_the_first_five_are_audits() -> None:
    assert [phase.value for phase in DISPATCHED_PHASES if is_audit(phase)] == DISPATCHED[:5]


EXPECTED = """
initializing     health-audit-a
health-audit-a   health-audit-a health-amend-a health-audit-b
health-audit-b   health-audit-b health-amend-b health-audit-c
health-audit-c   health-audit-c health-amend-c stage-d-audit
stage-d-audit    stage-d-audit stage-d-amend feature-audit
feature-audit    feature-audit feature-execute
health-amend-a   health-audit-a health-amend-a
health-amend-b   health-audit-b health-amend-b
health-amend-c   health-audit-c health-amend-c
stage-d-amend    stage-d-audit stage-d-amend
feature-execute  feature-audit feature-execute
test
treatment
complete
aborted
"""


def test_the_phases_that_may_follow_are_those_of_the_table() -> None:
    table = {line.split()[0]: tuple(line.split()[1:]) for line in EXPECTED.strip().splitlines()}
    assert {status: expected_next(status) for status in RUN_STATUSES} == table

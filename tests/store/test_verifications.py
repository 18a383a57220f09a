"""Table verifications: a build's steps and claims as they were judged; the newest answers for a wave or a phase."""

import sqlite3

import pytest

from swarm.store import verifications
from swarm.store.connection import Store
from swarm.store.verifications import ClaimCounts, KeptStep
from swarm.store.waves import Wave
from tests.store import rows
from tests.store.writers import steps

STEP = KeptStep(
    name="check",
    kind="test",
    argv=("sh", "-c", "exit 1"),
    status="failed",
    passed=False,
    exit_code=1,
    duration_ms=12,
    test_count=3,
    log="/srv/log",
    stdout="3 ran\n",
    stderr="",
)


def test_a_verification_is_returned_whole_and_is_in_the_ledger(store: Store, wave: Wave) -> None:
    counts = ClaimCounts(total=2, verified=1, regressed=1, verified_via_distribution={"anchor": 2}, offending=1)
    new = rows.verification(wave, "fail")._replace(steps=(STEP,), claims=counts, threshold=3)
    with store.mutation() as conn:
        made = verifications.add_verification(conn, new)
    assert tuple(made[1:-1]) == tuple(new)
    assert verifications.verifications_of(store.conn, rows.RUN) == [made]
    assert not made.passed
    assert steps(store, "verified") == [("verified", "verification:1", None, "fail")]


def test_the_newest_is_asked_for_by_run_wave_or_phase_and_a_merge_never_answers(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        of_wave = verifications.add_verification(conn, rows.verification(wave))
        of_phase = verifications.add_verification(conn, rows.verification(wave)._replace(wave_id=None, phase="test"))
        verifications.add_verification(conn, rows.verification(wave)._replace(purpose="merge"))
    newest = verifications.newest_verification
    assert newest(store.conn, rows.RUN) == of_phase
    assert newest(store.conn, rows.RUN, wave_id=wave.id) == of_wave
    assert newest(store.conn, rows.RUN, phase="test") == of_phase
    assert newest(store.conn, rows.RUN, wave_id=wave.id, phase="test") is None
    assert len(verifications.verifications_of(store.conn, rows.RUN, wave.id)) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "perhaps"},
        {"purpose": "looking"},
        {"exit_code": 3},
        {"accepted": "skip"},
        {"reason": "because"},
        {"wave_id": 99},
    ],
)
def test_a_row_that_cannot_be_is_refused_and_leaves_no_event(
    store: Store, wave: Wave, changed: dict[str, object]
) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        verifications.add_verification(store.conn, rows.verification(wave)._replace(**changed))
    assert steps(store, "verified") == []

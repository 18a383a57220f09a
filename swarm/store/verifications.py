"""The tables `verifications`, `merges`, `receipts` and `promotions`: what was proved, published and passed."""

import sqlite3
from typing import Final, NamedTuple

from swarm.clock import now
from swarm.store.ledger import Entry, append

_VERIFICATION: Final = (
    "id, run_id, wave_id, phase, purpose, commit_sha, verdict, adapter, steps, test_count, claims, threshold,"
    " exit_code, accepted, reason, created"
)


class NewVerification(NamedTuple):
    """A look at a commit, as it is recorded. `steps` and `claims` are JSON; `accepted` is a verdict let through."""

    run_id: str
    wave_id: int | None
    phase: str
    purpose: str
    commit_sha: str
    verdict: str
    adapter: str | None
    steps: str
    test_count: int | None
    claims: str | None
    threshold: int | None
    exit_code: int
    accepted: str | None = None
    reason: str | None = None


class Verification(NamedTuple):
    """A look at a commit: what its build said (`verdict`), and of `verify` what the claims came to."""

    id: int
    run_id: str
    wave_id: int | None
    phase: str
    purpose: str
    commit_sha: str
    verdict: str
    adapter: str | None
    steps: str
    test_count: int | None
    claims: str | None
    threshold: int | None
    exit_code: int
    accepted: str | None
    reason: str | None
    created: str

    @property
    def passed(self) -> bool:
        """Whether a gate may rest on it."""
        return self.exit_code == 0


def add_verification(conn: sqlite3.Connection, new: NewVerification) -> Verification:
    """Record a verification and return it."""
    marks = ", ".join("?" * (len(NewVerification._fields) + 1))
    row = conn.execute(
        f"INSERT INTO verifications ({', '.join(NewVerification._fields)}, created)"  # noqa: S608
        f" VALUES ({marks}) RETURNING {_VERIFICATION}",
        (*new, now()),
    ).fetchone()
    made = Verification._make(row)
    payload: dict[str, object] = {
        "purpose": made.purpose,
        "commit": made.commit_sha,
        "adapter": made.adapter,
        "testCount": made.test_count,
        "exitCode": made.exit_code,
        "accepted": made.accepted,
    }
    subject = f"verification:{made.id}"
    append(
        conn,
        Entry(
            kind="verified",
            subject=subject,
            run_id=made.run_id,
            wave_id=made.wave_id,
            from_state=None,
            to_state=made.verdict,
            reason=made.reason,
            payload=payload,
        ),
    )
    return made


def newest_verification(
    conn: sqlite3.Connection, run_id: str, *, wave_id: int | None = None, phase: str | None = None
) -> Verification | None:
    """Return the newest `verify` of a run; of one wave, or made in one phase, where that is asked for."""
    where, values = "run_id = ? AND purpose = 'verify'", [run_id]  # type: tuple[str, list[object]]
    if wave_id is not None:
        where, values = f"{where} AND wave_id = ?", [*values, wave_id]
    if phase is not None:
        where, values = f"{where} AND phase = ?", [*values, phase]
    row = conn.execute(
        f"SELECT {_VERIFICATION} FROM verifications WHERE {where} ORDER BY id DESC LIMIT 1",  # noqa: S608
        values,
    ).fetchone()
    return None if row is None else Verification._make(row)


def verifications_of(conn: sqlite3.Connection, run_id: str, wave_id: int | None = None) -> list[Verification]:
    """Return the verifications of a run, or of one of its waves, oldest first."""
    rows = conn.execute(
        f"SELECT {_VERIFICATION} FROM verifications WHERE run_id = ?1 AND (?2 IS NULL OR wave_id = ?2)"  # noqa: S608
        " ORDER BY id",
        (run_id, wave_id),
    )
    return list(map(Verification._make, rows))

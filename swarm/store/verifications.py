"""Table `verifications`: builds of a commit by `verify` and `merge`, with the counts of judged claims."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from swarm.clock import now
from swarm.store import forms
from swarm.store.ledger import Entry, append

_VERIFICATION: Final = (
    "id, run_id, wave_id, phase, purpose, commit_sha, verdict, adapter, steps, test_count, claims, threshold,"
    " exit_code, accepted, reason, isolation, isolation_reason, policy, created"
)


class KeptStep(NamedTuple):
    """A step of a build, with the beginning and the end of its output."""

    name: str
    kind: str
    argv: tuple[str, ...]
    status: str
    passed: bool
    exit_code: int | None
    duration_ms: int
    test_count: int | None
    log: str
    stdout: str
    stderr: str


class ClaimCounts(NamedTuple):
    """Claims that `verify` judged, counted by their class; `None` is a count that an older version did not record."""

    total: int | None = None
    verified: int | None = None
    regressed: int | None = None
    claimed_but_still_present: int | None = None
    drifted: int | None = None
    broken: int | None = None
    unverifiable: int | None = None
    verified_via_distribution: Mapping[str, int] = {}
    offending: int | None = None


class NewVerification(NamedTuple):
    """A verification, before the row is recorded; `accepted` is a verdict that was accepted for a reason.

    `isolation` names the backend of the sandbox that the steps ran in, `None` where no step ran.
    """

    run_id: str
    wave_id: int | None
    phase: str
    purpose: str
    commit_sha: str
    verdict: str
    adapter: str | None
    steps: tuple[KeptStep, ...]
    test_count: int | None
    claims: ClaimCounts | None
    threshold: int | None
    exit_code: int
    accepted: str | None = None
    reason: str | None = None
    isolation: str | None = None
    isolation_reason: str | None = None
    policy: str | None = None


class Verification(NamedTuple):
    """A verification of a commit: the verdict of its build, and for `verify` the counts of claims."""

    id: int
    run_id: str
    wave_id: int | None
    phase: str
    purpose: str
    commit_sha: str
    verdict: str
    adapter: str | None
    steps: tuple[KeptStep, ...]
    test_count: int | None
    claims: ClaimCounts | None
    threshold: int | None
    exit_code: int
    accepted: str | None
    reason: str | None
    isolation: str | None
    isolation_reason: str | None
    policy: str | None
    created: str

    @property
    def passed(self) -> bool:
        """True where a gate may rest on the verification."""
        return self.exit_code == 0

    @property
    def has_fewer_tests(self) -> bool:
        """True where a build passes and the claims hold, and the verification failed: then only tests are missing."""
        offending = self.claims.offending if self.claims is not None else None
        claims_hold = offending is not None and offending <= (self.threshold or 0)
        return self.exit_code == 1 and self.verdict == "pass" and claims_hold


def add_verification(conn: sqlite3.Connection, new: NewVerification) -> Verification:
    """Record a verification; return the row."""
    documents = {"steps": _steps_text(new.steps), "claims": _claims_text(new.claims)}
    # One more for `created`, which the record does not have.
    marks = ", ".join("?" * (len(NewVerification._fields) + 1))
    row = conn.execute(
        f"INSERT INTO verifications ({', '.join(NewVerification._fields)}, created)"  # noqa: S608
        f" VALUES ({marks}) RETURNING {_VERIFICATION}",
        tuple((new._asdict() | documents | {"created": now()}).values()),
    ).fetchone()
    made = _verification(row)
    payload: dict[str, object] = {
        "purpose": made.purpose,
        "commit": made.commit_sha,
        "adapter": made.adapter,
        "testCount": made.test_count,
        "exitCode": made.exit_code,
        "accepted": made.accepted,
        "isolation": made.isolation,
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
    """Return the newest `verify` of a run, or of a wave of the run, or made in a phase."""
    # Builds by `merge` judge a merge and no claims; gates rest on `verify` alone.
    where, values = "run_id = ? AND purpose = 'verify'", [run_id]  # type: tuple[str, list[object]]
    if wave_id is not None:
        where, values = f"{where} AND wave_id = ?", [*values, wave_id]
    if phase is not None:
        where, values = f"{where} AND phase = ?", [*values, phase]
    row = conn.execute(
        f"SELECT {_VERIFICATION} FROM verifications WHERE {where} ORDER BY id DESC LIMIT 1",  # noqa: S608
        values,
    ).fetchone()
    return None if row is None else forms.made("verifications", _verification, row)


def verifications_of(conn: sqlite3.Connection, run_id: str, wave_id: int | None = None) -> list[Verification]:
    """Return the verifications of a run, or of a wave of the run, oldest first."""
    rows = conn.execute(
        f"SELECT {_VERIFICATION} FROM verifications WHERE run_id = ?1 AND (?2 IS NULL OR wave_id = ?2)"  # noqa: S608
        " ORDER BY id",
        (run_id, wave_id),
    )
    return [forms.made("verifications", _verification, row) for row in rows]


def _verification(row: tuple[Any, ...]) -> Verification:
    made = Verification._make(row)
    forms.hold("verifications", "commit_sha", forms.COMMIT, made.commit_sha)
    claims = None if made.claims is None else _claims(json.loads(str(made.claims)))
    return made._replace(steps=tuple(map(_step, json.loads(str(made.steps)))), claims=claims)


def _step(item: Mapping[str, Any]) -> KeptStep:
    return KeptStep(
        # With defaults: rows of older versions lack the newer keys.
        name=str(item.get("name", "")),
        kind=item.get("kind", ""),
        argv=tuple(item.get("argv", ())),
        status=item.get("status", ""),
        passed=bool(item.get("passed")),
        exit_code=item.get("exit_code"),
        duration_ms=item.get("duration_ms", 0),
        test_count=item.get("test_count"),
        log=item.get("log", ""),
        stdout=item.get("stdout", ""),
        stderr=item.get("stderr", ""),
    )


def _claims(kept: Mapping[str, Any]) -> ClaimCounts:
    # Unknown keys are dropped, so that an older build can read the row of a newer build of the same schema.
    return ClaimCounts(**{name: kept[name] for name in ClaimCounts._fields if name in kept})


def _steps_text(steps: Sequence[KeptStep]) -> str:
    return json.dumps([step._asdict() for step in steps])


def _claims_text(claims: ClaimCounts | None) -> str | None:
    return None if claims is None else json.dumps(claims._asdict())

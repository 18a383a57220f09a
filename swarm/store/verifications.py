"""The tables `verifications`, `merges`, `receipts` and `promotions`: what was proved, published and passed."""

import json
import sqlite3
from typing import Any, Final, NamedTuple

from swarm.clock import now
from swarm.store.ledger import Entry, append

_VERIFICATION: Final = (
    "id, run_id, wave_id, phase, purpose, commit_sha, verdict, adapter, steps, test_count, claims, threshold,"
    " exit_code, accepted, reason, created"
)
_MERGE: Final = "id, wave_id, ref, base, commit_sha, domains, dropped, verification_id, created"
_RECEIPT: Final = "id, run_id, wave_id, verification_id, kind, sha256, body, created"
_PROMOTION: Final = "id, run_id, wave_id, from_phase, to_phase, gates, overridden, reason, receipt_id, created"


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


class NewMerge(NamedTuple):
    """What was published of a wave, as it is recorded."""

    wave_id: int
    ref: str
    base: str
    commit_sha: str
    domains: tuple[str, ...]
    dropped: tuple[str, ...]
    verification_id: int | None


class NewPromotion(NamedTuple):
    """A promotion as it is recorded: `gates` are JSON values, `overridden` the names of those that were passed."""

    run_id: str
    wave_id: int | None
    from_phase: str
    to_phase: str
    gates: tuple[object, ...]
    overridden: tuple[str, ...]
    reason: str | None
    receipt_id: int | None


class Merge(NamedTuple):
    """A wave's branches, published together at a ref. `domains` and `dropped` are JSON lists."""

    id: int
    wave_id: int
    ref: str
    base: str
    commit_sha: str
    domains: str
    dropped: str
    verification_id: int | None
    created: str


class Receipt(NamedTuple):
    """The durable record of a wave or of a verification; `body` is its JSON, and `sha256` of that."""

    id: int
    run_id: str
    wave_id: int | None
    verification_id: int | None
    kind: str
    sha256: str
    body: str
    created: str


class Promotion(NamedTuple):
    """A recorded step from one phase to the next. `gates` and `overridden` are JSON."""

    id: int
    run_id: str
    wave_id: int | None
    from_phase: str
    to_phase: str
    gates: str
    overridden: str
    reason: str | None
    receipt_id: int | None
    created: str


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
    append(conn, Entry("verified", subject, made.run_id, made.wave_id, None, made.verdict, made.reason, payload))
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


def add_merge(conn: sqlite3.Connection, run_id: str, new: NewMerge) -> None:
    """Record what was published at a ref; the same again changes nothing."""
    row = conn.execute(
        "INSERT INTO merges (wave_id, ref, base, commit_sha, domains, dropped, verification_id, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (*new[:4], json.dumps(new.domains), json.dumps(new.dropped), new.verification_id, now()),
    ).fetchone()
    if row is not None:
        payload: dict[str, object] = {
            "ref": new.ref,
            "base": new.base,
            "domains": list(new.domains),
            "dropped": list(new.dropped),
        }
        subject = f"wave:{new.wave_id}"
        append(conn, Entry("merged", subject, run_id, new.wave_id, None, new.commit_sha, payload=payload))


def merges_of(conn: sqlite3.Connection, wave_id: int) -> list[Merge]:
    """Return what was published of a wave, oldest first."""
    rows = conn.execute(f"SELECT {_MERGE} FROM merges WHERE wave_id = ? ORDER BY id", (wave_id,))  # noqa: S608
    return list(map(Merge._make, rows))


def merged_into(conn: sqlite3.Connection, run_id: str, ref: str) -> list[str]:
    """Return the commits that merges of a run left at a branch, oldest first."""
    rows = conn.execute(
        "SELECT commit_sha FROM merges JOIN waves ON waves.id = wave_id WHERE run_id = ? AND ref = ?"
        " ORDER BY merges.id",
        (run_id, ref),
    )
    return [commit for (commit,) in rows]


def add_receipt(
    conn: sqlite3.Connection,
    run_id: str,
    wave_id: int | None,
    verification_id: int | None,
    document: Any,
) -> Receipt:
    """Record a receipt and return it. `document` holds JSON values; equal ones make equal bodies."""
    # Here, because `status` reads this module's tables and has no use for it.
    import hashlib

    body = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    kind = "wave" if verification_id is None else "verification"
    row = conn.execute(
        f"INSERT INTO receipts ({_RECEIPT.removeprefix('id, ')}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
        f" RETURNING {_RECEIPT}",
        (run_id, wave_id, verification_id, kind, hashlib.sha256(body.encode()).hexdigest(), body, now()),
    ).fetchone()
    made = Receipt._make(row)
    payload: dict[str, object] = {"sha256": made.sha256}
    append(conn, Entry("receipt_made", f"receipt:{made.id}", run_id, wave_id, None, kind, payload=payload))
    return made


def receipts_of(conn: sqlite3.Connection, run_id: str) -> list[Receipt]:
    """Return the receipts of a run, oldest first."""
    rows = conn.execute(f"SELECT {_RECEIPT} FROM receipts WHERE run_id = ? ORDER BY id", (run_id,))  # noqa: S608
    return list(map(Receipt._make, rows))


def add_promotion(conn: sqlite3.Connection, new: NewPromotion) -> None:
    """Record a promotion; the run's and the wave's own moves are recorded where they are made."""
    gates, overridden = json.dumps(new.gates), json.dumps(new.overridden)
    row = conn.execute(
        "INSERT INTO promotions (run_id, wave_id, from_phase, to_phase, gates, overridden, reason, receipt_id, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (*new[:4], gates, overridden, new.reason, new.receipt_id, now()),
    ).fetchone()
    payload: dict[str, object] = {"overridden": list(new.overridden)}
    step = (new.from_phase, new.to_phase, new.reason, payload)
    append(conn, Entry("promoted", f"promotion:{row[0]}", new.run_id, new.wave_id, *step))


def promotions_of(conn: sqlite3.Connection, run_id: str) -> list[Promotion]:
    """Return the promotions of a run, oldest first."""
    rows = conn.execute(f"SELECT {_PROMOTION} FROM promotions WHERE run_id = ? ORDER BY id", (run_id,))  # noqa: S608
    return list(map(Promotion._make, rows))

"""Table `receipts`: durable records of waves and verifications, with their digests."""

import json
import sqlite3
from typing import Any, Final, NamedTuple

from swarm.clock import now
from swarm.store.ledger import Entry, append


class Receipt(NamedTuple):
    """The durable record of a wave or of a verification; `body` is its JSON text, `sha256` the digest of the body."""

    id: int
    run_id: str
    wave_id: int | None
    verification_id: int | None
    kind: str
    sha256: str
    body: str
    created: str

    @property
    def document(self) -> Any:
        """The receipt as JSON values."""
        return json.loads(self.body)


def add_receipt(
    conn: sqlite3.Connection,
    run_id: str,
    wave_id: int | None,
    verification_id: int | None,
    document: Any,
) -> Receipt:
    """Record a receipt; return the row. `document` holds JSON values; equal documents make equal bodies."""
    # Imported here: `status` can import this module and computes no digest.
    import hashlib

    # Sorted and compact: two receipts of the same state must have the same digest.
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


_RECEIPT: Final = "id, run_id, wave_id, verification_id, kind, sha256, body, created"

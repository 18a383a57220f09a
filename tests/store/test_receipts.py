"""Table receipts: equal documents make equal bodies, and a digest of each is in the ledger."""

import hashlib
import json
import sqlite3

import pytest

from swarm.store import ledger, receipts, verifications
from swarm.store.connection import Store
from swarm.store.waves import Wave
from tests.store import rows


def test_equal_documents_make_equal_bodies_and_digests(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        first = receipts.add_receipt(conn, rows.RUN, wave.id, None, {"b": "ß", "a": [1, None]})
        second = receipts.add_receipt(conn, rows.RUN, wave.id, None, {"a": [1, None], "b": "ß"})
    assert first.body == second.body == '{"a":[1,null],"b":"ß"}'
    assert first.sha256 == second.sha256 == hashlib.sha256(first.body.encode()).hexdigest()
    assert first.document == {"a": [1, None], "b": "ß"}
    assert receipts.receipts_of(store.conn, rows.RUN) == [first, second]
    events = [event for event in ledger.events_after(store.conn, 0) if event.kind == "receipt_made"]
    assert [(event.subject, event.to_state, json.loads(str(event.payload))) for event in events] == [
        ("receipt:1", "wave", {"sha256": first.sha256}),
        ("receipt:2", "wave", {"sha256": first.sha256}),
    ]


def test_the_receipt_of_a_verification_names_it(store: Store, wave: Wave) -> None:
    with store.mutation() as conn:
        made = verifications.add_verification(conn, rows.verification(wave))
        receipt = receipts.add_receipt(conn, rows.RUN, wave.id, made.id, {})
    assert (receipt.kind, receipt.verification_id) == ("verification", made.id)


@pytest.mark.parametrize(("run", "verification"), [("swarm-1-00000000", None), (rows.RUN, 99)])
def test_a_receipt_of_nothing_is_refused(store: Store, wave: Wave, run: str, verification: int | None) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        receipts.add_receipt(store.conn, run, wave.id, verification, {})
    assert receipts.receipts_of(store.conn, rows.RUN) == []

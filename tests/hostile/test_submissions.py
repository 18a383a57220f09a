"""Submissions changed at random: whatever comes in, a valid record with a place of its own comes out."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swarm import documents
from swarm.evidence.records.judge import judged
from swarm.evidence.records.submission import from_bytes
from swarm.rules.record_places import record_place
from tests.cli.scenes.submissions import SUBMISSION

VALUES: list[Any] = [
    *(None, True, 0, -1, 1e308, 2**63 - 1, "", " ", "x" * 5000, "../x", "\0", "\x1b[2J", "\u202e", [], {}, [{}]),
    *("pass", "fail", "blocked", "a/b", "_rejected/x", "a" * 100 + "/" + "b" * 100, {"verified": 1}, ["x"] * 600),
    *("2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:60Z"),
]
KEYS = ["x", "verification", "policy_version", "malformed", "$ref", "run_id"]


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from places(item)


def changed(chance: random.Random) -> bytes:
    made = copy.deepcopy(SUBMISSION)
    for _ in range(chance.choice([1, 1, 2, 4])):
        place, key = chance.choice(list(places(made)))
        match chance.randrange(5):
            case 0 | 1 | 2:
                place[key] = copy.deepcopy(chance.choice(VALUES))
            case 3:
                del place[key]
            case _ if isinstance(place, list):
                place.append(copy.deepcopy(place[key]))
            case _:
                place[chance.choice(KEYS)] = copy.deepcopy(chance.choice(VALUES))
        if not made:
            break
    body = bytearray(json.dumps(made).encode())
    if chance.random() < 0.1:
        body[chance.randrange(len(body))] = chance.randrange(256)
    return bytes(body)


@pytest.mark.sweep
def test_every_submission_becomes_a_valid_record_with_a_place(tmp_path: Path) -> None:
    chance, statuses = random.Random(20), set()
    for _ in range(3000):
        record = judged(from_bytes(changed(chance)), tmp_path, "stub", {})
        verification = record["verification"]
        assert documents.problems(record, "dogfood-record") == []
        assert [reason for reason in verification["rejection_reasons"] if reason.startswith("VALIDATOR_FAULT")] == []
        record_place(record["repo"], record["run_id"], "2026-05-01", rejected=verification["status"] == "rejected")
        statuses.add(verification["status"])
    assert statuses == {"accepted", "rejected"}

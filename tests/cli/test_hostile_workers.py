"""Hostile workers: whatever a holder of credentials sends, only its own orders end, each once and with a typed end."""

import asyncio
import json
from typing import Any

import pytest

from swarm.engine import messages
from swarm.engine.link import EngineLink, linked
from swarm.engine.place import read_credentials
from swarm.engine.pull import pull
from tests.cli.scenes.hosts import ORDERED, Hosts

# Facts that no agent has.
NONSENSE = {
    "outcome": "success", "exit_class": 0, "exit_code": -1000, "signal": 1000, "error_code": "NO_SUCH_CODE",
    "error_fragment": "\x1b[2J" + "é" * 900, "spawned": "2001-01-01T00:00:00.000Z", "last_progress": None,
    "duration_ms": 10**12, "stall_reason": "nonsense",
}  # fmt: skip
HUGE = {"digest": "0" * 64, "size": 1 << 40}


def result(order: dict[str, Any], **changed: Any) -> bytes:
    body = {
        "id": order["id"], "nonce": order["nonce"], "worker": "one", "ending": NONSENSE, "answer": None, "work": None,
        "stdout": None, "stderr": None, "untaken": [],
    }  # fmt: skip
    return json.dumps({**body, **changed}).encode()


async def taken(link: EngineLink, count: int) -> list[dict[str, Any]]:
    """Return orders that a worker was given, and answers none of them: it hoards them."""
    found: list[Any] = []
    while len(found) < count:
        await pull(link, link.names.orders, ["played"], 20.0, found)
    return sorted((json.loads(message.data) for message in found), key=lambda order: str(order["domain"]))


def test_what_hostile_workers_send_ends_their_own_orders_once_and_nothing_else(hosts: Hosts) -> None:
    hosts.plays()
    hosts.ordered()
    hosts.swarm("engine", "invite", "two", "--tag", "other", "--output", hosts.folder / "two")

    async def play() -> list[str]:
        async with (
            linked(read_credentials(hosts.credentials)) as one,
            linked(read_credentials(hosts.folder / "two")) as two,
        ):
            code, tests = await taken(one, len(ORDERED))
            told = [
                # Of another: the name, or the nonce, is not its own.
                (two, two.names.result("two"), result(code)),
                (two, two.names.result("two"), result(code, worker="two", nonce="0" * 64)),
                (two, two.names.result("two"), result({"id": "ffff-1", "nonce": code["nonce"]}, worker="two")),
                # No messages of ours.
                (one, one.names.result("one"), b"[" * 100_000),
                (one, one.names.result("one"), b'{"id": 1e999}'),
                (one, one.names.result("one"), b"{" + b" " * (256 * 1024) + b"}"),
                (one, one.names.result("one"), result(code, ending={**NONSENSE, "exit_class": 10**40})),
                (one, one.names.result("one"), result(code, untaken=["x" * 5000])),
                # What the control plane could not be read with any more.
                (one, one.names.result("one"), result(code, ending={**NONSENSE, "spawned": "yesterday"})),
                (
                    one,
                    one.names.result("one"),
                    result(code, ending={**NONSENSE, "spawned": "2026-02-30T00:00:00.000Z"}),
                ),
                (one, one.names.result("one"), result(code, ending={**NONSENSE, "last_progress": "\x00"})),
                (one, one.names.result("one"), result(code, ending={**NONSENSE, "exit_class": 127})),
                # Its own, with objects that are too large or that nobody keeps; the second of an order comes late.
                (one, one.names.result("one"), result(code, answer=HUGE)),
                (one, one.names.result("one"), result(code, answer=None)),
                (one, one.names.result("one"), result(tests, work={"digest": "0" * 64, "size": 1}, answer=None)),
            ]
            for link, subject, body in told:
                await link.keep(subject, body)
            for number in range(2000):
                sign = (
                    b"\x80"
                    if number % 2
                    else json.dumps({"nonce": code["nonce"], "event": {"event": "x" * 99}}).encode()
                )
                await one.client.publish(one.names.progress("one", code["id"]), sign)
            return [code["id"], tests["id"]]

    asyncio.run(play())
    answer = hosts.launch(exit=3)
    refused = [event["code"] for event in answer.events if event["stage"] == "result_refused"]
    assert sorted(refused) == ["RESULT_FORGED"] * 12 + ["RESULT_LATE"]
    assert hosts.outcomes() == {
        "code": [("invalid_output", "RESULT_TOO_LARGE")],
        "tests": [("invalid_output", "BASE_CORRUPT")],
    }
    # By this machine's clock alone.
    assert hosts.amending.sql(
        "SELECT count(*), sum(spawned < created), sum(spawned > ended) FROM attempts WHERE spawned IS NOT NULL"
        " AND host LIKE 'engine %'"
    ) == [(2, 0, 0)]
    hosts.swarm("ledger", "verify")
    hosts.swarm("ledger", "replay", "--check")


def test_a_worker_that_hears_of_a_cancelled_order_of_another_learns_nothing(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.plays()
    hosts.ordered()
    hosts.swarm("engine", "invite", "two", "--tag", "other", "--output", hosts.folder / "two")
    # Who hoards orders ends no agent.
    monkeypatch.setattr("swarm.waves.hosts.lives._CANCEL_SECONDS", 0.1)

    async def hoard() -> dict[str, Any]:
        async with linked(read_credentials(hosts.credentials)) as one:
            return (await taken(one, len(ORDERED)))[0]

    async def heard(order: str) -> bytes | None:
        async with linked(read_credentials(hosts.folder / "two")) as two:
            return await two.kept(two.names.bases, two.names.cancel(order))

    async def forge(order: str) -> None:
        """Answer in the place of the worker that has the order, with the nonce that it has not."""
        ending = {"outcome": "killed", "exit_class": 3, "error_code": "CANCELLED"}
        nonce = messages.cancel_of("0").decode()
        async with linked(read_credentials(hosts.folder / "two")) as two:
            body = result({"id": order, "nonce": nonce}, worker="two", ending=ending)
            await two.keep(two.names.result("two"), body)

    order = asyncio.run(hoard())
    asyncio.run(forge(order["id"]))
    cancelled = hosts.swarm("launch", hosts.amending.run, "--on", hosts.url, "--cancel", exit=None)
    assert [event["code"] for event in cancelled.events if event["stage"] == "result_refused"] == ["RESULT_FORGED"]
    unconfirmed = [event["domain"] for event in cancelled.events if event["stage"] == "cancel_unconfirmed"]
    assert sorted(unconfirmed) == sorted(ORDERED)
    assert asyncio.run(heard(order["id"])) == messages.cancel_of(order["nonce"])
    assert order["nonce"].encode() not in messages.cancel_of(order["nonce"])
    assert {own[-1][0] for own in hosts.outcomes().values()} == {"killed"}

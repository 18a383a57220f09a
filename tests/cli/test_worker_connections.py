"""A worker whose connection ends while it works on an order: another connection does what that one could not."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from swarm.engine import objects
from swarm.engine.link import EngineLink, linked
from swarm.engine.messages import WorkOrder
from swarm.engine.objects import KeptObject
from swarm.engine.place import read_credentials
from swarm.waves.worker import taken_order
from tests.conftest import Swarm


def test_a_prompt_is_read_by_another_connection_where_that_of_the_order_is_lost(
    swarm: Swarm, engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taken_order, "_PAUSE", 0)
    swarm("engine", "invite", "one", "--tag", "fast", "--output", tmp_path / "one")
    credentials = read_credentials(tmp_path / "one")
    none = KeptObject("0" * 64, 0)

    async def walk() -> bytes:
        async with linked(read_credentials(engine / "coordinator.json")) as link:
            prompt = await objects.put(link, link.names.base, b"Look at it.")
        order = WorkOrder(
            id="0a-1", nonce="0" * 64, run="swarm-1-0a", wave=1, domain="code", phase="health-audit-a", review=False,
            commit="0" * 40, base=none, prompt=prompt, runtime="played", seconds=60,
        )  # fmt: skip

        async def read(link: EngineLink) -> bytes:
            return await objects.get(link, link.names.bases, link.names.base, order.prompt)

        async with linked(credentials) as link:
            message = SimpleNamespace(reply="an.answer", data=b"")
            taken = taken_order.TakenOrder(credentials, link, message, order, asked=taken_order.moment())
            await link.client.close()
            found = await taken.over(read)
            await taken.stop()
            return found

    assert asyncio.run(walk()) == b"Look at it."

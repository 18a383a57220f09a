"""The queues of an engine's orders, one for each tag, and the orders that they hold."""

import asyncio
import base64
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from swarm.engine import messages
from swarm.engine.link import EngineLink
from swarm.engine.messages import WorkOrder
from swarm.engine.streams import NO_STREAM
from swarm.errors import ResultForged

# Of the engine's answers: there is no message at this place, or none to delete.
_NO_MESSAGE: Final = 10037
_AT_ONCE: Final = 64
# Also where another process of this coordinator, such as one that cancels, has just deleted it.
_GONE: Final = (_NO_MESSAGE, 10043, 10057)


class OrderPlace(NamedTuple):
    """The place of an order in the stream of orders, and its tag."""

    number: int
    tag: str


class Queue(NamedTuple):
    """A queue: its tag, the orders that wait in it and that are worked on, and the workers that ask for the next.

    Orders up to the place `delivered` of their stream were given to workers.
    """

    tag: str
    waiting: int
    at_work: int
    free: int
    delivered: int

    @property
    def has_worker(self) -> bool:
        """Whether a connected worker takes its orders, now or after the present one."""
        return self.free > 0 or self.at_work > 0


async def queues_of(link: EngineLink) -> dict[str, Queue]:
    """Return the queues of an engine by tag. Raises EngineRefused, EngineUnreachable."""
    found: list[Queue] = []
    while True:
        page = await link.ask(f"CONSUMER.LIST.{link.names.orders}", {"offset": len(found)}, expect=(NO_STREAM,))
        more = page.get("consumers") or ()
        found += map(_queue, more)
        if not more or len(found) >= page["total"]:
            return {queue.tag: queue for queue in sorted(found)}


def _queue(info: Any) -> Queue:
    return Queue(
        tag=info["name"],
        waiting=int(info["num_pending"]),
        at_work=int(info["num_ack_pending"]),
        free=int(info["num_waiting"]),
        delivered=int(info["delivered"]["stream_seq"]),
    )


async def order_at(link: EngineLink, place: int) -> WorkOrder | None:
    """Return the order of this coordinator at a place of the stream, `None` where there is none, or no longer."""
    return await _order(link, {"seq": place})


async def orders_in(link: EngineLink) -> dict[str, OrderPlace]:
    """Return the place of each order of this coordinator that is not finished, by id."""
    found: dict[str, OrderPlace] = {}
    place = 0
    while True:
        subjects = link.names.order("*")
        answer = await link.ask(
            f"STREAM.MSG.GET.{link.names.orders}", {"seq": place + 1, "next_by_subj": subjects}, expect=(_NO_MESSAGE,)
        )
        if "message" not in answer:
            return found
        place = int(answer["message"]["seq"])
        if (order := _read(link, answer["message"])) is not None:
            found[order.id] = OrderPlace(place, answer["message"]["subject"].rpartition(".")[2])


async def cancellations(link: EngineLink, orders: Collection[str]) -> list[tuple[str, bytes | None]]:
    """Return those of some orders that were cancelled, each with the message that an engine keeps of it."""
    info = await link.ask(f"STREAM.INFO.{link.names.bases}", {"subjects_filter": link.names.cancel("*")})
    known = {subject.rpartition(".")[2]: subject for subject in info["state"].get("subjects") or ()}
    return [(order, await link.kept(link.names.bases, known[order])) for order in orders if order in known]


async def _order(link: EngineLink, asked: dict[str, Any]) -> WorkOrder | None:
    answer = await link.ask(f"STREAM.MSG.GET.{link.names.orders}", asked, expect=(_NO_MESSAGE,))
    return _read(link, answer["message"]) if "message" in answer else None


def _read(link: EngineLink, message: Any) -> WorkOrder | None:
    try:
        return messages.order_of(base64.b64decode(message["data"]), link.credentials.coordinator)
    except ResultForged:
        return None


async def delete(link: EngineLink, *places: int) -> None:
    """Delete orders that nobody shall take any more; none is there where a worker has ended with it."""
    verb = f"STREAM.MSG.DELETE.{link.names.orders}"
    # Its place on the disk is not overwritten, which took most of the time: an order holds no secret but its nonce.
    asked = [{"seq": place, "no_erase": True} for place in places]
    await _side_by_side([partial(link.ask, verb, each, expect=_GONE) for each in asked])


async def keep_cancellations(link: EngineLink, bodies: Mapping[str, bytes]) -> None:
    """Let an engine keep, and workers hear, the message that cancels each of some orders."""
    keep, name = link.keep, link.names.cancel
    await _side_by_side([partial(keep, name(order), body, f"cancel-{order}") for order, body in bodies.items()])


async def _side_by_side(calls: Sequence[Callable[[], Coroutine[Any, Any, object]]]) -> None:
    """Ask an engine so much at once: one after the other, two thousand orders are cancelled in most of a minute."""
    for begin in range(0, len(calls), _AT_ONCE):
        await asyncio.gather(*(call() for call in calls[begin : begin + _AT_ONCE]))

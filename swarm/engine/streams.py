"""Streams and queues of an engine: made, and brought up to date without what their administrator chose."""

from typing import Any, Final

from swarm.engine.link import EngineLink
from swarm.engines_config import LEASE_SECONDS

# Of the engine's answers: there is no stream of this name, as in a cluster that nobody has ordered from.
NO_STREAM: Final = 10059
# A stream of this name is there, with other settings.
_STREAM_IS_THERE: Final = 10058
# Settings of a new stream that are its administrator's from then on.
_OF_ADMINISTRATOR: Final = frozenset({"storage", "num_replicas", "max_msgs"})
# A coordinator that was started anew gets what its predecessor took and did not finish.
_AGAIN_SECONDS: Final = 5


async def make_streams(link: EngineLink) -> None:
    """Make the streams of an engine, or bring their settings up to date.

    What else an administrator set stays: the replicas of a stream, a bound of its bytes, its place in the cluster.
    """
    for stream in link.names.streams():
        await _make(link, stream)


async def make_bucket(link: EngineLink, worker: str) -> None:
    """Make the stream of a worker's objects, or bring its settings up to date."""
    await _make(link, link.names.bucket_of(worker))


async def _make(link: EngineLink, stream: dict[str, Any]) -> None:
    name = stream["name"]
    made = await link.ask(f"STREAM.CREATE.{name}", stream, expect=(_STREAM_IS_THERE,))
    if "error" in made:
        present = (await link.ask(f"STREAM.INFO.{name}"))["config"]
        ours = {key: value for key, value in stream.items() if key not in _OF_ADMINISTRATOR}
        if {**present, **ours} != present:
            await link.ask(f"STREAM.UPDATE.{name}", {**present, **ours})


async def make_queue(link: EngineLink, tag: str, lease_seconds: int = LEASE_SECONDS) -> None:
    """Make the queue of a tag: an order is delivered once, and is lost where nobody shows that it is worked on.

    An attempt costs money: it is never run twice without somebody's decision.
    """
    queue = {
        "durable_name": tag,
        "filter_subject": link.names.order(tag),
        "ack_policy": "explicit",
        "ack_wait": lease_seconds * 10**9,
        "max_deliver": 1,
    }
    document = {"stream_name": link.names.orders, "config": queue}
    await link.ask(f"CONSUMER.DURABLE.CREATE.{link.names.orders}.{tag}", document)


async def make_reader(link: EngineLink, stream: str, name: str, subject: str) -> None:
    """Make a queue of all that a stream keeps of a subject: a message stays in it until it is acknowledged."""
    reader = {
        "durable_name": name,
        "filter_subject": subject,
        "ack_policy": "explicit",
        "ack_wait": _AGAIN_SECONDS * 10**9,
        "deliver_policy": "all",
        "max_ack_pending": 10_000,
    }
    await link.ask(f"CONSUMER.DURABLE.CREATE.{stream}.{name}", {"stream_name": stream, "config": reader})


async def kept_messages(link: EngineLink) -> tuple[int, int]:
    """Return how many orders wait to be taken or are worked on, and how many results are kept."""
    streams = (link.names.orders, link.names.results)
    found = [await link.ask(f"STREAM.INFO.{stream}", expect=(NO_STREAM,)) for stream in streams]
    orders, results = (int(info["state"]["messages"]) if "state" in info else 0 for info in found)
    return orders, results

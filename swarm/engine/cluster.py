"""A NATS cluster that is there already: its members are entered by whoever runs it."""

from pathlib import Path
from typing import Any

from swarm.engine.access import Access
from swarm.engine.authority import new_pair
from swarm.engine.link import EngineLink, administer
from swarm.engine.place import Credentials, hold_to_names, write_credentials
from swarm.engine.streams import make_bucket, make_queue, make_streams
from swarm.engine.subjects import Plane, worker_permissions


def invite_to(access: Access, name: str, tags: tuple[str, ...], file: Path) -> dict[str, Any]:
    """Make the queues of a worker and its credentials, and return the user that the cluster's server has to know.

    Nothing that a coordinator may do enters a member into somebody else's server. Raises EngineRefused,
    EngineUnreachable, OutputNotWritable, ScaleUnavailable.
    """
    hold_to_names(name, *tags)
    own = access.credentials

    async def make(link: EngineLink) -> None:
        await make_streams(link)
        await make_bucket(link, name)
        for tag in tags:
            await make_queue(link, tag, access.lease_seconds)

    administer(own, make)
    pair = new_pair()
    worker = Credentials(
        name=name,
        url=own.url,
        plane=own.plane,
        seed=pair.seed,
        authority=own.authority,
        coordinator=own.coordinator,
        tags=tags,
    )
    write_credentials(file, worker)
    return {"nkey": pair.public, "permissions": worker_permissions(Plane(own.plane), name, tags)}

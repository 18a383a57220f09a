"""Records of `worker`."""

from typing import NamedTuple


class WorkerResult(NamedTuple):
    """A worker that has ended: its name, its engine, and the orders that it took."""

    name: str
    url: str
    tags: tuple[str, ...]
    orders: int

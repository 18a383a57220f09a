"""Records of `engine`."""

from typing import Any, NamedTuple


class WorkerShown(NamedTuple):
    """A worker that may connect: its name, and the tags of the orders that it may take."""

    name: str
    tags: tuple[str, ...]


class QueueShown(NamedTuple):
    """The queue of a tag: orders that wait in it and that are worked on, and slots of workers that ask for the next."""

    tag: str
    waiting: int
    at_work: int
    free: int


class EngineResult(NamedTuple):
    """An engine. `orders` wait to be taken, `results` are kept; both `None` where it does not run.

    `user` is what the server of a cluster has to know of a worker that was invited to it.
    """

    url: str
    plane: str
    running: bool
    orders: int | None
    results: int | None
    workers: tuple[WorkerShown, ...]
    folder: str
    credentials: str | None
    next_action: str
    tags: tuple[QueueShown, ...] = ()
    user: dict[str, Any] | None = None

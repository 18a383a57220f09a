"""Records of `engine`."""

from typing import NamedTuple


class WorkerShown(NamedTuple):
    """A worker that may connect: its name, and the tags of the orders that it may take."""

    name: str
    tags: tuple[str, ...]


class EngineResult(NamedTuple):
    """The engine of this user. `orders` wait to be taken, `results` are kept; both `None` where it does not run."""

    url: str
    plane: str
    running: bool
    orders: int | None
    results: int | None
    workers: tuple[WorkerShown, ...]
    folder: str
    credentials: str | None
    next_action: str

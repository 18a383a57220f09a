"""Names of an engine's subjects and streams, and who may use which: permissions are given by subject."""

import re
from typing import Any, Final, NamedTuple

COORDINATOR: Final = "coordinator"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# A worker answers to the messages that it was given, with signs of life and with its end.
_MOST_ANSWERS: Final = 1_000_000
_LONGEST_WORK: Final = "48h"
_WEEK: Final = 7 * 24 * 3600 * 10**9
PIECE: Final = 128 * 1024
# 2 GiB of objects whose results nobody has taken in yet: what a worker sends beyond that waits with it.
_MOST_PIECES: Final = 16_384
# Results of a worker, and notes about a tag: a flood drives out what the same worker has sent before.
_MOST_RESULTS: Final = 4096

_KEPT: Final = {"storage": "file", "num_replicas": 1}
# A subject holds a piece of an object: sent again, it is the same piece.
_PIECES: Final = {"max_age": _WEEK, "allow_direct": True, "max_msgs_per_subject": 1, **_KEPT}


def is_name(word: str) -> bool:
    """Say whether a word may be the name of a worker or a tag: it stands in subjects, whose parts a dot divides."""
    return _NAME.fullmatch(word) is not None


class Plane(NamedTuple):
    """Subjects and streams of an engine, by the id that is in all of their names."""

    id: str

    @property
    def orders(self) -> str:
        """The stream of orders: a work queue, so that an order that was taken is gone."""
        return f"orders_{self.id}"

    @property
    def results(self) -> str:
        """The stream of results, and of the engine's notes about orders that nobody finished."""
        return f"results_{self.id}"

    @property
    def bases(self) -> str:
        """The stream of objects that workers read."""
        return f"bases_{self.id}"

    def bucket(self, worker: str) -> str:
        """Return the stream of the objects that a worker writes."""
        return f"products_{self.id}_{worker}"

    def order(self, tag: str) -> str:
        """Return the subject of orders for a tag."""
        return f"swarm.{self.id}.order.{tag}"

    def result(self, worker: str) -> str:
        """Return the subject of a worker's results."""
        return f"swarm.{self.id}.result.{worker}"

    def progress(self, worker: str, attempt: str) -> str:
        """Return the subject of what a worker shows of an attempt while that runs; the engine keeps none of it."""
        return f"swarm.{self.id}.progress.{worker}.{attempt}"

    def base(self, rest: str) -> str:
        """Return the subject of a piece of an object that workers read."""
        return f"swarm.{self.id}.base.{rest}"

    def product(self, worker: str, rest: str) -> str:
        """Return the subject of what a worker sends as objects: a part of it, or `>` for all."""
        return f"swarm.{self.id}.product.{worker}.{rest}"

    def product_of(self, worker: str, order: str, rest: str) -> str:
        """Return the subject of a piece of an object that a worker sends for an order, below that of the run."""
        return self.product(worker, f"{order.partition('-')[0]}.{order}.{rest}")

    def cancel(self, attempt: str) -> str:
        """Return the subject on which an order is cancelled: workers hear it, and it is kept for who comes later."""
        return f"swarm.{self.id}.cancel.{attempt}"

    @property
    def notes(self) -> str:
        """The subjects on which the engine says that an order was delivered and not finished, or given up."""
        return f"$JS.EVENT.ADVISORY.CONSUMER.*.{self.orders}.*"

    def streams(self) -> list[dict[str, Any]]:
        """Return the settings of the streams of all members, as the engine's interface takes them; times are in ns."""
        lost = [self.notes.replace("*", word, 1) for word in ("MAX_DELIVERIES", "MSG_TERMINATED")]
        results = {"max_age": _WEEK, "max_msgs_per_subject": _MOST_RESULTS, **_KEPT}
        return [
            {"name": self.orders, "subjects": [self.order("*")], "retention": "workqueue", **_KEPT},
            {"name": self.results, "subjects": [self.result("*"), *lost], **results},
            {"name": self.bases, "subjects": [self.base(">"), self.cancel("*")], **_PIECES},
        ]

    def bucket_of(self, worker: str) -> dict[str, Any]:
        """Return the settings of the stream of a worker's objects, which takes no more once it is full.

        Bounded by pieces and their size: a bound of its bytes would be set aside of the disk for each worker.
        """
        bounds = {"max_msgs": _MOST_PIECES, "max_msg_size": PIECE, "discard": "new"}
        return {"name": self.bucket(worker), "subjects": [self.product(worker, ">")], **bounds, **_PIECES}


def worker_permissions(plane: Plane, worker: str, tags: tuple[str, ...]) -> dict[str, Any]:
    """Return what a worker may do: take orders of its tags, read bases, write what is its own, and nothing else.

    It may acknowledge only what it was given, so that it can end no order of another.
    """
    inbox = f"_INBOX_{worker}.>"
    return {
        "publish": [
            *(f"$JS.API.CONSUMER.MSG.NEXT.{plane.orders}.{tag}" for tag in tags),
            f"$JS.API.DIRECT.GET.{plane.bases}.{plane.base('>')}",
            f"$JS.API.DIRECT.GET.{plane.bases}.{plane.cancel('*')}",
            plane.progress(worker, "*"),
            plane.result(worker),
            plane.product(worker, ">"),
        ],
        "subscribe": [inbox, plane.cancel("*")],
        "allow_responses": {"max": _MOST_ANSWERS, "expires": _LONGEST_WORK},
    }

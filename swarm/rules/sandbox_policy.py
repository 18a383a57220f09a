"""Policy of a sandbox: the rights of a process to files and to the network, as data that every backend reads.

Paths are absolute. Of the places above a path, the deepest decides; a path with no place above it is readable.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple


class Right(StrEnum):
    """Right to a place, weakest first: where two rights name a place, the later of this list holds."""

    HIDDEN = "hidden"  # empty and read-only
    PRIVATE = "private"  # empty, writable, and removed with the process
    READABLE = "readable"
    WRITABLE = "writable"


ORDER: Final = tuple(Right)


class Network(StrEnum):
    """Reach of a process: its own loopback, named hosts, or everything."""

    LOOPBACK = "loopback"
    HOSTS = "hosts"
    ALLOWED = "allowed"


class Settings(NamedTuple):
    """The keys of a table of `swarm.toml` that change a policy; `network` is `None` where the table says nothing."""

    network: bool | tuple[str, ...] | None = None
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    commit: bool | None = None
    reads_only: bool | None = None


class Policy(NamedTuple):
    """Rights to places and to the network.

    `closed` are places that the needs of a program do not open again; `is_tight` says that the user demands the policy,
    so that no part of it may be missing.
    """

    places: Mapping[str, Right]
    network: Network = Network.LOOPBACK
    hosts: tuple[str, ...] = ()
    is_tight: bool = False
    closed: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A digest over everything that the policy says."""
        document = [sorted(self.places.items()), self.network, self.hosts, self.is_tight]
        return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:16]

    def right_to(self, path: str) -> Right:
        """Return the right to a path."""
        return next((self.places[place] for place in _upward(path) if place in self.places), Right.READABLE)

    def in_order(self) -> list[tuple[str, Right]]:
        """Return the places, each after the places above it."""
        return sorted(self.places.items(), key=lambda entry: (len(_upward(entry[0])), entry[0]))


class Isolation(NamedTuple):
    """The sandbox that was in force: its backend, why there was none, and the digest of its policy."""

    backend: str
    reason: str | None
    policy: str


# For records of what ran no process.
NO_ISOLATION: Final = (None, None, None)


def _upward(path: str) -> list[str]:
    """Return an absolute path and every folder above it, the nearest first."""
    found = [path]
    while found[-1] not in {"/", ""}:
        found.append(found[-1].rpartition("/")[0] or "/")
    return found


def merged(tables: Iterable[Settings]) -> Settings:
    """Return the settings of several tables: lists are added up, and the last word on a switch holds."""
    found = Settings()
    for table in tables:
        found = Settings(
            found.network if table.network is None else table.network,
            found.readable + table.readable,
            found.writable + table.writable,
            found.hidden + table.hidden,
            found.commit if table.commit is None else table.commit,
            found.reads_only if table.reads_only is None else table.reads_only,
        )
    return found


def settings_of(table: Mapping[str, Any]) -> Settings:
    """Return the settings of a table of `swarm.toml`, which fits its schema."""
    network = table.get("network")
    return Settings(
        tuple(network) if isinstance(network, list) else network,
        tuple(table.get("readable", ())),
        tuple(table.get("writable", ())),
        tuple(table.get("hidden", ())),
        table.get("commit"),
    )


def policy_of(places: Iterable[tuple[str, Right]], settings: Settings, closed: Sequence[str] = ()) -> Policy:
    """Return the policy of the default places of a process, changed by the user's settings."""
    found: dict[str, Right] = {}
    for path, right in places:
        if path not in found or ORDER.index(found[path]) < ORDER.index(right):
            found[path] = right
    # The user's own word holds against every default; what the user hides stays hidden.
    for paths, right in ((settings.readable, Right.READABLE), (settings.writable, Right.WRITABLE)):
        found.update(dict.fromkeys(paths, right))
    for path in settings.hidden:
        found = {place: right for place, right in found.items() if not is_below(place, path)}
        found[path] = Right.HIDDEN
    # A boolean is an int and no tuple; a list of hosts is the only tuple.
    hosts = settings.network if isinstance(settings.network, tuple) else ()
    network = Network.HOSTS if hosts else Network.ALLOWED if settings.network is True else Network.LOOPBACK
    is_tight = bool(hosts or settings.hidden) or settings.network in {False, ()}
    return Policy(found, network, hosts, is_tight, (*closed, *settings.hidden))


def is_below(path: str, folder: str) -> bool:
    """Say whether a path is a folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_shown(path: str, places: Mapping[str, Right]) -> bool:
    """Say whether a process may read a path that exists."""
    return Policy(places).right_to(path) in {Right.READABLE, Right.WRITABLE}


def covers_any(folder: str, paths: Sequence[str]) -> bool:
    """Say whether a folder is any of the paths, or lies above any of them."""
    return any(is_below(path, folder) for path in paths)

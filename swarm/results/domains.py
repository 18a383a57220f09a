"""Records of `domains`."""

from typing import NamedTuple

from swarm.results.events import EventShown


class DomainShown(NamedTuple):
    """A domain of a run's map."""

    name: str
    ownership: str
    globs: tuple[str, ...]
    description: str
    frozen: bool
    matched_files: int


class OverlapShown(NamedTuple):
    """A file that several domains match, and its owner."""

    file: str
    domains: tuple[str, ...]
    owner: str


class DomainsResult(NamedTuple):
    """A run's map. Fields with a default are set only by the action that asks for them."""

    run_id: str
    frozen: bool
    domains: tuple[DomainShown, ...]
    changed: str | None = None
    unowned: tuple[str, ...] | None = None
    overlaps: tuple[OverlapShown, ...] | None = None
    events: tuple[EventShown, ...] | None = None
    path: str | None = None
    owner: str | None = None
    ownership: str | None = None
    glob: str | None = None
    warnings: tuple[str, ...] = ()
